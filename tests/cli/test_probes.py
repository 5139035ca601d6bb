"""A destination that cannot take a secret is found before the call that makes it: nothing is rotated."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.file_systems import bound, immutable, small_disk
from tests.support.shell import Shell


def private(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def ensure_refused(account: Account, line: str, says: str) -> None:
    """The command names what is wrong, and has neither rotated nor left anything open."""
    shell = account.shell
    before = shell("keys show ci --query rotation").out
    refused = shell(line, code=2)
    assert says in refused.err
    assert shell("keys show ci --query rotation").out == before
    assert shell("keys recover --json").json == []


@pytest.fixture
def with_key(sandbox: Account) -> Account:
    sandbox.shell("keys create ci --to file:first")
    return sandbox


@pytest.mark.parametrize("destination", ["dotenv:.env#KEY", "file:.env --force"])
def test_a_file_that_is_a_mount_point(with_key: Account, destination: str) -> None:
    home = with_key.shell.home
    source, target = private(home / "source", b"KEY=old\n"), private(home / ".env", b"")
    with bound(source, target):
        ensure_refused(with_key, f"keys rotate ci --to {destination}", f"Cannot write {target}")
        assert target.read_bytes() == b"KEY=old\n"
    assert sorted(path.name for path in home.glob(".env*")) == [".env"]


@pytest.mark.parametrize("destination", ["dotenv:there/.env#KEY", "file:there/.env --force"])
@pytest.mark.parametrize("name", [".env", "."])
def test_a_file_or_folder_that_is_immutable(with_key: Account, destination: str, name: str) -> None:
    folder = with_key.shell.home / "there"
    folder.mkdir(mode=0o700)
    target = private(folder / ".env", b"KEY=old\n")
    with immutable(folder / name):
        ensure_refused(with_key, f"keys rotate ci --to {destination}", f"Cannot write {target}")
    assert [path.name for path in folder.iterdir()] == [".env"]


def test_a_disk_with_no_room_for_a_second_copy_of_a_large_file(with_key: Account) -> None:
    disk = with_key.shell.home / "disk"
    with small_disk(disk, "1m"):
        target = private(disk / ".env", b"# " + b"x" * 600_000 + b"\nKEY=old\n")
        ensure_refused(with_key, "keys rotate ci --to dotenv:disk/.env#KEY", "No space left on device")
        assert target.read_bytes().endswith(b"\nKEY=old\n")
        assert [path.name for path in disk.iterdir()] == [".env"]


def test_a_full_disk_below_the_journal(with_key: Account) -> None:
    journal = with_key.shell.config / "journal"
    for path in journal.iterdir():
        path.unlink()
    journal.rmdir()
    with small_disk(journal, "12k"):
        (journal / "lock-of-another").write_bytes(bytes(8192))
        ensure_refused(with_key, "keys rotate ci --to file:new", "No space left on device")


def test_a_full_disk_below_the_report_of_an_incident(with_key: Account) -> None:
    disk, secret = with_key.shell.home / "disk", (with_key.shell.home / "first").read_text()
    with small_disk(disk, "128k"):
        line = "keys panic --with-token --yes --report disk --to file:new"
        refused = with_key.shell(line, code=2, stdin=secret)
        assert "No space left on device" in refused.err
        assert list(disk.iterdir()) == []
    assert with_key.shell("keys show ci --query rotation").out == "0\n"


def test_a_config_file_that_is_a_mount_point_is_found_before_a_key_is_asked_for(
    served: Account, keyring: int
) -> None:
    shell = served.shell
    config = shell.config / "config.toml"
    copy = private(shell.home / "copy", config.read_bytes())
    before = shell("keys list -o json").out
    with bound(copy, config):
        assert f"Cannot write {config}" in shell("auth login --with-token --yes", code=2, stdin="x").err
        refused = shell("keys create new --to keyring:default --force", code=2)
        assert f"Cannot write {config}" in refused.err
    assert shell("keys list -o json").out == before


def test_other_names_of_a_file_are_told_before_they_would_keep_the_old_secret(with_key: Account) -> None:
    home = with_key.shell.home
    target = private(home / ".env", b"KEY=old\n")
    (home / "other").hardlink_to(target)
    for line in ("dotenv:.env#KEY", "file:.env --force"):
        ensure_refused(with_key, f"keys rotate ci --to {line}", "2 names (hard links)")
    assert (home / "other").samefile(target)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
@pytest.mark.parametrize("line", ["dotenv:.env#KEY", "file:.env --force"])
def test_the_mode_and_the_group_of_a_file_stay(with_key: Account, mode: int, line: str) -> None:
    target = private(with_key.shell.home / ".env", b"KEY=old\n")
    if os.getuid() == 0:
        os.chown(target, -1, 12)
    target.chmod(mode)
    group = target.stat().st_gid
    with_key.shell(f"keys rotate ci --to {line} --force".replace("--force --force", "--force"))
    assert (stat.S_IMODE(target.stat().st_mode), target.stat().st_gid) == (mode, group)


@pytest.mark.parametrize("umask", ["000", "022", "077", "277"])
def test_files_of_ours_are_private_whatever_the_umask(served: Account, umask: str) -> None:
    shell: Shell = served.shell
    lines = ["keys list", "keys create ci --to file:new", "auth switch default", "endpoints list"]
    home = shell.home / "own"
    home.mkdir()
    env = {**shell.environ, "XDG_CACHE_HOME": f"{home}/cache", "XDG_DATA_HOME": f"{home}/data"}
    env["XDG_CONFIG_HOME"] = str(shell.config.parent)
    (shell.config / "config.lock").unlink(missing_ok=True)
    script = f"umask {umask}; " + "; ".join(f"astalty {line}" for line in lines)
    subprocess.run(["bash", "-ec", script], env=env, cwd=home, check=True, capture_output=True)
    made = [home / "new", shell.config / "config.lock", *(home / "cache" / "astalty").rglob("*")]
    assert {path.name for path in made if path.is_dir()} >= {"completion", "pace"}
    made.append(home / "cache" / "astalty")
    modes = {str(path): stat.S_IMODE(path.stat().st_mode) for path in made}
    expected = {str(path): 0o700 if path.is_dir() else 0o600 for path in made}
    if umask == "277":  # a file of the pace is made with fewer bits then, and none of others
        modes = {path: mode | 0o600 for path, mode in modes.items()}
    assert modes == expected
