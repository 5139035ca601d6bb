"""`file:PATH`: 0600 at every moment, whole or not at all, never over another file unasked."""

import fcntl
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.destinations.dotenv import Dotenv
from astalty_cli.destinations.file import File
from tests.destinations.canary import BYTES, KEY, OLD, SECRET


def test_the_secret_and_a_newline_for_the_owner_alone(tmp_path: Path) -> None:
    destination = File(tmp_path / "key")
    destination.probe()
    assert destination.held() is None
    assert list(tmp_path.iterdir()) == []
    destination.deliver(KEY, SECRET)
    assert destination.path.read_bytes() == BYTES + b"\n"
    assert destination.path.stat().st_mode & 0o777 == 0o600
    assert destination.held() == SECRET
    assert list(tmp_path.iterdir()) == [destination.path]
    assert str(destination.path) in destination.success_message
    assert destination.spec == f"file:{destination.path}"


def test_another_file_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "key"
    File(path).deliver(KEY, OLD)
    before = path.stat().st_ino
    for attempt in (File(path).probe, lambda: File(path).deliver(KEY, SECRET)):
        with pytest.raises(LocalError, match="already exists") as refused:
            attempt()
        assert "--force" in refused.value.hint
    assert (File(path).held(), path.stat().st_ino) == (OLD, before)
    forced = File(path, force=True)
    forced.probe()
    forced.deliver(KEY, SECRET)
    assert forced.held() == SECRET
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["symlink", "dangling", "fifo", "folder", "looser", "no parent"])
def test_what_is_no_private_file_is_refused_before_any_call(tmp_path: Path, kind: str, force: bool) -> None:
    path, other = tmp_path / "key", tmp_path / "other"
    if kind == "symlink":
        other.write_bytes(b"")
        path.symlink_to(other)
    elif kind == "dangling":
        path.symlink_to(other)
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        path.mkdir()
    elif kind == "looser":
        path.write_bytes(b"x")
        path.chmod(0o640)
    else:
        path = tmp_path / "missing" / "key"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LocalError) as refused:
        File(path, force).probe()
    assert refused.value.hint
    assert ("chmod 600" in refused.value.hint) == (kind == "looser")
    with pytest.raises(LocalError):
        Dotenv(path, "KEY").probe()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_takes_no_file_shows_at_once() -> None:
    with pytest.raises(LocalError, match="Cannot write /proc/self"):
        File(Path("/proc/self/key")).probe()


def test_a_disk_that_takes_no_byte_shows_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(LocalError, match="Cannot write"):
            File(tmp_path / "key").probe()
        with pytest.raises(LocalError, match="Cannot create"):
            File(tmp_path / "key").deliver(KEY, SECRET)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_lies_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astalty_cli.destinations.file.private_files.create_private", lambda path, data: None)
    with pytest.raises(LocalError, match="does not hold"):
        File(tmp_path / "key").deliver(KEY, SECRET)


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    destination = File(tmp_path / ("k" * 255))
    destination.probe()
    destination.deliver(KEY, SECRET)
    assert destination.held() == SECRET
    with pytest.raises(LocalError, match="too long"):
        File(tmp_path / ("k" * 256)).probe()


WATCHED = """
import os, sys
from pathlib import Path
from tests.destinations.canary import KEY, SECRET
from astalty_cli.destinations.dotenv import Dotenv
from astalty_cli.destinations.file import File
os.umask(0)
folder, seen, busy = Path(sys.argv[1]), [], []
def look(event, _arguments):
    if busy: return
    busy.append(1)
    for each in os.listdir(folder):
        path = os.path.join(folder, each)
        seen.append((each in ("key", ".env"), os.stat(path).st_mode & 0o777, os.stat(path).st_size > 9))
    busy.clear()
sys.addaudithook(look)
for destination in (File(folder / "key"), File(folder / "key", True), Dotenv(folder / ".env", "KEY")):
    for _ in range(2 if isinstance(destination, Dotenv) else 1):
        destination.probe()
        destination.deliver(KEY, SECRET)
busy.append(1)
assert len(seen) > 20 and any(named for named, _, _ in seen), seen
assert {mode for _, mode, _ in seen} == {0o600}, seen
assert all(whole for named, _, whole in seen if named), seen
"""


def test_at_every_moment_it_is_private_and_whole(tmp_path: Path) -> None:
    """As seen at each thing that the process does, with a umask that closes nothing."""
    subprocess.run([sys.executable, "-c", WATCHED, tmp_path], check=True, cwd=Path(__file__).parents[2])


def test_what_a_killed_process_left_is_cleared_away_and_nothing_else(tmp_path: Path) -> None:
    new = tmp_path / "new.key"
    left = tmp_path / ".new.key.astalty-abcdefgh"
    busy = tmp_path / ".new.key.astalty-hgfedcba"
    other = tmp_path / ".new.key.template"
    for path in (left, busy, other):
        path.write_text("astalty_left\n")
    with busy.open("rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        assert File(new).held() is None
        assert not left.exists()
        assert busy.exists()
        assert other.exists()
