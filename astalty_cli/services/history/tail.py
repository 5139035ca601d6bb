"""Following the request history: new entries, each once and in order.

An entry may turn up `LATE` seconds after its time, behind newer ones. So what is seen is held back until
a poll that began so much later has been answered: by then nothing older can be missing. Polls overlap,
and what they have in common is known by id, so a poll that fails loses nothing: the next one asks from
the same point in time.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from astalty_cli.base.times import shifted
from astalty_cli.services.history.reading import (
    LATE,
    Entry,
    HistoryQuery,
    PageWalker,
    Position,
    ReadBoundary,
    Upwards,
)

INTERVAL: Final = 2.5  # seconds between polls: 24 a minute, which leaves most of the 60 to others
_OVERLAP: Final = LATE + timedelta(seconds=1)
_WHOLE_SECOND: Final = timedelta(seconds=1)  # a server may cut times to it


class Tail:
    """One reader's view, from the first poll that is answered on.

    `poll` asks once, and gives out what is ripe; `rest` what is not yet.
    """

    def __init__(self, query: HistoryQuery, clock: Callable[[], float] = time.monotonic) -> None:
        self._query, self._clock = query, clock
        self._newest: datetime | None = None
        self._seen: dict[str, datetime] | None = None
        self._held: dict[str, tuple[Entry, float]] = {}
        self._position: Position | None = None  # in what was there before it began
        self._end: ReadBoundary | None = None

    def catch_up(self) -> Iterator[list[Entry]]:
        """What there is since `--since`, in order, a page at a time; after a failure, call it again."""
        reading = Upwards(self._query, self._position, self._end)
        self._seen = self._seen or {}
        if reading.set_boundary():
            self._end = reading.end
            for page in reading.pages():
                yield page.rows
                self._position = Position.after_rows(page.rows, self._position)
                self._newest = page.rows[-1].value.created_at if page.rows else self._newest
                self._seen |= {row.value.id: row.value.created_at for row in page.rows}
                self._seen = self._still_near(self._seen)

    def poll(self) -> list[Entry]:
        """Ask for what is new; return the entries that are ripe, in order.

        Raises as the client does; then nothing has changed, and the next poll makes up for it.
        """
        began = self._clock()
        seen = self._known()
        rows = [row for row in self._ask() if row.value.id not in seen]
        now = self._clock()
        self._held |= {row.value.id: (row, now) for row in rows}
        self._seen = self._still_near(seen | {row.value.id: row.value.created_at for row in rows})
        ripe = [row for row, first_seen in self._held.values() if first_seen + LATE.total_seconds() <= began]
        return self._given_out(max(map(_place, ripe))) if ripe else []

    def rest(self) -> list[Entry]:
        """What was seen and held back, for the end of it."""
        held = sorted((row for row, _ in self._held.values()), key=_place)
        self._held.clear()
        return held

    def _known(self) -> dict[str, datetime]:
        """What was seen already; at first, what there is when it begins."""
        if self._seen is None:
            start = self._start()
            self._seen = {
                row.value.id: row.value.created_at
                for row in (self._ask() if start else [])
                if start and row.value.created_at <= start
            }
            self._newest = start
        return self._seen

    def _start(self) -> datetime | None:
        """The newest entry when it began; kept if the next call fails: what comes after it is new."""
        if self._newest is None:
            rows = self._query.page(1, {}, "-created_at", size=1).rows
            self._newest = rows[0].value.created_at if rows else None
        return self._newest

    def _ask(self) -> list[Entry]:
        """All entries from a little before the newest one that the poll before saw first."""
        bounds = {}
        if self._newest is not None:
            bounds["created_from"] = self._query.since(shifted(self._newest, -_OVERLAP))
        rows = [row for page in PageWalker(self._query, bounds, downwards=True).pages() for row in page.rows]
        if rows:  # of the first answer: what came while later pages were read may lack something older
            self._newest = max(rows[0].value.created_at, self._newest or rows[0].value.created_at)
        return rows

    def _still_near(self, seen: dict[str, datetime]) -> dict[str, datetime]:
        """Those that a later poll may be answered with again."""
        edge = shifted(self._newest, -_OVERLAP - _WHOLE_SECOND) if self._newest else None
        return {each: at for each, at in seen.items() if edge is None or at >= edge}

    def _given_out(self, until: tuple[datetime, str]) -> list[Entry]:
        given = sorted((row for row, _ in self._held.values() if _place(row) <= until), key=_place)
        for row in given:
            del self._held[row.value.id]
        return given


def _place(row: Entry) -> tuple[datetime, str]:
    return row.value.created_at, row.value.id
