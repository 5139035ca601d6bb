"""A leaked key that is on a web page only, and `keys panic` of it on a terminal."""

from typing import Any

from tests.support.terminal import Terminal
from tests.support.web_app import RealAccount


def leaky(real: RealAccount, flags: str = "") -> str:
    """The secret of the key `ci`, which the record has and no profile."""
    secret = real.page.create("ci")
    real.shell(f"keys add ci --with-token --page-name 'CI robot' {flags}", stdin=secret)
    return secret


def rows(real: RealAccount) -> list[dict[str, Any]]:
    listed = real.shell("keys list --status active,expiring,revoked --json").json
    return [row for row in listed if row["name"] != "default"]


def panicking(real: RealAccount, leaked: str, flags: str = "") -> Terminal:
    terminal = Terminal(real.shell, f"keys panic {flags}", hurried=True)
    type_unseen(terminal, "Leaked secret (not shown): ", leaked)
    return terminal


def type_unseen(terminal: Terminal, prompt: str, secret: str) -> None:
    terminal.expect(prompt)
    terminal.child.waitnoecho(30)
    terminal.type(secret)


def agree(terminal: Terminal) -> None:
    terminal.expect("[y/N]")
    terminal.type("y")
