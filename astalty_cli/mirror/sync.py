"""Bringing a mirror up to date: upwards from where it ends, so that nothing is read twice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from astalty_cli.api.client import Client
from astalty_cli.mirror.writing import WritableMirror
from astalty_cli.services.reading import Position, Question, Upwards, page_size
from astalty_cli.times import iso, utc_now


@dataclass(frozen=True)
class Wish:
    """What to sync. `since` is where a new mirror begins; older entries than `keep` are not kept."""

    bodies: bool = False
    since: datetime | None = None
    keep: timedelta | None = None


@dataclass
class Sync:
    """One run. `added` and `removed` count entries."""

    client: Client
    mirror: WritableMirror
    wish: Wish
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
        newest = self._pin()
        oldest_kept = newest - self.wish.keep if newest and self.wish.keep is not None else None
        if newest:
            self._read(newest, oldest_kept, tell)
        self.mirror.finish(began)
        if oldest_kept:
            self.removed = self.mirror.forget(oldest_kept)

    def _pin(self) -> datetime | None:
        """The time of the newest entry, by the server's clock."""
        question = Question(self.client, {}, bodies=False)
        reading = Upwards(question, self._position)
        return reading.end if reading.pin() else self.goes_on

    def _read(self, end: datetime, oldest_kept: datetime | None, tell: Callable[[int, int], None]) -> None:
        bounds = [each for each in (None if self._position else self.wish.since, oldest_kept) if each]
        filters = {"created_from": iso(max(bounds))} if bounds else {}
        reading = Upwards(Question(self.client, filters, self.wish.bodies), self._position, end)
        for page in reading.pages():
            self._position = Position.after_rows(page.rows, self._position)
            if page.rows and self._position:
                self.added += self.mirror.add(page.rows, self._position, bodies=self.wish.bodies)
            tell(self.added, max(reading.total, self.added))
