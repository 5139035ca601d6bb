"""`astalty history purge`: what is removed is gone; and files that are not what they should be."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.mirrors import CANARY, Mirrored, files_with, mirrored_account, with_body
from tests.support.shell import Shell
from tests.support.terminal import Terminal


@pytest.fixture
def mirrored(shell: Shell, tmp_path: Path) -> Iterator[Mirrored]:
    with ExitStack() as closing:
        yield mirrored_account(shell, tmp_path / "served", closing, lambda app: app)


# -- purge ---------------------------------------------------------------------------------------


def test_what_is_purged_is_gone_from_the_disk_and_not_fetched_again(mirrored: Mirrored) -> None:
    for days in range(2, 30):
        with_body(mirrored.account, timedelta(days=days), f"{CANARY} " * 300)
    fresh = with_body(mirrored.account, timedelta(minutes=1), "harmless")
    mirrored.sync("--bodies")
    assert files_with(CANARY, mirrored.folder)
    size = mirrored.file.stat().st_size
    purged = mirrored.shell("history purge --older-than 1d --yes")
    assert mirrored.file.stat().st_size < size / 2
    assert files_with(CANARY, mirrored.folder) == []
    left = mirrored.ids()
    assert fresh in left
    assert f"the mirror has {len(left)}." in purged.err
    assert "Removed 5" in purged.err
    mirrored.sync("--bodies")
    known, ids = mirrored.known(), mirrored.ids()
    assert ids == known[known.index(ids[0]) : known.index(left[-1]) + 1]
    assert files_with(CANARY, mirrored.folder) == []


def test_what_is_no_longer_kept_is_gone_from_the_disk_too(mirrored: Mirrored) -> None:
    with_body(mirrored.account, timedelta(days=1), f"{CANARY} " * 300)
    mirrored.sync("--bodies")
    assert files_with(CANARY, mirrored.folder)
    mirrored.account.clock.move(days=5)
    mirrored.sync("--keep 5d")
    assert files_with(CANARY, mirrored.folder) == []


def test_a_purge_while_somebody_reads_says_that_traces_are_left(mirrored: Mirrored) -> None:
    mirrored.sync()
    with closing(sqlite3.connect(mirrored.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        refused = mirrored.shell("history purge --older-than 1d --yes", code=5)
        reader.execute("COMMIT")
    assert "traces of them" in refused.err
    mirrored.shell("history purge --older-than 1d --yes")


def test_purge_all_removes_every_file(mirrored: Mirrored) -> None:
    first = mirrored.sync()
    mirrored.shell("history purge --all --yes")
    assert list(mirrored.folder.iterdir()) == []
    assert mirrored.sync()["added"] > first["added"]


def test_purge_asks_and_a_no_leaves_everything(mirrored: Mirrored) -> None:
    mirrored.sync()
    before = mirrored.ids()
    assert "--yes" in mirrored.shell("history purge --all", code=2).err
    terminal = Terminal(mirrored.shell, "history purge --older-than 1d", columns=200)
    terminal.expect("Remove 5")
    terminal.type("n")
    terminal.ends(130)
    assert mirrored.ids() == before


@pytest.mark.parametrize("flags", ["", "--all --older-than 1d"])
def test_purge_has_to_be_told_what(shell: Shell, flags: str) -> None:
    refused = shell(f"history purge --yes {flags}", code=2)
    assert "--older-than" in refused.err
    assert "--all" in refused.err


@pytest.mark.parametrize("flags", ["--all", "--older-than 30d"])
def test_purge_without_a_mirror_is_no_failure(shell: Shell, flags: str) -> None:
    assert "There is no mirror" in shell(f"history purge {flags}").err
    assert not (shell.home / ".local" / "share" / "astalty" / "history").exists()


# -- files that are not what they should be ------------------------------------------------------


def no_database(file: Path) -> None:
    file.write_bytes(b"canary " * 1000)


def a_foreign_one(file: Path) -> None:
    execute(file, "PRAGMA application_id = 7")


def a_newer_one(file: Path) -> None:
    execute(file, "PRAGMA user_version = 99")


def a_damaged_one(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:8192] + b"\xa5" * (len(data) - 8192))


def an_impossible_one(file: Path) -> None:
    execute(file, "UPDATE mirror SET reached = 'never', synced_at = 'never'")


IMPOSSIBLE = {
    "no row": "DELETE FROM mirror",
    "a time that is a number": "UPDATE mirror SET reached = 5, synced_at = 5",
    "a time that is bytes": "UPDATE mirror SET reached = x'00', synced_at = x'ff'",
    "ids that are no list": "UPDATE mirror SET reached_ids = '{}', synced_at = 'never'",
    "an account that is bytes": "UPDATE mirror SET account = x'00ff', synced_at = 'never'",
    "an entry of bytes": "UPDATE entries SET json = x'00ff'",
    "an entry that is null": "UPDATE entries SET json = 'null'",
    "an entry that is no JSON": "UPDATE entries SET json = 'nonsense'",
    "an entry that is a number": "UPDATE entries SET json = 5",
    "a deep entry": f"UPDATE entries SET json = '{'[' * 50_000}'",
    "a deep member": f"UPDATE entries SET json = '{{\"x\":{'[' * 50_000}'",
}
READS = [
    "history list --offline --all",
    "history stats --offline",
    "history list --offline --json",
    "history list --offline -o csv",
]


@pytest.mark.parametrize("sql", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_value_that_no_mirror_has_is_damage(mirrored: Mirrored, sql: str) -> None:
    mirrored.sync()
    file = mirrored.file
    execute(file, sql)
    for line in READS:
        refused = mirrored.shell(line, code=2)
        assert str(file) in refused.err
        assert "astalty history purge --all" in refused.err
    assert mirrored.shell._run(["history", "sync"], b"", mirrored.shell.environ).code in {0, 2, 5}
    mirrored.shell("history purge --all --yes")
    assert mirrored.sync()["added"] > 0


def test_a_file_that_another_program_keeps_locked_is_named(mirrored: Mirrored) -> None:
    mirrored.sync()
    with closing(sqlite3.connect(mirrored.file, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert f"{mirrored.file}: database is locked" in mirrored.shell("history sync", code=2).err


def execute(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute(sql)


def test_a_file_that_cannot_be_used_is_named_with_the_way_out(mirrored: Mirrored) -> None:
    mirrored.sync()
    file = mirrored.file
    good = file.read_bytes()
    for spoil in (no_database, a_foreign_one, a_newer_one, a_damaged_one, an_impossible_one):
        file.write_bytes(good)
        spoil(file)
        bad = file.read_bytes()
        for line in ("history list --offline --all", "history sync"):
            refused = mirrored.shell(line, code=2)
            assert str(file) in refused.err
            assert "astalty history purge --all" in refused.err
        assert file.read_bytes() == bad, spoil
    mirrored.shell("history purge --all --yes")
    assert mirrored.sync()["added"] > 0


def test_a_file_that_others_may_read_and_a_link_are_refused(mirrored: Mirrored) -> None:
    mirrored.sync()
    file = mirrored.file
    file.chmod(0o644)
    for line in ("history list --offline", "history sync"):
        assert "chmod 600" in mirrored.shell(line, code=2).err
    file.symlink_to(file.rename(mirrored.shell.home / "elsewhere.db"))
    for line in ("history list --offline", "history sync"):
        assert "not a regular file" in mirrored.shell(line, code=2).err


def test_a_folder_that_cannot_be_written_to(mirrored: Mirrored) -> None:
    mirrored.folder.parent.mkdir(parents=True, exist_ok=True)
    mirrored.folder.write_text("in the way")
    assert str(mirrored.folder) in mirrored.shell("history sync", code=2).err
