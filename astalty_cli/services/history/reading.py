"""Reading a stretch of the request history exactly: each entry once, none missing, at one cost a page.

The service logs our own calls into the list that we read, others write as well, and an entry may turn
up late, behind newer ones. Four things make reading exact:

- the end is pinned to the newest entry of the first answer, by the server's clock;
- within a window of time pages go by number, and every `WINDOW` pages the window moves: its open side
  goes to where the reading is. So no page is deep, and what happens outside moves nothing;
- what the last page and the new window have in common is known by id. A server may cut times to whole
  seconds, so that side of a window always is a whole second;
- an entry may be seen for the first time `LATE` seconds after its time. Reading upwards takes the pages
  with the last seconds before the pin when that has passed for it; reading downwards asks for those
  seconds once more at the end.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from astalty_cli.api.answers import Page, Row
from astalty_cli.api.client import Client
from astalty_cli.api.contract import MAX_PAGE_SIZE
from astalty_cli.api.models import ApiRequest
from astalty_cli.base.errors import ServiceError
from astalty_cli.base.times import iso, shifted

WINDOW: Final = 100  # pages
LATE: Final = timedelta(seconds=2)
BODIES_PAGE_SIZE: Final = 20
_SURELY_SEEN: Final = timedelta(seconds=10)  # the clock of a `Date` may be that of another machine

_YEARS: Final = range(1970, 9000)  # so that the seconds around a time are within a calendar's range

Entry = Row[ApiRequest]


def page_size(*, bodies: bool) -> int:
    return BODIES_PAGE_SIZE if bodies else MAX_PAGE_SIZE


@dataclass(frozen=True)
class HistoryQuery:
    """Which entries to read. `filters` go by the API's own names."""

    client: Client
    filters: Mapping[str, str | None]
    bodies: bool = False
    paced: bool = True
    most: int = MAX_PAGE_SIZE  # entries of a page

    @property
    def size(self) -> int:
        return min(self.most, page_size(bodies=self.bodies))

    def since(self, moment: datetime) -> str:
        """This moment for `created_from`, or the user's own if that is later."""
        return max(iso(moment), self.filters.get("created_from") or iso(moment))

    def until(self, moment: datetime) -> str:
        """This moment for `created_to`, or the user's own if that is earlier."""
        return min(iso(moment), self.filters.get("created_to") or iso(moment))

    def page(
        self, number: int, bounds: Mapping[str, str], sort: str, size: int | None = None
    ) -> Page[ApiRequest]:
        page = self.client.list_requests(
            number,
            size or self.size,
            filters={**self.filters, **bounds},
            sort=sort,
            bodies=self.bodies,
            paced=self.paced,
        )
        if any(row.value.created_at.year not in _YEARS for row in page.rows):
            raise ServiceError(
                "The answer is not what this API promises: an entry's time is in no usable year."
            )
        return page


@dataclass(frozen=True)
class ReadBoundary:
    """The newest entry of a first answer: where reading ends.

    `date` is the answer's, by the server's clock; since `known`, by the monotonic clock, it is the pin.
    """

    time: datetime
    date: datetime | None
    known: float

    @classmethod
    def of(cls, page: Page[ApiRequest]) -> "ReadBoundary | None":
        """The pin that a first answer, the newest first, sets; None if it is empty."""
        return cls(page.rows[0].value.created_at, page.date, time.monotonic()) if page.rows else None

    @classmethod
    def kept(cls, moment: datetime) -> "ReadBoundary":
        """The pin of an earlier reading, however short a time ago that was."""
        return cls(moment, None, time.monotonic())

    @property
    def edge(self) -> datetime:
        """From here on entries may be late; a whole second, for any server."""
        return shifted(self.time, -LATE).replace(microsecond=0)

    @property
    def has_late_entries(self) -> bool:
        """Whether entries before the pin may have been invisible when it was set."""
        return self.hides_late_entries(self.known, self.date)

    def is_near(self, page: Page[ApiRequest], number: int) -> bool:
        """Whether late entries may belong on this page of an upward reading."""
        is_last = not page.rows or number >= page.meta.last_page
        return is_last or page.rows[-1].value.created_at >= self.edge

    def hides_late_entries(self, sent: float, date: datetime | None) -> bool:
        """Whether an answer of this `Date`, to what was sent then, may lack entries before the pin."""
        if date is not None and date - self.time >= _SURELY_SEEN:
            return False
        return sent < self._all_seen

    def wait_for_late_entries(self, client: Client) -> None:
        left = self._all_seen - time.monotonic()
        if self.has_late_entries and left > 0:
            client.pause(left, "entries that may be late")

    @property
    def _all_seen(self) -> float:
        return self.known + LATE.total_seconds()


