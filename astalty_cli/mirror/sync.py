"""Bringing a mirror up to date: upwards from where it ends, so that nothing is read twice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from astalty_cli.api.client import Client
from astalty_cli.base.errors import NotOfferedError
from astalty_cli.base.events import Event, PageRead
from astalty_cli.base.times import iso, utc_now
from astalty_cli.mirror.database import Place, alone, remove, remove_lock
from astalty_cli.mirror.store import Extent
from astalty_cli.mirror.writing import WritableMirror, writing
from astalty_cli.services.history.reading import HistoryQuery, Position, Upwards
from astalty_cli.services.history.redaction import storable


class SyncContinued(NamedTuple):
    """The mirror is not new: reading goes on from this time."""

    time: datetime


OnSyncEvent = Callable[[Event | SyncContinued], None]


@dataclass(frozen=True)
class SyncOptions:
    """What to sync. `since` is where a new mirror begins; older entries than `keep` are not kept."""

    bodies: bool = False
    since: datetime | None = None
    keep: timedelta | None = None


@dataclass(frozen=True)
class SyncResult:
    """How many entries came and went, and what the mirror has now."""

    added: int
    removed: int
    extent: Extent


def sync(client: Client, place: Place, options: SyncOptions, on_event: OnSyncEvent) -> SyncResult:
    """Bring the mirror up to date; create it if there is none.

    Raises RefusedError while another process changes it, or if it is of another account.
    """
    with alone(place):
        account, is_new = client.account_id(), not place.exists
        try:
            with writing(place) as mirror:
                mirror.claim(account, client.fingerprint)
                return _Sync(client, mirror, options, on_event).run()
        except NotOfferedError:
            if is_new:
                remove(place)
                remove_lock(place)
            raise


@dataclass
class _Sync:
    client: Client
    mirror: WritableMirror
    options: SyncOptions
    on_event: OnSyncEvent
    _added: int = 0
    _position: Position | None = field(init=False)

    def __post_init__(self) -> None:
        self._position = self.mirror.position()

    def run(self) -> SyncResult:
        end_before = self._position.time if self._position else None
        if end_before:
            self.on_event(SyncContinued(end_before))
        began = utc_now()
        reading = Upwards(HistoryQuery(self.client, {}, self.options.bodies), self._position)
        boundary = reading.set_boundary()
        newest = boundary.time if boundary else end_before
        oldest_kept = newest - self.options.keep if newest and self.options.keep is not None else None
        if boundary:
            self._read(self._within(reading, oldest_kept))
        self.mirror.finish(began)
        removed = self.mirror.forget(oldest_kept) if oldest_kept else 0
        return SyncResult(self._added, removed, self.mirror.extent())

    def _within(self, reading: Upwards, oldest_kept: datetime | None) -> Upwards:
        """The same reading, but for what is not to be kept."""
        bounds = [each for each in (None if self._position else self.options.since, oldest_kept) if each]
        if not bounds:
            return reading
        filters = {"created_from": iso(max(bounds))}
        return Upwards(HistoryQuery(self.client, filters, self.options.bodies), self._position, reading.end)

    def _read(self, reading: Upwards) -> None:
        for page in reading.pages():
            self._position = Position.after_rows(page.rows, self._position)
            if page.rows and self._position:
                rows = [storable(row) for row in page.rows]
                self._added += self.mirror.add(rows, self._position, bodies=self.options.bodies)
            self.on_event(PageRead(self._added, max(reading.total, self._added), reading.query.size))
