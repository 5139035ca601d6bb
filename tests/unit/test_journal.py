"""The journal on a disk that fails."""

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.config.journal import Journal, JournalEntry, Operation, Phase

ENTRY = JournalEntry(
    id="0123",
    operation=Operation.CREATE,
    name="ci",
    idempotency_key="a",
    profile="default",
    base_url="https://api.astalty.example",
    account_id="1",
    started_at=datetime(2026, 11, 23, tzinfo=UTC),
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def let_folders_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a folder lists can't be written to the disk any more."""
    fsync = os.fsync

    def failing(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", failing)


def test_an_entry_that_could_not_be_begun_is_not_open(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call was never made: `recover` must not make it."""
    monkeypatch.setattr("astalty_cli.base.private_files.ensure_writable", lambda *_: None)
    let_folders_fail(monkeypatch)
    with pytest.raises(LocalError, match="Input/output error"):
        journal.write(ENTRY)
    assert journal.contents() == ([], {})


def test_an_entry_that_could_not_be_moved_on_stays_open(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.write(ENTRY)
    let_folders_fail(monkeypatch)
    with pytest.raises(LocalError, match="Input/output error"):
        journal.write(msgspec.structs.replace(ENTRY, phase=Phase.DELIVERING))
    assert [entry.id for entry in journal.contents().entries] == ["0123"]
