"""A question may stand for a long time: what was checked before it is checked again after the answer."""

import sqlite3
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.leaks import PANIC
from tests.support.mirrors import mirrored_account, with_body
from tests.support.open_operations import (
    CREATE,
    FOR_GOOD,
    ROTATE,
    Faulty,
    elsewhere,
    is_open,
    key,
    lost,
    make,
    works,
)
from tests.support.shell import Shell
from tests.support.spoilt import Fault
from tests.support.terminal import Terminal


def end_others(account: Account, *kept: str) -> None:
    """Somebody else revokes all keys but these."""
    with closing(account.store()) as store, store.database.write() as connection:
        names = ", ".join("?" * len(kept))
        connection.execute(
            f"UPDATE api_keys SET revoked_at = created_at WHERE name NOT IN ({names})",
            kept,
        )


def status(account: Account, name: str = "ci") -> str:
    with closing(account.store()) as store, store.database.read() as connection:
        row = connection.execute("SELECT revoked_at FROM api_keys WHERE name = ?", (name,)).fetchone()
    return "revoked" if row["revoked_at"] else "active"


@pytest.fixture
def asked(served: Account) -> Account:
    make(served.shell)
    return served


def at_question(account: Account, line: str, env: dict[str, str] | None = None) -> Terminal:
    """The command, waiting at its question."""
    terminal = Terminal(account.shell, line, columns=140, env=env)
    terminal.expect("[y/N]")
    return terminal


def test_the_last_active_key_is_not_revoked_since_the_others_have_ended(asked: Account) -> None:
    secret = asked.shell("keys create own --plain").out.strip()
    env = {"ASTALTY_API_KEY": secret}
    terminal = at_question(asked, "keys revoke own --allow-self", env)
    end_others(asked, "own")
    terminal.type("y")
    assert "last active key" in " ".join(terminal.ends(5).split())
    assert status(asked, "own") == "active"


def test_of_several_the_last_one_stays(asked: Account) -> None:
    secret = asked.shell("keys create own --plain").out.strip()
    terminal = at_question(asked, "keys revoke ci own --allow-self", {"ASTALTY_API_KEY": secret})
    end_others(asked, "own", "ci")
    terminal.type("y")
    terminal.ends(5)
    assert (status(asked, "ci"), status(asked, "own")) == ("revoked", "active")


def test_a_key_that_a_profile_has_taken_meanwhile_is_not_revoked(served: Account) -> None:
    shell = served.shell
    secret = make(shell)
    terminal = at_question(served, "keys revoke ci")
    shell(f"auth login -p other --with-token --storage file --base-url {served.base_url}", stdin=secret)
    terminal.type("y")
    assert "is in use here: profile 'other'" in " ".join(terminal.ends(5).split())
    assert works(served, secret)


def test_nor_is_its_old_secret_ended_at_once(served: Account) -> None:
    shell = served.shell
    secret = make(shell)
    terminal = at_question(served, "keys rotate ci --grace 0")
    shell(f"auth login -p other --with-token --storage file --base-url {served.base_url}", stdin=secret)
    terminal.type("y")
    assert "is in use here: profile 'other'" in " ".join(terminal.ends(5).split())
    assert key(shell)["rotation"] == 0


def test_a_key_that_was_used_meanwhile_is_not_idle(served: Account) -> None:
    secret = make(served.shell)
    terminal = at_question(served, "keys revoke ci --if-idle 1h")
    works(served, secret)
    terminal.type("y")
    assert "is not idle" in " ".join(terminal.ends(5).split())
    assert status(served) == "active"


def test_a_key_that_was_revoked_meanwhile_is_said_to_be(asked: Account) -> None:
    terminal = at_question(asked, "keys revoke ci")
    asked.shell("keys revoke ci --yes")
    terminal.type("y")
    assert "Someone revoked 'ci'" in " ".join(terminal.ends(3).split())


