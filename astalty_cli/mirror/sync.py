"""Bringing a mirror up to date: upwards from where it ends, so that nothing is read twice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from astalty_cli.api.client import Client
from astalty_cli.base.times import iso, utc_now
from astalty_cli.mirror.writing import WritableMirror
from astalty_cli.services.history.reading import HistoryQuery, Position, Upwards, page_size


@dataclass(frozen=True)
class SyncOptions:
    """What to sync. `since` is where a new mirror begins; older entries than `keep` are not kept."""

    bodies: bool = False
    since: datetime | None = None
    keep: timedelta | None = None


@dataclass
class Sync:
    """One run. `added` and `removed` count entries."""

    client: Client
    mirror: WritableMirror
    wish: SyncOptions
    added: int = 0
    removed: int = 0
    _position: Position | None = field(init=False)

    def __post_init__(self) -> None:
        self._position = self.mirror.position()

    @property
    def goes_on(self) -> datetime | None:
        """The time from which it goes on; None for a new mirror."""
        return self._position.time if self._position else None

    @property
    def page_size(self) -> int:
        return page_size(bodies=self.wish.bodies)

    def run(self, tell: Callable[[int, int], None]) -> None:
        """Read what is new; `tell` hears after each page how much was added, and of how much."""
        began = utc_now()
        reading = Upwards(HistoryQuery(self.client, {}, self.wish.bodies), self._position)
        boundary = reading.set_boundary()
        newest = boundary.time if boundary else self.goes_on
        oldest_kept = newest - self.wish.keep if newest and self.wish.keep is not None else None
        if boundary:
            self._read(self._within(reading, oldest_kept), tell)
        self.mirror.finish(began)
        if oldest_kept:
            self.removed = self.mirror.forget(oldest_kept)

    def _within(self, reading: Upwards, oldest_kept: datetime | None) -> Upwards:
        """The same reading, but for what is not to be kept."""
        bounds = [each for each in (None if self._position else self.wish.since, oldest_kept) if each]
        if not bounds:
            return reading
        filters = {"created_from": iso(max(bounds))}
        return Upwards(HistoryQuery(self.client, filters, self.wish.bodies), self._position, reading.end)

    def _read(self, reading: Upwards, tell: Callable[[int, int], None]) -> None:
        for page in reading.pages():
            self._position = Position.after_rows(page.rows, self._position)
            if page.rows and self._position:
                self.added += self.mirror.add(page.rows, self._position, bodies=self.wish.bodies)
            tell(self.added, max(reading.total, self.added))
