"""A database of an earlier version opens as it was, with all that is in it."""

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.participants import PARTICIPANTS
from astalty_cli.sandbox.schema import SCHEMA_VERSION
from astalty_cli.sandbox.secret_format import hash_of, new_secret
from astalty_cli.sandbox.store import Store
from astalty_cli.sandbox.users import USERS

# as the first version wrote it
VERSION_1 = """
PRAGMA application_id = 1095980121;
PRAGMA user_version = 1;

CREATE TABLE account (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE users (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, role TEXT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    rotation INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    rotated_at TEXT,
    last_used_at TEXT,
    last_used_ip TEXT,
    revoked_at TEXT,
    window_started_at TEXT,
    window_calls INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX api_keys_active_name ON api_keys (name) WHERE revoked_at IS NULL;

CREATE TABLE key_secrets (
    hash BLOB PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    rotation INTEGER NOT NULL,
    last_four TEXT NOT NULL,
    expires_at TEXT,
    UNIQUE (key_id, rotation)
) WITHOUT ROWID;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE api_requests (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    status INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    created_at TEXT NOT NULL,
    duration_ms REAL NOT NULL,
    ip_address TEXT,
    user_agent TEXT,
    user_id TEXT,
    user_name TEXT,
    user_email TEXT,
    api_key_id TEXT,
    api_key_name TEXT
);
CREATE INDEX api_requests_time ON api_requests (created_at, id);
CREATE INDEX api_requests_status ON api_requests (status, id);
CREATE INDEX api_requests_duration ON api_requests (duration_ms, id);
CREATE INDEX api_requests_key ON api_requests (api_key_id, created_at, id);

CREATE TABLE api_request_bodies (
    number INTEGER PRIMARY KEY REFERENCES api_requests (number),
    request_headers TEXT NOT NULL,
    request_body TEXT NOT NULL,
    request_truncated INTEGER NOT NULL,
    response_headers TEXT NOT NULL,
    response_body TEXT NOT NULL,
    response_truncated INTEGER NOT NULL
);

CREATE TABLE participants (
    id TEXT PRIMARY KEY,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    full_name TEXT NOT NULL,
    preferred_name TEXT,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE TABLE goals (
    id TEXT PRIMARY KEY,
    participant_id TEXT NOT NULL REFERENCES participants (id),
    name TEXT NOT NULL,
    goal_type TEXT NOT NULL,
    description TEXT,
    achievement_strategy TEXT,
    barriers TEXT,
    status TEXT NOT NULL,
    achieved_at TEXT,
    archived_at TEXT,
    created_at TEXT NOT NULL
);
CREATE INDEX goals_participant ON goals (participant_id);
"""
CONTENT = """
INSERT INTO account VALUES ('a', 'Old Account');
INSERT INTO users VALUES ('u', 'Marnie', 'marnie@old.example', 'owner');
INSERT INTO api_keys (id, name, created_at, created_by)
    VALUES ('k', 'ci', '2026-10-01T00:00:00.000000Z', 'u');
INSERT INTO participants
    VALUES ('p', 'Acacia', 'Wren', 'Acacia Wren', NULL, 'active', '2026-10-01T00:00:00.000000Z');
"""
ENTRIES = 30


def write_version_1(path: Path) -> Secret:
    secret = new_secret()
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(VERSION_1 + CONTENT)
        row = (hash_of(secret.reveal()), "k", 0, secret.last_four, None)
        connection.execute("INSERT INTO key_secrets VALUES (?, ?, ?, ?, ?)", row)
        for number in range(1, ENTRIES + 1):
            at = f"2026-10-02T00:00:{number:02}.000000Z"
            connection.execute(
                "INSERT INTO api_requests VALUES (?, ?, 200, 'GET', '/public/v1/participants', ?, 1.5,"
                " '192.0.2.1', 'curl/8', 'u', 'Marnie', 'marnie@old.example', 'k', 'ci')",
                (number, f"e{number}", at),
            )
            connection.execute(
                """INSERT INTO api_request_bodies VALUES (?, '{"A": "b"}', 'null', 0, '{}', ?, 1)""",
                (number, f'"answer {number}"'),
            )
    path.chmod(0o600)
    return secret


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_database_of_version_1_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    secret = write_version_1(path)
    assert version(path) == 1
    for _ in range(2):
        with contextlib.closing(Store.open(path)) as store:
            assert store.account().name == "Old Account"
            assert store.keys.holder(secret) == "k"
            assert [user.name for user in store.users.page(parse_query("", USERS))[0]] == ["Marnie"]
            (key,) = store.keys.page(parse_query("", KEYS))[0]
            assert (key.name, key.access) == ("ci", "full_access")
            assert store.participants.page(parse_query("", PARTICIPANTS))[0][0].full_name == "Acacia Wren"
            rows, meta = store.history.page(parse_query("include=bodies&page[size]=100", REQUESTS))
            assert meta.total == ENTRIES
            assert [row.id for row in rows] == [f"e{number}" for number in range(ENTRIES, 0, -1)]
            assert rows[0].created_at == datetime(2026, 10, 2, 0, 0, ENTRIES, tzinfo=UTC)
            for number in range(1, ENTRIES + 1):
                entry = store.history.get(f"e{number}")
                assert entry == rows[ENTRIES - number]
                assert entry.response is not None
                assert (bytes(entry.response.body), entry.response.truncated) == (
                    b'"answer %d"' % number,
                    True,
                )
        assert version(path) == SCHEMA_VERSION


def test_it_becomes_what_a_new_one_is(tmp_path: Path) -> None:
    write_version_1(tmp_path / "old.db")
    tables = []
    for name in ("old.db", "new.db"):
        Store.open(tmp_path / name).close()
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as connection:
            names = connection.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
            columns = [connection.execute(f"PRAGMA table_info({table})").fetchall() for *_, table in names]
            tables.append((sorted(names), sorted(map(str, columns))))
    assert tables[0] == tables[1]


def test_several_open_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    write_version_1(path)

    def total(_: int) -> int:
        with contextlib.closing(Store.open(path)) as store:
            return store.history.page(parse_query("", REQUESTS))[1].total

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(total, range(8))) == {ENTRIES}


def test_one_that_cannot_be_migrated_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.db"
    write_version_1(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP INDEX api_requests_key")
        before = list(connection.iterdump())
    with pytest.raises(LocalError) as refusal:
        Store.open(path)
    assert "sandbox reset" in refusal.value.hint
    assert version(path) == 1
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert list(connection.iterdump()) == before