def test_what_was_left_open_meanwhile_is_not_rotated_over(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    terminal = at_question(account, "keys rotate ci --grace 0")
    lost(account, spoilt, "keys rotate ci --to file:other", ROTATE, acts=False)
    terminal.type("y")
    assert "is open; nothing was done" in " ".join(terminal.ends(7).split())


@pytest.mark.parametrize("end", ["last", "in use", "rotated"])
def test_a_recovery_revokes_what_may_still_be_revoked(faulty: Faulty, end: str) -> None:
    account, spoilt = faulty
    shell = account.shell
    secret = make(shell)
    env = {"ASTALTY_API_KEY": secret, "ASTALTY_BASE_URL": str(account.base_url)}
    line = "keys revoke ci --yes" + (" --allow-self" if end == "last" else "")
    spoilt.faults.append(Fault("DELETE .*", acts=False, times=FOR_GOOD))
    shell(line, env=env if end == "last" else {}, code=7)
    spoilt.faults.clear()
    terminal = at_question(account, "keys recover", env if end == "last" else None)
    if end == "last":
        end_others(account, "ci")
    elif end == "in use":
        shell(f"auth login -p other --with-token --storage file --base-url {account.base_url}", stdin=secret)
    else:
        secret = elsewhere(account)
    terminal.type("y")
    told = " ".join(terminal.ends(7).split())
    assert {"last": "last active key", "in use": "is in use here", "rotated": "rotated 'ci'"}[end] in told
    assert works(account, secret)


def test_a_recovery_of_a_revocation_knows_what_was_allowed(faulty: Faulty) -> None:
    account, spoilt = faulty
    secret = make(account.shell)
    spoilt.faults.append(Fault("DELETE .*", acts=False, times=FOR_GOOD))
    account.shell("keys revoke ci --yes --if-idle 1h", code=7)
    spoilt.faults.clear()
    works(account, secret)
    assert "is not idle" in account.shell("keys recover --yes", code=7).err
    account.clock.move(hours=2)
    account.shell("keys recover --yes")
    assert not works(account, secret)


def test_an_orphan_that_was_given_a_secret_while_the_question_stood_is_not_revoked(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --to file:new", CREATE)
    account.shell("keys list")
    (account.shell.home / "new").mkdir()  # the place cannot be used any more
    terminal = at_question(account, "keys recover")
    terminal.type("n")
    terminal.expect("Revoke the key")
    terminal.expect("[y/N]")
    theirs = elsewhere(account)
    terminal.type("y")
    assert "was not revoked" in " ".join(terminal.ends().split())
    assert works(account, theirs, days=8)


def test_the_newest_secret_is_no_longer_that_one(faulty: Faulty) -> None:
    account, _ = faulty
    shell = account.shell
    shell("keys create ci --to file:new --to exec:false", code=7)
    terminal = at_question(account, "keys recover")
    theirs = elsewhere(account)
    terminal.type("y")
    terminal.ends(7)
    assert len(is_open(shell)) == 1
    assert works(account, theirs, days=8)


def test_panic_rotates_the_key_that_was_shown(served: Account) -> None:
    shell = served.shell
    secret = make(shell)
    terminal = Terminal(
        shell, f"{PANIC.replace('--with-token', '').replace('--yes', '')} --to file:new", columns=140
    )
    terminal.expect("(not shown)")
    terminal.type(secret)
    terminal.expect("[y/N]")
    theirs = elsewhere(served)
    terminal.type("y")
    assert "else rotated" in " ".join(terminal.ends(5).split())
    assert works(served, theirs, days=8)


def test_a_purge_removes_no_more_than_was_said(shell: Shell, tmp_path: Path) -> None:
    with ExitStack() as stack:
        mirrored = mirrored_account(shell, tmp_path / "mirrored", stack, lambda app: app)
        with_body(mirrored.account, timedelta(days=3), "old")
        fresh = with_body(mirrored.account, timedelta(minutes=1), "fresh")
        mirrored.sync()
        terminal = Terminal(mirrored.shell, "history purge --older-than 1d", columns=140)
        terminal.expect("[y/N]")
        with closing(sqlite3.connect(mirrored.file)) as other, other:  # as another sync would
            other.execute(
                "UPDATE entries SET created_at = '2020-01-01T00:00:00.000000Z' WHERE id = ?", [fresh]
            )
        before = mirrored.ids()
        terminal.type("y")
        assert "nothing was removed" in " ".join(terminal.ends(5).split())
        assert mirrored.ids() == before


def test_a_profile_that_was_given_another_key_meanwhile_keeps_it(served: Account) -> None:
    shell = served.shell
    mine, theirs = make(shell, "mine"), make(shell, "theirs")
    line = f"auth login -p other --storage file --base-url {served.base_url}"
    shell(f"{line} --with-token", stdin=make(shell, "first"))
    terminal = at_question(served, line)
    shell(f"{line} --with-token --yes", stdin=theirs)
    terminal.type("y")
    terminal.expect("(not shown)")
    terminal.type(mine)
    assert "was changed meanwhile" in " ".join(terminal.ends(5).split())
    assert theirs in (shell.config / "keys" / "other.json").read_text()
