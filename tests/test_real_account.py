"""The table of what works on a real account: each row is run against a sandbox of the documented calls."""

import re
import subprocess
from collections.abc import Iterator
from uuid import uuid4

import pytest

from astalty_cli.base.vocabulary import Access
from astalty_cli.sandbox.pages.page_user import PageUser
from tests.cli.test_help import COMMANDS
from tests.support.pages import DOCS
from tests.support.shell import ASTALTY, Shell
from tests.test_reference import rows

ROWS = rows((DOCS / "reference" / "real-account.md").read_text("utf-8"))
_SERVE = "sandbox serve --surface documented --rate-limit 0 --port 0"


class Service:
    """`astalty sandbox serve`, and the web page, where keys are created and deleted."""

    def __init__(self, base_url: str, user: PageUser) -> None:
        self.base_url = base_url
        self.user = user

    def create(self, name: str) -> str:
        return self.user.create_key(name, Access.READ_ONLY)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    shell = Shell(tmp_path_factory.mktemp("service"))
    with subprocess.Popen(
        [ASTALTY, *_SERVE.split()],
        env=shell.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        assert server.stderr
        try:
            base_url = server.stdout.readline().strip()
            (link,) = re.findall(r"/sign-in/\S+", server.stderr.readline())
            yield Service(base_url, PageUser.signed_in(base_url, link))
        finally:
            server.terminate()


@pytest.fixture
def on_page(service: Service) -> str:
    """What this test's keys are called on the page."""
    return uuid4().hex


@pytest.fixture
def signed_in(shell: Shell, service: Service, on_page: str) -> Shell:
    """A machine with the profile `default`, and with the key `payroll` in the record and in `.env`."""
    shell.environ["ASTALTY_BASE_URL"] = service.base_url
    shell("auth login --with-token --storage file", stdin=service.create(f"{on_page} default"))
    shell(
        "keys create payroll --with-token --access read-only --to dotenv:.env#KEY",
        stdin=service.create(on_page),
    )
    return shell


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[1])
def test_a_row_is_as_it_is_told(signed_in: Shell, service: Service, on_page: str, row: list[str]) -> None:
    line, code, words = row[1].strip("`"), int(row[2]), row[3]
    given = [service.create(f"{on_page} new")] if "--with-token" in line else []
    if " panic " in line:
        given.insert(0, (signed_in.home / ".env").read_text().partition("=")[2].strip("'\n"))
    if " recover " in line:
        new = service.create(f"{on_page} new")
        signed_in("keys rotate payroll --with-token --to dotenv:.env#KEY", stdin=new)
        service.user.delete_key(on_page)
    done = signed_in(line.removeprefix("astalty "), stdin="\n".join(given), code=code)
    assert words in " ".join(f"{done.err} {done.out}".split())
    assert [secret for secret in given if secret in done.err + done.out] == []


def test_no_command_is_left_out() -> None:
    told = " ".join(row[1] for row in ROWS)
    commands = {name for name in COMMANDS if not name.startswith("sandbox ")}
    assert {name for name in commands if f"astalty {name}" not in told} == set()
