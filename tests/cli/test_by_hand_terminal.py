"""Keys by hand on a terminal: a person at the web page on one side, the prompts and waits on the other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import Shell
from tests.support.terminal import Terminal
from tests.support.web_app import RealAccount, real_account

PASTE = "New key (not shown): "


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def paste(terminal: Terminal, secret: str, prompt: str = PASTE) -> None:
    terminal.expect(prompt)
    terminal.child.waitnoecho(30)
    terminal.type(secret)


def test_a_rotation_to_its_end_fits_one_screen(real: RealAccount) -> None:
    terminal = Terminal(real.shell, "keys rotate default --grace 0", lines=24, hurried=True)
    terminal.expect("[y/N]")
    terminal.type("y")
    paste(terminal, secret := real.page.create("default 2"))
    terminal.expect("The old key still works.")
    assert real.stored() == secret  # before the deletion was asked for
    real.page.delete(real.secret)
    screen = terminal.ends()
    for step in ("Step 1 of 3", "Step 2 of 3", "Step 3 of 3"):
        assert step in screen
    assert "Verified: the old key of 'default'" in screen
    assert secret not in terminal.raw
    assert max(map(len, screen.splitlines())) <= 80
    assert not real.open


def test_a_paste_that_is_refused_is_asked_for_again(real: RealAccount) -> None:
    terminal = Terminal(real.shell, "keys create ci --to file:key", hurried=True)
    secret = real.page.create("ci")
    paste(terminal, "not a key")
    paste(terminal, real.secret)
    paste(terminal, secret)
    screen = terminal.ends()
    assert "That is not an API key" in screen
    assert "This is the secret of profile 'default'." in screen
    assert (real.shell.home / "key").read_text().strip() == secret


def test_after_three_refused_pastes_it_is_closed(real: RealAccount) -> None:
    terminal = Terminal(real.shell, "keys create ci --to file:key", hurried=True)
    for _ in range(3):
        paste(terminal, real.secret)
    screen = terminal.ends(5)
    assert "still exists in the web app" in screen.replace("\n", " ")
    assert not real.open


@pytest.mark.parametrize("leave", ["interrupt", "end of input", "Enter"])
def test_leaving_at_the_prompt_keeps_it_open(real: RealAccount, leave: str) -> None:
    terminal = Terminal(real.shell, "keys create ci --to file:key", hurried=True)
    terminal.expect(PASTE)
    terminal.child.waitnoecho(30)
    if leave == "interrupt":
        terminal.interrupt()
    elif leave == "Enter":
        terminal.type("")
    else:
        terminal.child.sendeof()
    screen = terminal.ends(7)
    (entry,) = real.open
    assert f"astalty keys recover {entry['id'][:8]}" in screen
    again = Terminal(real.shell, f"keys recover {entry['id'][:8]}", hurried=True)
    paste(again, secret := real.page.create("ci"))
    again.ends()
    assert (real.shell.home / "key").read_text().strip() == secret
    assert not real.open


def test_leaving_the_wait_keeps_it_open_and_recover_comes_back(real: RealAccount) -> None:
    terminal = Terminal(real.shell, "keys rotate default --grace 0 --yes", hurried=True)
    paste(terminal, real.page.create("default 2"))
    terminal.expect("The old key still works.")
    terminal.interrupt()
    screen = terminal.ends(7)
    (entry,) = real.open
    assert f"astalty keys recover {entry['id'][:8]}" in screen
    again = Terminal(real.shell, f"keys recover {entry['id'][:8]}", hurried=True)
    again.expect("The old key still works.")
    real.page.delete(real.secret)
    assert "Verified: the old key of" in again.ends()
    assert not real.open


def test_the_wrong_key_deleted_is_said_at_once_and_undone_by_recover(real: RealAccount) -> None:
    terminal = Terminal(real.shell, "keys rotate default --grace 0 --yes", columns=120, hurried=True)
    paste(terminal, secret := real.page.create("default 2"))
    terminal.expect("The old key still works.")
    real.page.delete(secret)
    assert "The wrong key was deleted" in terminal.ends(7)
    again = Terminal(real.shell, "keys recover", columns=120, hurried=True)
    again.expect("[y/N]")
    again.type("y")
    assert "is in use again" in again.ends()
    assert real.stored() == real.secret
    assert not real.open


def test_a_key_that_is_stored_nowhere_is_asked_for(real: RealAccount) -> None:
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys add ci --with-token", stdin=old)
    terminal = Terminal(real.shell, "keys rotate ci --to file:key", hurried=True)
    paste(terminal, old, "Current key (not shown; Enter to skip): ")
    paste(terminal, new)
    terminal.ends()
    assert (real.shell.home / "key").read_text().strip() == new
    assert not {old, new} & set(terminal.raw.split())


def test_quiet_still_says_what_to_do(real: RealAccount) -> None:
    terminal = Terminal(real.shell, "keys create ci -q --to file:key", hurried=True)
    paste(terminal, real.page.create("ci"))
    screen = terminal.ends()
    assert "Create API Key" in screen
    assert "Created 'ci'" not in screen


def test_revoke_waits_for_the_deletion(real: RealAccount) -> None:
    secret = real.page.create("ci")
    real.shell("keys create ci --with-token --to file:key", stdin=secret)
    terminal = Terminal(real.shell, "keys revoke ci", hurried=True)
    terminal.expect("[y/N]")
    terminal.type("y")
    terminal.expect("The key still works.")
    real.page.delete(secret)
    assert "Revoked 'ci'" in terminal.ends()
    assert real.key("ci")["status"] == "revoked"
