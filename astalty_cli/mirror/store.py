"""A mirror as its readers see it: one state of it, however long they read. Nothing here loads the client."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from astalty_cli.api.contract import is_uuid
from astalty_cli.api.models import ApiRequest
from astalty_cli.base.errors import NotFoundError, UsageError
from astalty_cli.base.times import from_iso_or_none
from astalty_cli.mirror.database import Place, connect, translate_errors
from astalty_cli.mirror.query import order, where
from astalty_cli.services.history.filters import Filters

_PREFIX = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")


@dataclass(frozen=True)
class Extent:
    """How many entries a mirror has, and from when to when."""

    requests: int
    oldest: datetime | None
    newest: datetime | None


class Mirror:
    """The entries of a mirror. What goes wrong with its file is a LocalError."""

    def __init__(self, place: Place, connection: sqlite3.Connection) -> None:
        self.place = place
        self._connection = connection

    def synced_at(self) -> datetime | None:
        """When the last complete sync began; None if the first one has not come to its end."""
        with translate_errors(self.place):
            return from_iso_or_none(self._value("SELECT synced_at FROM mirror"))

    def extent(self) -> Extent:
        with translate_errors(self.place):
            count = self._value("SELECT count(*) FROM entries")
            oldest = self._value("SELECT min(created_at) FROM entries")
            newest = self._value("SELECT max(created_at) FROM entries")
            return Extent(count, from_iso_or_none(oldest), from_iso_or_none(newest))

    def count(self, filters: Filters) -> int:
        condition, values = self._where(filters)
        with translate_errors(self.place):
            found: int = self._value(f"SELECT count(*) FROM entries WHERE {condition}", *values)  # noqa: S608
        return found

    def entries(self, filters: Filters, sort: str | None = None, limit: int | None = None) -> Iterator[bytes]:
        """The entries as the service gave them, in its order, one by one."""
        return (raw for raw, _ in self._entries(filters, sort, limit))

    def requests(self, filters: Filters) -> Iterator[ApiRequest]:
        """The entries as structs, the oldest first."""
        return (request for _, request in self._entries(filters, "created_at"))

    def _entries(
        self, filters: Filters, sort: str | None = None, limit: int | None = None
    ) -> Iterator[tuple[bytes, ApiRequest]]:
        condition, values = self._where(filters)
        wanted = f"SELECT number FROM entries WHERE {condition} ORDER BY {order(sort)} LIMIT ?"  # noqa: S608
        entry = "SELECT json FROM entries WHERE number = ?"
        with translate_errors(self.place):
            # Numbers are sorted, not entries: a sort too large for memory goes to a file in the system's
            # own folder, where nothing of an entry should be.
            for row in self._connection.execute(wanted, [*values, -1 if limit is None else limit]):
                raw = self._value(entry, *row).encode()
                yield raw, msgspec.json.decode(raw, type=ApiRequest)

    def get(self, entry_id: str) -> bytes | None:
        """An entry, with its bodies where they were synced; None if it is not here."""
        sql = "SELECT json, request, response FROM entries LEFT JOIN bodies USING (id) WHERE id = ?"
        with translate_errors(self.place):
            row = self._connection.execute(sql, [entry_id]).fetchone()
            if row is None:
                return None
            entry, request, response = row
            if request is not None:
                entry = f'{entry.rstrip()[:-1]},"request":{request},"response":{response}}}'
            raw: bytes = entry.encode()
            msgspec.json.decode(raw, type=ApiRequest)
            return raw

    def _where(self, filters: Filters) -> tuple[str, list[object]]:
        return where(filters, self._key_id(filters.key) if filters.key is not None else None)

    def _key_id(self, wanted: str) -> str:
        """As for a key of the account, among the keys that entries here were made with.

        Raises NotFoundError for none, and UsageError, with the candidates, for several.
        """
        if is_uuid(wanted):
            return wanted.lower()
        with translate_errors(self.place):
            keys = self._connection.execute("SELECT id, name FROM keys ORDER BY id, name").fetchall()
        prefix = wanted.lower()
        found = [key for key in keys if key[1] == wanted]
        if not found and _PREFIX.fullmatch(prefix):
            found = [key for key in keys if key[0].startswith(prefix)]
        ids: set[str] = {key[0] for key in found}
        if len(ids) == 1:
            return ids.pop()
        if ids:
            candidates = "\n".join(f"  {name!r} ({key_id})" for key_id, name in found)
            raise UsageError(
                f"{wanted!r} could be any of {len(ids)} keys.", hint=f"Give more of the id:\n{candidates}"
            )
        raise NotFoundError(
            f"No request here was made with a key named {wanted!r}, or with one whose id starts so.",
            hint=f"If it is new: {self.place.command('sync')}",
        )

    def _value(self, sql: str, *values: object) -> Any:
        return self._connection.execute(sql, values).fetchone()[0]


@contextmanager
def reading(place: Place) -> Iterator[Mirror]:
    """Open the mirror to read one state of it. Raises NotFoundError if there is none, and LocalError."""
    if not place.exists:
        raise NotFoundError(
            f"There is no mirror of this account's history on this machine: {place.path}.",
            hint=f"Create it: {place.command('sync')}",
        )
    with closing(connect(place, writes=False)) as connection:
        with translate_errors(place):
            connection.execute("BEGIN")
        yield Mirror(place, connection)
