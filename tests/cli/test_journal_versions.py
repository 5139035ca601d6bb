"""Entries of the journal that an earlier version wrote: they are read, finished and written as new ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.config.journal import JournalEntry
from tests.support.accounts import Account
from tests.support.open_operations import CREATE, EXPIRE, ROTATE, Faulty, is_open, key, lost, make, works
from tests.support.spoilt import Fault

# The fields of a file of version 1, in its order; it knew nothing of keys by hand.
VERSION_1 = (
    "version", "id", "operation", "phase", "key_id", "name", "access", "rotation", "last_fours",
    "idempotency_key", "first_grace", "grace", "sinks", "delivered", "lost", "force", "own", "allow_self",
    "allow_last", "idle", "profile", "base_url", "account_id", "started_at",
)  # fmt: skip
ADDED = {"going_back", "leaked", "way", "page_name", "old_page_name", "old_is_gone", "slot", "due_at"}

# How an operation is left open, and the phases that it may be in then.
OPERATIONS: dict[str, tuple[str, str | None, list[str]]] = {
    "create": ("keys create ci --to file:new", CREATE, ["asked"]),
    "rotate, no answer": ("keys rotate ci --to file:new", ROTATE, ["asked"]),
    "rotate, not delivered": ("keys rotate ci --to file:new --to 'exec:tee vault/new'", None, ["delivering"]),
    "rotate, not ended": ("keys rotate ci --to file:new", EXPIRE, ["delivering", "delivered", "proved"]),
    "revoke": ("keys revoke ci --yes", "DELETE .*", ["asked"]),
}
CASES = [(name, phase) for name, (_, _, phases) in OPERATIONS.items() for phase in phases]


def entry_of(account: Account) -> Path:
    (path,) = (account.shell.config / "journal").glob("*.json")
    return path


def as_version_1(path: Path, phase: str) -> None:
    """Write the file as version 1 did."""
    entry = json.loads(path.read_text())
    assert set(entry) == {*VERSION_1, *ADDED}
    old = {**entry, "version": 1, "phase": phase}
    path.write_text(json.dumps({name: old[name] for name in VERSION_1}, separators=(",", ":")))


def left_open(account: Account, faulty: Faulty, operation: str, phase: str) -> str:
    """Leave an operation open, as version 1 did; return the secret that the key had before."""
    line, call, _ = OPERATIONS[operation]
    before = "" if operation == "create" else make(account.shell)
    if call:
        lost(account, faulty[1], line, call, acts=False)
    else:
        account.shell(line, code=7)
    as_version_1(entry_of(account), phase)
    return before


@pytest.mark.parametrize(("operation", "phase"), CASES)
def test_each_phase_is_finished(faulty: Faulty, operation: str, phase: str) -> None:
    account = faulty[0]
    before = left_open(account, faulty, operation, phase)
    (row,) = is_open(account.shell)
    assert (row["phase"], row["way"], row["due_at"]) == (phase, "in_place", None)
    assert "Still open: " in account.shell("keys list").err
    (account.shell.home / "vault").mkdir()
    account.shell("keys recover --yes")
    assert account.shell("keys recover --json").json == []
    if operation == "revoke":
        assert not works(account, before)
        return
    new = (account.shell.home / "new").read_text().strip()
    assert works(account, new)
    assert not before or works(account, before, hours=23)
    assert not before or not works(account, before, hours=2)


@pytest.mark.parametrize(("operation", "phase"), [case for case in CASES if case[0] != "create"])
def test_each_phase_blocks_what_it_did(faulty: Faulty, operation: str, phase: str) -> None:
    account = faulty[0]
    left_open(account, faulty, operation, phase)
    code = 0 if operation == "revoke" else 7
    account.shell("keys rotate ci --to file:again", code=code)


def test_what_stays_open_is_written_as_version_2(faulty: Faulty) -> None:
    account, spoilt = faulty
    left_open(account, faulty, "rotate, no answer", "asked")
    spoilt.faults.append(Fault(EXPIRE, acts=False, times=99))
    account.shell("keys recover --yes", code=7)
    entry = json.loads(entry_of(account).read_text())
    assert (entry["version"], entry["way"], entry["phase"]) == (2, "in_place", "proved")
    assert set(entry) == {*VERSION_1, *ADDED}


def test_every_entry_says_that_it_is_none_of_version_1(faulty: Faulty) -> None:
    """An earlier program refuses it, and with it every operation on that key."""
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --to file:new", ROTATE, acts=False)
    entry: dict[str, Any] = json.loads(entry_of(account).read_text())
    assert entry["version"] == 2 == JournalEntry.__struct_defaults__[0]
    assert entry["key_id"] == key(account.shell)["id"]


@pytest.mark.parametrize("version", [0, 3, "2", None])
def test_another_version_is_refused_and_left_alone(served: Account, version: object) -> None:
    make(served.shell)
    path = served.shell.config / "journal" / "0123.json"
    path.write_text(json.dumps({"version": version, "key_id": key(served.shell)["id"]}))
    path.chmod(0o600)
    before = path.read_bytes()
    assert str(path) in served.shell("keys rotate ci --plain", code=7).err
    assert path.read_bytes() == before
