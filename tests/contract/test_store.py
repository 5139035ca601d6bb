"""The database file and its first content, and the folder of the profile `sandbox`."""

import contextlib
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from uuid import uuid4

import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.participants import PARTICIPANTS
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


def dump(path: Path) -> list[str]:
    """Return the whole database as SQL, but for the hashes of secrets, which are chance."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE key_secrets SET hash = key_id || rotation")
        return sorted(connection.iterdump())


def test_the_seed_is_the_same_each_time_and_moves_with_the_clock(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.db", "b.db", "c.db")]
    for path, clock in zip(paths, (Clock(), Clock(), Clock(Clock().now + timedelta(days=1))), strict=True):
        Store.open(path, clock=clock).close()
    first, again, later = (dump(path) for path in paths)
    assert first == again
    assert first != later


def test_the_seed_is_a_plausible_account(store: Store, clock: Clock) -> None:
    assert store.owner().email.endswith(".example")
    assert "sandbox" in store.account().name
    keys, _ = store.keys.page(parse_query("page[size]=100", KEYS))
    assert {key.status for key in keys} == {"active", "expiring", "revoked"}
    assert len({key.created_by.id for key in keys}) == 2
    assert store.participants.page(parse_query("", PARTICIPANTS))[1].total == 60
    entries = []
    for number in range(1, 7):
        entries += store.history.page(parse_query(f"page[size]=100&page[number]={number}", REQUESTS))[0]
    assert len(entries) == 600
    assert {entry.status for entry in entries} >= {200, 201, 401, 404, 422, 429, 500}
    assert all(clock.now - timedelta(days=30) <= entry.created_at <= clock.now for entry in entries)
    fictional = [
        ip_network(net)
        for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "172.16.0.0/12")
    ]
    assert all(any(ip_address(entry.ip_address or "") in net for net in fictional) for entry in entries)


@posix_only
def test_files_are_private_from_birth(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        home = Home(tmp_path / "sandbox" / "sandbox.db")
        home.secret()
        with contextlib.closing(home.open()) as store:
            store.keys.create("x", created_by=store.owner().id)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.database.parent.iterdir()}
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.database.parent.stat().st_mode) == 0o700
    assert set(modes) >= {"sandbox.db", "sandbox.db-wal", "sandbox.db.key"}
    assert set(modes.values()) == {0o600}


def test_a_database_is_opened_again_as_it_was(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "sandbox.db"
    with contextlib.closing(Store.open(path, clock=clock)) as store:
        key = store.keys.create("kept", created_by=store.owner().id)
    with contextlib.closing(Store.open(path, clock=clock)) as store:
        assert store.keys.get(key.id).name == "kept"
    assert [file.name for file in tmp_path.iterdir()] == ["sandbox.db"]


@pytest.mark.parametrize("content", [b"", b"not a database\n" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sandbox.db"
    path.write_bytes(content)
    with pytest.raises(LocalError) as refusal:
        Store.open(path)
    assert "sandbox.db" in refusal.value.message
    assert refusal.value.hint
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id)")
    content = path.read_bytes()
    with pytest.raises(LocalError, match="not a database of the sandbox"):
        Store.open(path)
    assert path.read_bytes() == content


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    Store.open(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")
    content = path.read_bytes()
    with pytest.raises(LocalError, match="newer"):
        Store.open(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="Cannot "):
        Store.open(tmp_path / "file" / "sandbox.db")


@posix_only
def test_an_unwritable_folder_is_told() -> None:
    with pytest.raises(LocalError, match="Cannot "):  # not even root may write there
        Store.open(Path("/proc/nowhere/sandbox.db"))


def test_the_profile_has_a_key_of_its_own(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    secret = home.secret()
    assert home.secret() == secret
    assert home.key_file.read_text() == secret.reveal() + "\n"
    with contextlib.closing(home.open()) as store:
        caller = store.keys.authenticate(secret.reveal(), None, 0)
        assert caller is not None
        assert caller.key.name == "sandbox cli"
        assert caller.user == store.owner()


def test_a_revoked_key_is_made_up_for(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    first = home.secret()
    with contextlib.closing(home.open()) as store:
        store.keys.revoke(store.keys.page(parse_query("filter[name]=sandbox cli", KEYS))[0][0].id)
    second = home.secret()
    assert second != first
    with contextlib.closing(home.open()) as store:
        assert (store.keys.accepts(first), store.keys.accepts(second)) == (False, True)


def test_a_lost_key_file_is_made_up_for(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    first = home.secret()
    home.key_file.unlink()
    second = home.secret()
    assert second != first
    with contextlib.closing(home.open()) as store:
        names = [
            key.name for key in store.keys.page(parse_query("filter[name]=sandbox cli&sort=name", KEYS))[0]
        ]
    assert names == ["sandbox cli", "sandbox cli 2"]


def test_a_key_of_an_earlier_database_is_made_up_for(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    first = home.secret()
    home.database.unlink()
    second = home.secret()
    assert second != first
    assert home.secret() == second
    with contextlib.closing(home.open()) as store:
        assert store.keys.accepts(second)


def test_a_rotated_secret_is_stored(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    home.secret()
    with contextlib.closing(home.open()) as store:
        key = store.keys.page(parse_query("filter[name]=sandbox cli", KEYS))[0][0]
        new = store.keys.rotate(key.id, 60, None).secret
    assert new is not None
    assert home.switch(key, new) == ["sandbox"]
    assert home.secret() == new
    assert home.holding(str(uuid4())) == []
    assert sorted(path.name for path in home.database.parent.iterdir()) == ["sandbox.db", "sandbox.db.key"]


@posix_only
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    home.secret()
    home.key_file.chmod(0o640)
    with pytest.raises(LocalError, match="read or written by others"):
        home.secret()


@posix_only
@pytest.mark.parametrize("kind", ["link", "folder", "pipe"])
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: str) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    secret = home.secret()
    home.key_file.unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_text(secret.reveal())
        home.key_file.symlink_to(tmp_path / "elsewhere")
    elif kind == "folder":
        home.key_file.mkdir(mode=0o700)
    else:
        os.mkfifo(home.key_file, 0o600)
    told = {"link": "is a symbolic link", "folder": "Is a directory", "pipe": "is not a regular file"}
    with pytest.raises(LocalError, match=told[kind]):
        home.secret()


def test_a_key_file_with_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    home.secret()
    home.key_file.write_text("my shopping list\n")
    with pytest.raises(LocalError, match="holds no key"):
        home.secret()
    assert home.key_file.read_text() == "my shopping list\n"


def test_reset_removes_everything(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")
    first = home.secret()
    with contextlib.closing(home.open()), pytest.raises(LocalError, match="in use"):
        home.reset()
    home.reset()
    assert list(home.database.parent.iterdir()) == []
    home.reset()
    assert home.secret() != first


def test_many_first_uses_at_once_agree(tmp_path: Path) -> None:
    home = Home(tmp_path / "sandbox" / "sandbox.db")

    def first_use(_: int) -> Secret:
        return Home(home.database).secret()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(first_use, range(8)))
    assert len(set(found)) == 1
    assert sorted(path.name for path in home.database.parent.iterdir()) == ["sandbox.db", "sandbox.db.key"]
    with contextlib.closing(home.open()) as store:
        assert store.keys.page(parse_query("filter[name]=sandbox cli", KEYS))[1].total == 1
