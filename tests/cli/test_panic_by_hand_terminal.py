"""`astalty keys panic` by hand on a terminal: the key goes first, then a new one is asked for."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.leaked_by_hand import agree, leaky, panicking, rows, type_unseen
from tests.support.leaks import report, reports, said
from tests.support.shell import Shell
from tests.support.terminal import Terminal
from tests.support.web_app import RealAccount, real_account


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def test_on_a_terminal_the_key_is_deleted_first_and_then_replaced(real: RealAccount) -> None:
    leaked = leaky(real)
    terminal = panicking(real, leaked, "--to file:key")
    agree(terminal)
    terminal.expect("Step 1 of 3: delete the key in the web app")
    terminal.expect("The leaked key still works.")
    (entry,) = real.open
    assert (entry["phase"], entry["operation"]) == ("awaiting_deletion", "rotate")
    real.page.delete(leaked)
    terminal.expect("Verified: the leaked key (ends in ")
    terminal.expect("Step 3 of 3")
    assert real.key("ci")["ended_by"] == "rejected"
    type_unseen(terminal, "New key (not shown): ", new := real.page.create("CI robot 2"))
    screen = terminal.ends()
    assert "The leaked secret no longer works, verified" in screen
    assert (real.shell.home / "key").read_text().strip() == new
    assert leaked not in terminal.raw
    assert new not in terminal.raw
    data, _ = report(real.shell.home)
    assert [step["what"].partition(" (")[0] for step in data["steps"]] == [
        "The service accepted the leaked secret.",
        "The deletion of the leaked key was asked for.",
        "The service rejected the leaked secret, twice: its key is deleted.",
        "A new key",
    ]
    assert not real.open
    assert not real.slots


def test_on_a_terminal_without_a_use_for_a_new_key_none_is_asked_for(real: RealAccount) -> None:
    leaked = leaky(real)
    terminal = panicking(real, leaked)
    terminal.expect("No new key is asked for")
    agree(terminal)
    terminal.expect("The leaked key still works.")
    real.page.delete(leaked)
    assert "New key" not in terminal.ends()
    assert real.key("ci")["status"] == "revoked"
    assert not real.open


def test_the_profiles_own_key_is_replaced_without_a_destination(real: RealAccount) -> None:
    terminal = panicking(real, real.secret)
    agree(terminal)
    terminal.expect("The leaked key still works.")
    real.page.delete(real.secret)
    type_unseen(terminal, "New key (not shown): ", new := real.page.create("main 2"))
    assert "Profile 'default' now uses the new secret." in terminal.ends()
    assert real.stored() == new
    assert not real.open


def test_a_no_begins_nothing(real: RealAccount) -> None:
    terminal = panicking(real, leaky(real))
    terminal.expect("[y/N]")
    terminal.type("n")
    terminal.ends(130)
    assert not real.open
    assert reports(real.shell.home) == []


def test_recorded_destinations_are_named_before_the_deletion_is_asked_for(real: RealAccount) -> None:
    leaked = leaky(real)
    record = real.shell.config / "keys.toml"
    text = record.read_text().replace('"CI robot"\n', '"CI robot"\ndestinations = ["dotenv:.env#KEY"]\n')
    record.write_text(text)
    terminal = panicking(real, leaked)
    terminal.expect("won't get a new secret")
    terminal.expect("[y/N]")
    terminal.type("n")
    terminal.ends(130)


def test_a_new_key_in_place_of_a_dead_one_is_offered(real: RealAccount) -> None:
    leaked = leaky(real)
    real.page.delete(leaked)
    for answer in ("n", "y"):
        for path in reports(real.shell.home):
            path.unlink()
        terminal = panicking(real, leaked, "--to file:key")
        terminal.expect("no longer works, verified")
        terminal.expect("Create a new key in place of 'ci'")
        terminal.expect("[y/N]")
        terminal.type(answer)
        if answer == "y":
            type_unseen(terminal, "New key (not shown): ", real.page.create("CI robot 2"))
        terminal.ends()
        assert (real.shell.home / "key").exists() == (answer == "y")
        report(real.shell.home)
    assert not real.open


@pytest.mark.parametrize("how", ["interrupt", "kill"])
def test_leaving_the_wait_recover_deletes_and_replaces(real: RealAccount, how: str) -> None:
    leaked = leaky(real)
    terminal = panicking(real, leaked, "--to file:key")
    agree(terminal)
    terminal.expect("The leaked key still works.")
    if how == "interrupt":
        terminal.interrupt()
        assert "astalty keys recover" in terminal.ends(7)
    else:
        terminal.child.kill(signal.SIGKILL)
        terminal.child.wait()
    (entry,) = real.open
    real.page.delete(leaked)
    left = real.shell("keys recover --yes", code=7)
    assert "Verified: the leaked key (ends in " in left.err
    assert "It still needs the new key" in said(left)
    real.shell(f"keys recover {entry['id'][:8]} --with-token", stdin=(new := real.page.create("CI robot 2")))
    assert (real.shell.home / "key").read_text().strip() == new
    assert real.key("ci")
    assert {row["status"] for row in rows(real)} == {"active", "revoked"}
    assert not real.open
    assert not real.slots


@pytest.mark.parametrize("leave", ["interrupt", "end of input"])
def test_leaving_at_the_prompt_for_the_new_key_recover_asks_again(real: RealAccount, leave: str) -> None:
    terminal = panicking(real, real.secret)
    agree(terminal)
    terminal.expect("The leaked key still works.")
    real.page.delete(real.secret)
    terminal.expect("New key (not shown): ")
    terminal.child.waitnoecho(30)
    if leave == "interrupt":
        terminal.interrupt()
    else:
        terminal.child.sendeof()
    terminal.ends(7)
    (entry,) = real.open
    assert entry["phase"] == "awaiting_secret"
    data, _ = report(real.shell.home)
    assert data["rejected_at"] is not None
    again = Terminal(real.shell, f"keys recover {entry['id'][:8]}", hurried=True)
    type_unseen(again, "New key (not shown): ", new := real.page.create("main 2"))
    again.ends()
    assert real.stored() == new
    assert not real.open
    assert not real.slots


@pytest.mark.parametrize("replaced", [True, False])
def test_the_deletion_may_be_taken_on_a_persons_word(real: RealAccount, replaced: bool) -> None:
    leaked = leaky(real)
    terminal = panicking(real, leaked, "--to file:key" if replaced else "")
    agree(terminal)
    terminal.expect("The leaked key still works.")
    terminal.interrupt()
    terminal.ends(7)
    real.shell(f"keys recover {real.open[0]['id'][:8]} --abandon --yes")
    assert (real.key("ci")["status"], real.key("ci")["ended_by"]) == ("revoked", "stated")
    assert not real.open
    assert not real.slots
