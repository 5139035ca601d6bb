"""Which entries of the history stand on which page, found as fast on page 10,000 as on page 1.

SQLite counts the rows of a filter, and walks to the row where a page begins, one by one. A ranking knows:
it keeps the numbers of the entries that fit a filter, in a list's order. Entries never change and each new
one has a higher number, so a ranking only has to take in those after the highest that it has seen, whichever
process wrote them. An entry may be late, so its place is looked for and not taken for granted. Where old
entries are dropped, every ranking is made anew.

To make a ranking, every entry is looked at once. So a list that the index of times answers well gets one only
when it is asked for again.
"""

import sqlite3
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import compress

from astalty_cli.sandbox.filters import Bound, Condition
from astalty_cli.sandbox.listing import Query, Term, all_of

_KEPT = 16  # rankings of a process: four bytes for each entry of each
_FEW = 5000  # new entries that are put in their places one by one; for more it is faster to start over

Order = tuple[Term, ...]

_BY_TIME: Order = (Term("created_at", descending=False), Term("id", descending=False))
_ANY = all_of([])


class Rankings:
    """The rankings that were asked for last. Not for several threads at once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Order, Condition], Ranking | None] = OrderedDict()
        self._losses = 0

    def page(self, connection: sqlite3.Connection, query: Query) -> tuple[Sequence[int], int]:
        """The numbers of the entries of a page, in its order, and how many entries the list has.

        The connection must see everything that it saw in an earlier call.
        """
        self._forget_if_entries_were_dropped(connection)
        backward = query.order[0].descending
        order = _turned(query.order) if backward else query.order
        # Windows of time are ranges of a list by time: all of them share one ranking.
        bounds = [
            each for each in query.conditions if isinstance(each, Bound) and each.column == order[0].column
        ]
        condition = all_of([each for each in query.conditions if each not in bounds])
        has_start = any(bound.is_lower for bound in bounds)
        if order == _BY_TIME and (has_start or condition == _ANY) and (order, condition) not in self._kept:
            self._keep(order, condition, None)
            return _page_by_index(connection, query)
        ranking = self._get(connection, order, condition)
        start, stop = ranking.within(connection, bounds)
        if backward:
            end = max(start, stop - query.offset)
            return ranking.numbers[max(start, end - query.size) : end][::-1], stop - start
        begin = start + query.offset
        return ranking.numbers[begin : min(stop, begin + query.size)], stop - start

    def _forget_if_entries_were_dropped(self, connection: sqlite3.Connection) -> None:
        losses = connection.execute("SELECT count FROM history_losses").fetchone()[0]
        if losses != self._losses:
            self._kept.clear()
            self._losses = losses

    def _get(self, connection: sqlite3.Connection, order: Order, condition: Condition) -> "Ranking":
        newest = connection.execute("SELECT max(number) FROM api_requests").fetchone()[0] or 0
        ranking = self._kept.get((order, condition))
        if ranking is None or not ranking.take_in(connection, newest):
            everything = None if condition == _ANY else self._get(connection, order, _ANY)
            ranking = Ranking(connection, order, condition, newest, everything)
        self._keep(order, condition, ranking)
        return ranking

    def _keep(self, order: Order, condition: Condition, ranking: "Ranking | None") -> None:
        self._kept[order, condition] = ranking
        self._kept.move_to_end((order, condition))
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


class Ranking:
    """The numbers of all entries that fit a condition, in an order whose first column ascends."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        order: Order,
        condition: Condition,
        newest: int,
        everything: "Ranking | None",
    ) -> None:
        self._order = order
        self._condition = condition
        self._seen = newest
        if everything is None:
            terms = ", ".join(map(str, order))
            sql = f"SELECT number FROM api_requests ORDER BY {terms}"  # noqa: S608 - of our own tables
            self.numbers = array("I", _numbers(connection, sql, ()))
        else:  # to pick from what is in order is far faster than to sort what was picked
            fits = bytearray(newest + 1)
            for number in self._fitting(connection, after=0):
                fits[number] = 1
            self.numbers = array("I", compress(everything.numbers, map(fits.__getitem__, everything.numbers)))

    def take_in(self, connection: sqlite3.Connection, newest: int) -> bool:
        """Add the entries that came since; False where starting over is the faster way."""
        if newest == self._seen:
            return True
        if newest - self._seen > _FEW or len({term.descending for term in self._order}) > 1:
            return False
        for number in list(self._fitting(connection, after=self._seen)):
            self._add(connection, number)
        self._seen = newest
        return True

    def within(self, connection: sqlite3.Connection, bounds: Sequence[Bound]) -> tuple[int, int]:
        """The part of the ranking between bounds of its first column: from, and up to but without."""
        start, stop = 0, len(self.numbers)
        for bound in bounds:
            place = bisect_left(
                self.numbers, bound.values, key=lambda number: self._key(connection, number)[:1]
            )
            if bound.is_lower:
                start = max(start, place)
            else:
                stop = min(stop, place)
        return start, max(start, stop)

    def _add(self, connection: sqlite3.Connection, number: int) -> None:
        key = self._key(connection, number)
        if not self.numbers or self._key(connection, self.numbers[-1]) < key:
            self.numbers.append(number)
            return
        place = bisect_left(self.numbers, key, key=lambda other: self._key(connection, other))
        self.numbers.insert(place, number)

    def _key(self, connection: sqlite3.Connection, number: int) -> tuple[object, ...]:
        columns = ", ".join(term.column for term in self._order)
        sql = f"SELECT {columns} FROM api_requests WHERE number = ?"  # noqa: S608 - of our own tables
        return tuple(connection.execute(sql, (number,)).fetchone())

    def _fitting(self, connection: sqlite3.Connection, *, after: int) -> Iterator[int]:
        # By number alone: an index that seems to fit costs more than it saves as soon as half of all fit.
        # What is formatted in comes from this package's own tables of filters, never from a call.
        sql = f"SELECT number FROM api_requests NOT INDEXED WHERE number > ? AND {self._condition.sql}"  # noqa: S608
        return _numbers(connection, sql, (after, *self._condition.values))


def _page_by_index(connection: sqlite3.Connection, query: Query) -> tuple[Sequence[int], int]:
    """Do without a ranking: for a command that asks once, where the index of times leads to few entries."""
    condition = all_of(query.conditions)
    order = ", ".join(map(str, query.order))
    # what is formatted in comes from this package's own tables of filters and sorts, never from a call
    source = f"FROM api_requests INDEXED BY api_requests_time WHERE {condition.sql}"
    total = connection.execute(f"SELECT count(*) {source}", condition.values).fetchone()[0]
    sql = f"SELECT number {source} ORDER BY {order} LIMIT ? OFFSET ?"
    return list(_numbers(connection, sql, (*condition.values, query.size, query.offset))), total


def _turned(order: Order) -> Order:
    return tuple(replace(term, descending=not term.descending) for term in order)


def _numbers(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> Iterator[int]:
    cursor = connection.cursor()
    cursor.row_factory = None  # a plain tuple is made faster than a Row
    return (number for (number,) in cursor.execute(sql, values))
