"""Removing entries from a mirror, or the mirror as a whole."""

from dataclasses import dataclass
from datetime import datetime

from astalty_cli.base.errors import ConflictError
from astalty_cli.mirror.database import Place, alone, remove, remove_lock
from astalty_cli.mirror.store import reading
from astalty_cli.mirror.writing import writing
from astalty_cli.services.history.filters import Filters


@dataclass(frozen=True)
class PurgeResult:
    """How many entries were removed, and how many the mirror has left."""

    removed: int
    left: int


def count_older(place: Place, before: datetime) -> int:
    with reading(place) as mirror:
        return mirror.count(Filters(until=before))


def remove_older(place: Place, before: datetime, most: int | None = None) -> PurgeResult:
    """Remove older entries with every trace of them. Raises RefusedError while somebody uses the mirror.

    `most` is how many the user agreed to; if there are more by now, none is removed. Raises ConflictError.
    """
    with alone(place), writing(place) as mirror:
        if most is not None and mirror.count(Filters(until=before)) > most:
            raise ConflictError("Meanwhile more requests from that time came in; nothing was removed.")
        removed = mirror.forget(before)
        mirror.scrub()
        return PurgeResult(removed, mirror.extent().requests)


def remove_mirror(place: Place) -> None:
    """Remove the mirror with its files. Raises RefusedError while another process changes it."""
    with alone(place):
        remove(place)
        remove_lock(place)
