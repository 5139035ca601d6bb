"""A rotation by hand from end to end: a browser at the web page on one side, a terminal on the other."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.browser import browser, needs_chromium
from tests.support.shell import ASTALTY, Shell
from tests.support.terminal import Terminal

pytestmark = needs_chromium


@contextmanager
def serving(shell: Shell, database: Path) -> Iterator[tuple[str, str]]:
    """A server of the documented calls alone: its base URL, and the sign-in link that it shows."""
    flags = ["--port", "0", "--rate-limit", "0", "--surface", "documented", "--database", str(database)]
    with subprocess.Popen(
        [str(ASTALTY), "sandbox", "serve", *flags],
        env=shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            yield server.stdout.readline().strip(), server.stderr.readline().split()[-1]
        finally:
            server.terminate()


def test_a_key_is_replaced_on_the_page_and_in_the_terminal(shell: Shell, tmp_path: Path) -> None:
    database = tmp_path / "served" / "sandbox.db"
    with serving(shell, database) as (base_url, link), browser(tmp_path) as tab:
        old = database.with_name("sandbox.db.key").read_text().strip()
        shell(f"auth login --with-token --storage file --base-url {base_url}", stdin=old)
        terminal = Terminal(shell, "keys rotate default --grace 0 --yes", hurried=True)
        terminal.expect("New key (not shown): ")

        tab.devtools(
            "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
        )
        tab.open(link)
        tab.open(f"{base_url}/dashboard/keys/create")
        tab.has_focus("name")
        tab.press(*"default 2")
        tab.click("#read_only")
        tab.click("button.primary")
        tab.lands_on("API Key Created")
        tab.click("button.copy")
        tab.until(lambda: tab.text("button.copy") == "Copied")
        new = str(tab.run("return navigator.clipboard.readText()"))

        terminal.child.waitnoecho(30)
        terminal.type(new)
        terminal.expect("The old key still works.")
        tab.open(f"{base_url}/dashboard/keys")
        tab.click("a[aria-label='Delete sandbox cli']")
        tab.lands_on("Delete sandbox cli?")
        tab.click("button.danger")
        tab.lands_on("Manage Keys")
        screen = terminal.ends()
        assert "Verified: the old key of 'default'" in screen
        assert new not in terminal.raw

        tab.open(f"{base_url}/dashboard/requests?status=401")
        assert "/participants" in tab.text("#requests")
        tab.open(f"{base_url}/dashboard/requests?status=200")
        assert "default 2" in tab.text("#requests")
        assert new not in tab.run("return document.documentElement.outerHTML")
    stored = (shell.home / ".config" / "astalty" / "keys" / "default.json").read_text()
    assert new in stored
