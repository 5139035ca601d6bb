"""A mirror as its one writer sees it. A page and the place behind it are one transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime

import msgspec
from msgspec import Raw

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiRequest
from astalty_cli.base.errors import RefusedError, ServiceError
from astalty_cli.base.times import iso
from astalty_cli.mirror.database import Place, connect, create, translate_errors
from astalty_cli.mirror.store import Mirror
from astalty_cli.services.history.reading import Position

_ENTRY = (
    "INSERT INTO entries (id, created_at, status, method, path, duration_ms, ip_address, user_id, user_email,"
    " api_key_id, json) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)
_BODIES = "INSERT INTO bodies VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING"
_KEY = "INSERT INTO keys VALUES (?, ?) ON CONFLICT DO NOTHING"


class WritableMirror(Mirror):
    """Call its methods only inside of `alone`."""

    def claim(self, account: str | None, key: str) -> None:
        """Make sure that this is the mirror of the account. Raises RefusedError if it is another's.

        Where the service does not say whose the key is, it goes by the key: `key` is its fingerprint.
        """
        by_key = f"key {key}"
        with translate_errors(self.place):
            known = self._value("SELECT account FROM mirror")
            if known in {None, by_key}:
                self._connection.execute("UPDATE mirror SET account = ?", [account or by_key])
        if known not in {None, by_key, account}:
            raise RefusedError(
                f"The mirror {self.place.path} is of another account than this key.",
                hint="Sync this account with a profile of its own (-p NAME), "
                f"or remove that mirror: {self.place.command('purge --all')}",
            )

    def position(self) -> Position | None:
        """How far it has been read."""
        with translate_errors(self.place):
            time, ids = self._connection.execute("SELECT reached, reached_ids FROM mirror").fetchone()
            if time is None:
                return None
            return Position(datetime.fromisoformat(time), msgspec.json.decode(ids, type=frozenset[str]))

    def add(self, rows: Sequence[Row[ApiRequest]], position: Position, *, bodies: bool) -> int:
        """Keep the entries of a page, and how far that is; return how many were not here yet."""
        try:
            with self._change() as connection:
                added = connection.executemany(_ENTRY, map(_entry, rows)).rowcount
                connection.executemany(_KEY, {key for row in rows for key in _keys(row.value)})
                if bodies:
                    connection.executemany(_BODIES, (each for row in rows for each in _bodies(row)))
                ids = msgspec.json.encode(sorted(position.ids)).decode()
                connection.execute(
                    "UPDATE mirror SET reached = ?, reached_ids = ?", [iso(position.time), ids]
                )
        except OverflowError as error:
            raise ServiceError(f"The answer is not what this API promises: {error}.") from error
        return added

    def finish(self, began: datetime) -> None:
        """All that was visible at this moment is here."""
        with self._change() as connection:
            connection.execute("UPDATE mirror SET synced_at = ?", [iso(began)])

    def forget(self, before: datetime) -> int:
        """Remove entries with their bodies; return how many. How far it has been read stays."""
        with self._change() as connection:
            connection.execute(
                "DELETE FROM bodies WHERE id IN (SELECT id FROM entries WHERE created_at < ?)", [iso(before)]
            )
            removed = connection.execute("DELETE FROM entries WHERE created_at < ?", [iso(before)]).rowcount
            connection.execute(
                "DELETE FROM keys WHERE NOT EXISTS (SELECT 1 FROM entries WHERE api_key_id = keys.id)"
            )
        return removed

    def scrub(self) -> None:
        """Leave nothing of removed entries in the files. Raises RefusedError while somebody reads."""
        folder = str(self.place.folder.absolute()).replace("'", "''")
        with translate_errors(self.place):
            # VACUUM copies what is kept by way of a file that has no name: on this disk, not on another
            self._connection.execute(f"PRAGMA temp_store_directory = '{folder}'")
            self._connection.execute("VACUUM")
            is_read = self._value("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_read:
            raise RefusedError(
                "The requests are removed, but traces of them are still in the files of the mirror: "
                "another process is reading it.",
                hint="Do it again when that has ended.",
            )

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with translate_errors(self.place):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a full disk ends it without us
                    self._connection.execute("ROLLBACK")
                raise


@contextmanager
def writing(place: Place) -> Iterator[WritableMirror]:
    """Open the mirror to change it, and create it if there is none. Raises LocalError."""
    if not place.exists:
        create(place)
    with closing(connect(place, writes=True)) as connection:
        yield WritableMirror(place, connection)


def _entry(row: Row[ApiRequest]) -> tuple[object, ...]:
    value = row.value
    user, key = value.user, value.api_key
    return (
        value.id,
        iso(value.created_at),
        value.status,
        value.method,
        value.path,
        value.duration_ms,
        value.ip_address,
        user and user.id,
        user and user.email,
        key and key.id,
        _without_bodies(row).decode("utf-8", "replace"),
    )


def _without_bodies(row: Row[ApiRequest]) -> bytes:
    if row.value.request is None and row.value.response is None:
        return row.raw
    members = msgspec.json.decode(row.raw, type=dict[str, Raw])
    return msgspec.json.encode(
        {name: text for name, text in members.items() if name not in {"request", "response"}}
    )


def _bodies(row: Row[ApiRequest]) -> Iterator[tuple[str, str, str]]:
    members = msgspec.json.decode(row.raw, type=dict[str, Raw])
    sides = [bytes(members.get(side, b"null")).decode("utf-8", "replace") for side in ("request", "response")]
    if sides != ["null", "null"]:
        yield row.value.id, sides[0], sides[1]


def _keys(entry: ApiRequest) -> Iterator[tuple[str, str]]:
    if entry.api_key:
        yield entry.api_key.id, entry.api_key.name
