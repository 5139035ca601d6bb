"""Entries of the history as the pages walk through them: by time, from where the last page ended.

So the index of times leads to any page at once, and no page counts or skips what stands before it. Behind a
filter that fits little, only so many entries are looked at for one page; the next one goes on from there.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from astalty_cli.api.models import ApiRequest
from astalty_cli.sandbox.database import Database
from astalty_cli.sandbox.filters import Condition
from astalty_cli.sandbox.history import api_request
from astalty_cli.sandbox.listing import all_of

PAGE_SIZE = 50
LOOKED_AT = 20_000  # entries for one page: some 20 ms
_SOURCE = "FROM api_requests INDEXED BY api_requests_time"


@dataclass(frozen=True)
class Place:
    """A place between two entries: right behind this one, in either direction."""

    created_at: str
    id: str

    @classmethod
    def parse(cls, text: str) -> Self:
        created_at, _, request_id = text.partition("~")
        return cls(created_at, request_id)

    def __str__(self) -> str:
        return f"{self.created_at}~{self.id}"


THE_OLDEST = Place("", "")


@dataclass(frozen=True)
class Page:
    """Entries, the newest first. `older` and `newer` are where to go on, if there may be more.

    `stopped_at` is the last entry that was looked at, if the page gave up there.
    """

    entries: list[ApiRequest]
    older: Place | None
    newer: Place | None
    stopped_at: Place | None


def older(database: Database, conditions: Sequence[Condition], place: Place | None) -> Page:
    """The entries before a place, or the newest ones."""
    found, rest, stopped = _walk(database, conditions, place, descending=True)
    back = _place(found[0]) if found else place and Place(place.created_at, "")  # and its entry once more
    newer = None if place is None else back
    return Page([api_request(row) for row in found], rest, newer, stopped)


def newer(database: Database, conditions: Sequence[Condition], place: Place) -> Page:
    """The entries after a place."""
    found, rest, stopped = _walk(database, conditions, place, descending=False)
    found.reverse()
    older = None if place == THE_OLDEST else _place(found[-1]) if found else place
    return Page([api_request(row) for row in found], older, rest, stopped)


def _walk(
    database: Database, conditions: Sequence[Condition], place: Place | None, *, descending: bool
) -> tuple[list[sqlite3.Row], Place | None, Place | None]:
    """The entries of a page, where the next one begins, and where this one gave up looking."""
    ahead, behind, way = ("<", ">=", "DESC") if descending else (">", "<=", "ASC")
    limits = [] if place is None else [_from(place, ahead)]
    order = f"ORDER BY created_at {way}, id {way}"
    with database.read() as connection:
        stop = _stop(connection, limits, order) if conditions else None
        within = all_of([*limits, *([_from(stop, behind)] if stop else []), *conditions])
        # what is formatted in comes from this module and the table of filters, never from a call
        sql = f"SELECT * {_SOURCE} WHERE {within.sql} {order} LIMIT {PAGE_SIZE + 1}"
        rows = connection.execute(sql, within.values).fetchall()
    found = rows[:PAGE_SIZE]
    if len(rows) > PAGE_SIZE:
        return found, _place(found[-1]), None
    return found, stop, stop


def _stop(connection: sqlite3.Connection, limits: Sequence[Condition], order: str) -> Place | None:
    """The last entry that is looked at; the index alone knows it."""
    within = all_of(limits)
    sql = f"SELECT created_at, id {_SOURCE} WHERE {within.sql} {order} LIMIT 1 OFFSET {LOOKED_AT}"
    row = connection.execute(sql, within.values).fetchone()
    return None if row is None else _place(row)


def _from(place: Place, operator: str) -> Condition:
    return Condition(f"(created_at, id) {operator} (?, ?)", (place.created_at, place.id))


def _place(row: sqlite3.Row) -> Place:
    return Place(row["created_at"], row["id"])
