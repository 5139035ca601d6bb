"""`keys recover ID --abandon`: each open entry can be closed by a person who says what is true."""

import fcntl
from contextlib import closing

import pytest

from tests.support.accounts import Account
from tests.support.open_operations import CREATE, EXPIRE, ROTATE, Faulty, is_open, key, lost, make
from tests.support.spoilt import Fault
from tests.support.terminal import Terminal

LINES = [
    ("keys create ci --plain", CREATE, "if the key was created, it stays active"),
    ("keys rotate ci --plain", ROTATE, "may have a new secret that nobody has"),
    ("keys rotate ci --to file:new", EXPIRE, "the old one works for 7 days"),
    ("keys revoke ci --yes", "DELETE .*", "it still works"),
]


def entry_id(account: Account) -> str:
    return str(is_open(account.shell)[0]["id"])


def forget(account: Account, name: str = "ci") -> None:
    """The service knows the key no more."""
    with closing(account.store()) as store, store.database.write() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        found = connection.execute("SELECT id FROM api_keys WHERE name = ?", (name,)).fetchone()["id"]
        connection.execute("DELETE FROM key_secrets WHERE key_id = ?", (found,))
        connection.execute("DELETE FROM api_keys WHERE id = ?", (found,))


def test_a_key_that_the_service_knows_no_more_is_closed_on_the_users_word(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE, acts=False)
    forget(account)
    told = account.shell("keys recover --yes", code=7)
    wanted = entry_id(account)[:8]
    assert "There is no key" in told.err
    assert f"keys recover {wanted} --abandon" in told.err
    calls = len(spoilt.calls)
    account.shell(f"keys recover {wanted} --abandon --yes")
    assert len(spoilt.calls) == calls  # nothing is asked of the service
    assert account.shell("keys recover --json").json == []


@pytest.mark.parametrize(("line", "call", "consequence"), LINES)
def test_it_asks_and_spells_out_what_is_left(faulty: Faulty, line: str, call: str, consequence: str) -> None:
    account, spoilt = faulty
    if "create" not in line:
        make(account.shell)
    lost(account, spoilt, line, call, acts=False)
    terminal = Terminal(account.shell, f"keys recover {entry_id(account)} --abandon", columns=160)
    terminal.expect("[y/N]")
    terminal.type("n")
    assert consequence in " ".join(terminal.ends(130).split())
    assert len(is_open(account.shell)) == 1
    terminal = Terminal(account.shell, f"keys recover {entry_id(account)} --abandon", columns=160)
    terminal.expect("[y/N]")
    terminal.type("y")
    terminal.ends()
    assert account.shell("keys recover --json").json == []


def test_it_closes_nothing_that_is_not_named(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --plain", CREATE, acts=False)
    lost(account, spoilt, "keys create other --plain", CREATE, acts=False)
    rows = is_open(shell)
    one, other = (str(row["id"]) for row in rows)
    for ids in ("", "''"):
        shell(f"keys recover {ids} --abandon --yes", code=3 if ids else 2)
    shell(f"keys recover {one}", code=7)
    assert "no terminal" in shell(f"keys recover {one} --abandon", code=2).err
    shell(f"keys recover {one} zzzz --abandon --yes", code=3)
    shell(f"keys recover {one} --abandon --yes --to file:new", code=2)
    assert is_open(shell) == rows
    shell(f"keys recover {one} {one[:12]} --abandon --yes")
    assert [row["id"] for row in is_open(shell)] == [other]


def test_an_id_that_could_be_several_is_none(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --plain", CREATE, acts=False)
    (path,) = (shell.config / "journal").glob("*.json")
    twin = path.with_name(path.stem[:10] + "0.json")
    twin.write_text("{}")
    twin.chmod(0o600)
    assert "could be any of 2" in shell(f"keys recover {path.stem[:10]} --abandon --yes", code=2).err
    shell(f"keys recover {twin.stem} --abandon --yes")
    assert (path.exists(), twin.exists()) == (True, False)


def test_yes_alone_never_abandons(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    account.shell("keys recover --yes", code=7)
    assert len(is_open(account.shell)) == 1


def test_what_has_moved_on_while_the_question_stood_stays_open(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    lost(account, spoilt, "keys rotate ci --to file:new", ROTATE, acts=False)
    terminal = Terminal(shell, f"keys recover {entry_id(account)} --abandon", columns=160)
    terminal.expect("[y/N]")
    spoilt.faults.append(Fault(EXPIRE, acts=False, times=99))
    shell("keys recover --yes", code=7)
    terminal.type("y")
    assert "has moved on meanwhile" in " ".join(terminal.ends(5).split())
    assert len(is_open(shell)) == 1


def test_what_another_process_works_on_is_not_closed(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --plain", CREATE, acts=False)
    wanted = entry_id(account)
    with (shell.config / "journal" / f"{wanted}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Busy" in shell(f"keys recover {wanted} --abandon --yes", code=5).err
    assert entry_id(account) == wanted


DAMAGED = {
    "told": '{{"version": 9, "key_id": "{key}", "base_url": "{url}"}}',
    "of the origin": '{{"version": 9, "base_url": "{url}"}}',
    "no text": "\x00\x01",
    "of another origin": '{{"version": 9, "base_url": "http://127.0.0.1:1"}}',
}


@pytest.mark.parametrize(
    ("content", "blocks", "blocks_others"),
    [
        ("told", True, False),
        ("of the origin", True, True),
        ("no text", True, True),
        ("of another origin", False, False),
    ],
)
def test_what_cannot_be_read_blocks_what_it_may_be_about(
    served: Account, content: str, blocks: bool, blocks_others: bool
) -> None:
    shell = served.shell
    for name in ("ci", "other", "third"):
        make(shell, name)
    damaged = shell.config / "journal" / "0123.json"
    damaged.write_text(DAMAGED[content].format(key=key(shell)["id"], url=served.base_url))
    damaged.chmod(0o600)
    for line in ("keys rotate ci --plain", "keys revoke ci --yes"):
        if blocks:
            assert str(damaged) in shell(line, code=7).err
    for line in ("keys rotate other --plain", "keys revoke third --yes", "keys create new --plain"):
        shell(line, code=7 if blocks_others else 0)
    assert shell("keys list").rows
    told = shell("keys recover 0123 --abandon --yes")
    assert "0123.abandoned" in told.err
    shell("keys rotate ci --plain")
    assert shell("keys recover --json").json == []


@pytest.mark.parametrize(
    ("mode", "blocks_others"), [(0o640, False), (0o604, False), (0o620, True), (0o602, True)]
)
def test_an_entry_that_others_may_read_blocks_its_own_key(
    faulty: Faulty, mode: int, blocks_others: bool
) -> None:
    """Where they could have written it, nobody knows which key it is of."""
    account, spoilt = faulty
    shell = account.shell
    for name in ("ci", "other", "third"):
        make(shell, name)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    (path,) = (shell.config / "journal").glob("*.json")
    path.chmod(mode)
    assert str(path) in shell("keys rotate ci --plain", code=7).err
    for line in ("keys rotate other --plain", "keys revoke third --yes", "keys create new --plain"):
        shell(line, code=7 if blocks_others else 0)
    told = shell("keys recover", code=7).err
    assert f"chmod 600 {path}" in told
    path.chmod(0o600)
    assert [row["name"] for row in is_open(shell)] == ["ci"]