@dataclass
class PageWalker:
    """Goes over a window of time in one direction, page by page; yields what was not seen before.

    Before a pin that is `late`, upwards, a page is not taken until all its late entries can be seen.
    """

    query: HistoryQuery
    bounds: dict[str, str]
    downwards: bool
    late: ReadBoundary | None = None
    _seen: dict[str, datetime] = field(default_factory=dict)

    def pages(self) -> Iterator[Page[ApiRequest]]:
        number, asked = 1, 0
        expected: int | None = None  # how many unseen entries there are at least; None: nobody can tell
        while True:
            page = self._ask(number)
            asked += 1
            if expected is not None and page.meta.total - len(self._seen) < expected:
                number, expected = self._begin_again(), None
                continue
            fresh = [row for row in page.rows if row.value.id not in self._seen]
            yield Page(fresh, page.meta, page.date)
            self._seen |= {row.value.id: row.value.created_at for row in fresh}
            if not page.rows or number >= page.meta.last_page:
                return
            number += 1
            # Downwards, what retention drops is still to come, and moves nothing.
            expected = page.meta.total - len(self._seen) if asked == 1 or not self.downwards else None
            if self.downwards and asked == 1:
                self.bounds["created_to"] = self.query.until(just_after(page.rows[0].value.created_at))
            elif asked % WINDOW == 0:
                number = self._move(page.rows[0].value.created_at)

    def _ask(self, number: int) -> Page[ApiRequest]:
        sent = time.monotonic()
        page = self._page(number)
        if self.late and self.late.is_near(page, number) and self.late.hides_late_entries(sent, page.date):
            self.late.wait_for_late_entries(self.query.client)
            page = self._page(number)
        return page

    def _page(self, number: int) -> Page[ApiRequest]:
        return self.query.page(number, self.bounds, "-created_at" if self.downwards else "created_at")

    def _move(self, to: datetime) -> int:
        """Let the window begin at the page that was read last; return the number to go on with."""
        if self.downwards:
            end = after(to)
            self.bounds["created_to"] = self.query.until(end)
            self._seen = {each: at for each, at in self._seen.items() if at < end}
        else:
            start = to.replace(microsecond=0)
            self.bounds["created_from"] = self.query.since(start)
            self._seen = {each: at for each, at in self._seen.items() if at >= start}
        return len(self._seen) // self.query.size + 1

    def _begin_again(self) -> int:
        """There is less than there was: find the place anew, and return the number of the page there.

        Downwards, the server has cut the time that the first window ends at. Upwards, retention has
        dropped entries that were read, so the others have moved up.
        """
        number = self._move(max(self._seen.values()))
        return number if self.downwards else 1


def just_after(moment: datetime) -> datetime:
    """The end of a window that has to hold this moment, on a server that does not cut times."""
    return shifted(moment, timedelta(microseconds=1)) if moment.microsecond else after(moment)


def after(moment: datetime) -> datetime:
    """The first whole second after a moment: the end of a window that has to hold it on any server."""
    return shifted(moment.replace(microsecond=0), timedelta(seconds=1))


def downwards(query: HistoryQuery, *, settled: bool) -> Iterator[Page[ApiRequest]]:
    """The newest first. Unless `settled`, late entries come at the end; that can take `LATE`.

    `settled` says that none are waited for: they do not matter, or the caller has waited.
    """
    boundary: ReadBoundary | None = None
    recent: set[str] = set()
    for page in PageWalker(query, {}, downwards=True).pages():
        boundary = boundary or ReadBoundary.of(page)
        if boundary is None:  # the first page, and there is none
            yield page
            return
        rows = [row for row in page.rows if row.value.created_at <= boundary.time]
        recent |= {row.value.id for row in rows if row.value.created_at >= boundary.edge}
        yield Page(rows, page.meta, page.date)
    if not settled and boundary is not None and boundary.has_late_entries:
        boundary.wait_for_late_entries(query.client)
        bounds = {"created_from": query.since(boundary.edge), "created_to": query.until(after(boundary.time))}
        for page in PageWalker(query, bounds, downwards=True).pages():
            late = [
                row
                for row in page.rows
                if row.value.id not in recent and row.value.created_at <= boundary.time
            ]
            yield Page(late, page.meta, page.date)


@dataclass(frozen=True)
class Position:
    """How far an upward reading has come: a time, and the ids that were read of it."""

    time: datetime
    ids: frozenset[str]

    @classmethod
    def after_rows(cls, rows: list[Entry], before: "Position | None") -> "Position | None":
        """The position behind these rows, which follow on `before`."""
        if not rows:
            return before
        last = rows[-1].value.created_at
        ids = frozenset(row.value.id for row in rows if row.value.created_at == last)
        return cls(last, ids | before.ids if before and before.time == last else ids)


@dataclass
class Upwards:
    """The oldest first, from a position up to an end: what is read so can be gone on with.

    `end` is the pin of an earlier reading that this one completes. `total` is how many entries there
    were to read, by the first answer. `settled`: late entries are not waited for.
    """

    query: HistoryQuery
    start: Position | None = None
    end: ReadBoundary | None = None
    total: int = 0
    settled: bool = False

    def set_boundary(self) -> ReadBoundary | None:
        """Find the end; None if there are no entries."""
        if self.end is None:
            first = self.query.page(1, self._from(), "-created_at", size=1)
            self.end, self.total = ReadBoundary.of(first), first.meta.total
        return self.end

    def pages(self) -> Iterator[Page[ApiRequest]]:
        """The entries that follow, page by page. Call `set_boundary` before."""
        assert self.end is not None  # noqa: S101 - the caller's order of calls
        end = self.end.time
        bounds = self._from() | {"created_to": self.query.until(after(end))}
        late = None if self.settled else self.end
        if late and 0 < self.total <= self.query.size:  # the only page, which need not be asked for twice
            late.wait_for_late_entries(self.query.client)
        known = self.start.ids if self.start else frozenset()
        for page in PageWalker(self.query, bounds, downwards=False, late=late).pages():
            self.total = self.total or page.meta.total
            rows = [
                row
                for row in page.rows
                if row.value.id not in known and self._is_not_earlier(row) and row.value.created_at <= end
            ]
            yield Page(rows, page.meta, page.date)

    def _from(self) -> dict[str, str]:
        return {} if self.start is None else {"created_from": self.query.since(self.start.time)}

    def _is_not_earlier(self, row: Entry) -> bool:
        """A server that cuts the times of filters answers with more than was asked for."""
        return self.start is None or row.value.created_at >= self.start.time
