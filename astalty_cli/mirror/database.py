"""The SQLite file of a mirror: where it lies, how it is created, opened, locked and removed.

WAL: any number of processes read while one writes. The side files get the mode of the file itself. A
change to the mirror is made under the lock of `alone`, so what creates, fills or removes it is one process.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import LocalError, RefusedError
from astalty_cli.base.shell_words import quoted

_APPLICATION_ID: Final = 0x4153544D  # "ASTM": tells our file from any other SQLite database
_SCHEMA_VERSION: Final = 1
_BUSY_SECONDS: Final = 3.0  # only who empties the log waits for others: `alone` keeps writers apart
_SIDE_FILES: Final = ("-wal", "-shm")
_SPOILT: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})

# Times are texts as on the wire, which sort as the times do; `json` is the entry as the service gave it.
_SCHEMA: Final = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_SCHEMA_VERSION};

CREATE TABLE mirror (                             -- one row
    account TEXT,                                 -- its id, or the key that it is read with
    reached TEXT,                                 -- the time up to which entries were read
    reached_ids TEXT NOT NULL DEFAULT '[]',       -- the entries of just that time that were read
    synced_at TEXT                                -- by this machine's clock: everything until then is here
);
INSERT INTO mirror DEFAULT VALUES;

CREATE TABLE entries (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    status INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    duration_ms REAL NOT NULL,
    ip_address TEXT,
    user_id TEXT,
    user_email TEXT,
    api_key_id TEXT,
    json TEXT NOT NULL
);
CREATE INDEX entries_time ON entries (created_at, id);
CREATE INDEX entries_status ON entries (status, created_at);
CREATE INDEX entries_path ON entries (path, created_at);
CREATE INDEX entries_ip_address ON entries (ip_address, created_at);
CREATE INDEX entries_user_id ON entries (user_id, created_at);
CREATE INDEX entries_user_email ON entries (user_email, created_at);
CREATE INDEX entries_api_key ON entries (api_key_id, created_at);

CREATE TABLE bodies (                             -- of entries that were read with --bodies
    id TEXT PRIMARY KEY,
    request TEXT NOT NULL,                        -- this and the next one are JSON
    response TEXT NOT NULL
);

CREATE TABLE keys (                               -- each name that a key has had in an entry
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id, name)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Place:
    """Where a mirror lies: one file for each profile and origin."""

    folder: Path
    profile: str
    origin: str

    @property
    def path(self) -> Path:
        """No host has a `+` and no profile an `@`, so no two mirrors share a file."""
        origin = self.origin.replace("://", "+").replace(":", "+")
        return self.folder / f"{self.profile}@{origin}.db"

    def command(self, words: str) -> str:
        """A command about this mirror, for a hint."""
        line = f"astalty history {words}"
        return line if self.profile == "default" else f"{line} -p {quoted(self.profile)}"

    @property
    def exists(self) -> bool:
        return os.path.lexists(self.path)

    def beside(self, end: str) -> Path:
        return self.path.with_name(self.path.name + end)


@contextmanager
def alone(place: Place) -> Iterator[None]:
    """Be the only one who changes the mirror. Raises RefusedError while another process does."""
    private_files.private_folder(place.folder)
    lock = locks.acquire(place.beside(".lock"))
    if lock is None:
        raise RefusedError(
            f"Another sync is running, or a purge, on {place.path}.",
            hint="Try again when it has ended. Reading still works.",
        )
    with lock:
        yield


def create(place: Place) -> None:
    """Create an empty mirror. It is there whole or not at all; call it `alone`."""
    remove(place)  # a side file that was left would be taken for the new one's
    draft = place.beside(".new")
    with translate_errors(place):
        os.close(private_files.open_new(draft))
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.executescript(f"PRAGMA journal_mode = MEMORY; BEGIN; {_SCHEMA} COMMIT;")
        draft.replace(place.path)


def connect(place: Place, *, writes: bool) -> sqlite3.Connection:
    """Open the mirror. Raises LocalError if the file is not what it should be."""
    with translate_errors(place):
        private_files.ensure_private(place.path, place.path.lstat())
        # mode=rw: a file that has gone is an error, never a new and empty database
        uri = f"{place.path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            _check_kind(connection, place)
            if writes:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA secure_delete = ON")
            else:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def remove(place: Place) -> None:
    """Remove the files of the mirror, whatever is in them; call it `alone`."""
    for end in (*_SIDE_FILES, ".new", ""):  # a database without its side files is whole, not the reverse
        private_files.remove(place.beside(end))


def remove_lock(place: Place) -> None:
    """Remove what `alone` made, as the last thing that is done there."""
    private_files.remove(place.beside(".lock"))


@contextmanager
def translate_errors(place: Place) -> Iterator[None]:
    """Make a LocalError of what goes wrong with the file."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        raise _unusable(place, str(error), spoilt=code in _SPOILT) from error
    except OSError as error:
        raise _unusable(place, error.strerror or str(error), spoilt=False) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # a value that cannot be
        raise _unusable(place, "it is damaged", spoilt=True) from error


def _unusable(place: Place, problem: str, *, spoilt: bool) -> LocalError:
    hint = _start_over(place) if spoilt else "Check the disk, the folder and its permissions; then again."
    return LocalError(f"Cannot use the mirror {place.path}: {problem}.", hint=hint)


def _start_over(place: Place) -> str:
    return f"Remove it and start over: {place.command('purge --all')}"


def _check_kind(connection: sqlite3.Connection, place: Place) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
        raise LocalError(f"{place.path} is not a mirror of a request history.", hint=_start_over(place))
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > _SCHEMA_VERSION:
        raise LocalError(
            f"{place.path} was written by a newer astalty: schema {version}, not {_SCHEMA_VERSION}.",
            hint=f"Update astalty. {_start_over(place)}",
        )
