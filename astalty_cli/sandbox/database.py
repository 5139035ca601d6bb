"""The SQLite file: how it is created, opened, read and written.

A new database is built beside its place and linked into it, so a half-made one is never seen, and of two
processes that start at once the second finds the first one's. WAL with `synchronous=NORMAL` keeps every
committed change through a kill of the process (the kernel has the pages); only a loss of power may cost
the last ones, which a sandbox can bear.
"""

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.sandbox.schema import APPLICATION_ID, MIGRATIONS, SCHEMA, SCHEMA_VERSION

_BUSY_SECONDS = 10.0  # how long to wait for another process's write
_RESET_HINT = "Name another file, or start over with: astalty sandbox reset"
MOVE_HINT = "Move it away, or name another file."
_MAGIC = b"SQLite format 3\0"
_ID_PLACE = slice(68, 72)  # of the application's id in the first bytes of a file


class Database:
    """Connections to one file, one for each thread. Writes of this process queue up; reads never wait."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._write_lock = threading.RLock()
        self._check()

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one state of the database, however many queries are made."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that holds the write lock; commit at the end, or undo all on an exception.

        Inside of another `write` it is a savepoint: undone alone, kept only with the outer one.
        """
        with self._write_lock:
            connection = self._connection()
            begin, end, undo = ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
            if connection.in_transaction:
                begin, end, undo = ("SAVEPOINT inner", "RELEASE inner", "ROLLBACK TO inner")
            connection.execute(begin)
            try:
                yield connection
                connection.execute(end)
            except BaseException:
                if connection.in_transaction:  # a full disk ends it without us
                    connection.execute(undo)
                raise

    def close(self) -> None:
        """Close the connections of all threads; none of them may still be at work."""
        while self._connections:
            self._connections.pop().close()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connect(self._path)
            self._local.connection = connection
            self._connections.append(connection)
        return connection

    def _check(self) -> None:
        try:
            connection = self._connection()
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self._bring_up_to_date(connection)
        except sqlite3.Error as error:
            self.close()
            hint = _RESET_HINT if _is_ours(self._path) else MOVE_HINT
            raise LocalError(f"Cannot use {self._path}: {error}.", hint=hint) from error
        except LocalError:
            self.close()
            raise

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        """Migrate an older database: once, however many processes open it at the same moment."""
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise _not_ours(self._path)
        version = _version(connection)
        if version > SCHEMA_VERSION:
            raise LocalError(
                f"{self._path} was written by a newer astalty: schema {version}, not {SCHEMA_VERSION}.",
                hint="Update astalty. " + _RESET_HINT,
            )
        if version == SCHEMA_VERSION:
            return
        with self.write():
            for older in range(_version(connection), SCHEMA_VERSION):
                for statement in MIGRATIONS[older]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {older + 1}")


def open_database(path: Path, fill: Callable[[sqlite3.Connection], None]) -> Database:
    """Open the file; if there is none, create it (0600, in a folder of 0700) and let `fill` write into it.

    Raises `LocalError` for a file that is no database, not ours or newer, and for a folder that cannot be
    written to. Nothing that exists is overwritten.
    """
    try:
        if not os.path.lexists(path):
            _create(path, fill)
        elif not path.is_file():
            raise LocalError(f"{path} is not a regular file.", hint=MOVE_HINT)
    except (OSError, sqlite3.Error) as error:
        raise LocalError(
            f"Cannot create the sandbox's database {path}: {error}.",
            hint="Choose a folder that you may write to.",
        ) from error
    return Database(path)


def ensure_removable(path: Path) -> None:
    """Raises `LocalError` for a file that is not a sandbox's, and while another process has it open."""
    if not path.exists():
        return
    if not _is_ours(path):
        raise _not_ours(path)
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")  # SQLite grants it to a sole user alone
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise LocalError(f"{path} is in use.", hint="Stop `astalty sandbox serve` first.") from error


def _is_ours(path: Path) -> bool:
    """By the first bytes alone: a damaged one is ours too."""
    try:
        start = private_files.read_named(path, _ID_PLACE.stop)
    except OSError:
        return False
    return start.startswith(_MAGIC) and start[_ID_PLACE] == APPLICATION_ID.to_bytes(4)


def _not_ours(path: Path) -> LocalError:
    return LocalError(f"{path} is not a database of the sandbox.", hint=MOVE_HINT)


def _create(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    private_files.private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            connection.executescript(f"PRAGMA journal_mode = MEMORY; BEGIN; {SCHEMA}")
            fill(connection)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")
        with contextlib.suppress(FileExistsError):  # another process was first: its database is as good
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: a file that has gone is an error, never a new and empty database
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # only `close` uses another thread's connection
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection
