"""Locks between processes: waited for so long and no longer, on files that nobody else can open."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from astalty_cli.api.pacing import Pacer
from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.config.profiles import ConfigFile, Profile

HOLD = """
import sys
from pathlib import Path
from astalty_cli.base import locks
with locks.acquire(Path(sys.argv[1]), shared=len(sys.argv) > 2):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "a.lock"


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for a lock; they cost none."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@contextmanager
def held_by_another_process(lock: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, lock, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_lock_that_another_process_keeps_is_given_up(lock: Path, waited: list[float]) -> None:
    with held_by_another_process(lock):
        assert locks.acquire(lock) is None
        assert waited == []
        assert locks.acquire(lock, wait=0.5) is None
        assert sum(waited) == pytest.approx(0.5)
        with pytest.raises(LocalError, match="Busy") as raised, locks.exclusive(lock):
            pass
    assert str(lock) in raised.value.message
    assert sum(waited) == pytest.approx(10.5)
    with locks.exclusive(lock):
        assert locks.acquire(lock) is None


def test_a_process_that_is_killed_lets_go(lock: Path) -> None:
    with held_by_another_process(lock) as process:
        process.kill()
        process.wait()
        with locks.exclusive(lock):
            pass


def test_shared_locks_coexist_and_exclude_an_exclusive_one(lock: Path) -> None:
    with held_by_another_process(lock, "shared"):
        mine = locks.acquire(lock, shared=True)
        assert mine is not None
        mine.close()
        assert locks.acquire(lock) is None


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o377, 0o777])
def test_only_its_owner_can_open_it_whatever_the_umask(lock: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with locks.exclusive(lock):
            assert lock.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o604])
def test_a_file_that_others_could_open_and_keep_locked_is_replaced(lock: Path, mode: int) -> None:
    lock.touch()
    lock.chmod(mode)
    with lock.open("rb") as others:
        fcntl.flock(others, fcntl.LOCK_EX)
        with locks.exclusive(lock):
            assert lock.stat().st_mode & 0o777 == 0o600
            assert locks.acquire(lock) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_that_others_could_open_and_that_is_not_empty_is_refused(lock: Path) -> None:
    lock.write_text("mine")
    lock.chmod(0o644)
    with pytest.raises(LocalError, match=str(lock)):
        locks.acquire(lock)
    assert lock.read_text() == "mine"


def test_a_file_of_somebody_else_is_refused(lock: Path) -> None:
    lock.touch(0o600)
    os.chown(lock, 12345, 12345)
    with pytest.raises(LocalError, match=str(lock)):
        locks.acquire(lock)
    assert lock.stat().st_uid == 12345


def test_what_is_no_regular_file_is_refused_at_once(lock: Path, tmp_path: Path) -> None:
    os.mkfifo(lock, 0o600)
    with pytest.raises(LocalError, match="not a regular file"):
        locks.acquire(lock)
    lock.unlink()
    lock.mkdir()
    with pytest.raises(LocalError, match=str(lock)):
        locks.acquire(lock)
    lock.rmdir()
    (tmp_path / "elsewhere").touch(0o600)
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError, match=str(lock)):
        locks.acquire(lock)
    with pytest.raises(LocalError, match="/dev/null"):
        locks.acquire(Path("/dev/null"))


def test_a_file_that_is_removed_before_it_is_locked_is_no_lock(
    lock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its holder removes it when done: whoever opened it before that must not work beside the next one."""
    flock = fcntl.flock

    def remove_first(handle: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        lock.unlink()
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    assert locks.acquire(lock) is None
    monkeypatch.setattr(fcntl, "flock", remove_first)
    file = locks.acquire(lock, wait=0.02)
    assert file is not None
    assert locks.is_still_at(lock, file.fileno())
    file.close()


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="missing"):
        locks.acquire(tmp_path / "missing" / "a.lock")


# -- who takes them -----------------------------------------------------------------------------


def test_a_config_file_whose_lock_is_kept_stays_as_it_is(tmp_path: Path) -> None:
    config = ConfigFile(tmp_path)
    config.save("work", Profile("https://api.example"))
    before = config.path.read_bytes()
    with (
        held_by_another_process(tmp_path / "config.lock"),
        pytest.raises(LocalError, match=r"Busy: .*config\.lock"),
    ):
        config.set_default("work")
    assert config.path.read_bytes() == before


def test_a_file_in_a_folder_of_the_user_has_a_lock_beside_it_for_a_moment(tmp_path: Path) -> None:
    with private_files.locked(tmp_path / ".env"):
        (lock,) = tmp_path.iterdir()
    assert not lock.exists()
    with (
        held_by_another_process(lock),
        pytest.raises(LocalError, match="Busy"),
        private_files.locked(tmp_path / ".env"),
    ):
        pass


def test_a_pace_that_another_process_keeps_locked_holds_nobody_up(
    tmp_path: Path, waited: list[float]
) -> None:
    pace = tmp_path / "pace.json"
    with held_by_another_process(pace):
        assert Pacer(pace).reserve() == 0
    assert 0 < sum(waited) <= 1.01
