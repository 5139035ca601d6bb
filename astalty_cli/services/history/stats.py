"""The request history in figures: groups of requests, how many failed, how long they took.

Of an entry nothing is kept but its duration, 8 bytes of it, so a million of them need no more than that.
"""

import itertools
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from astalty_cli.api.models import ApiRequest
from astalty_cli.base.times import in_local_time, iso, shifted
from astalty_cli.base.vocabulary import By
from astalty_cli.services.history.usage import folded

PERCENTS: Final = (50, 95, 99)
_MARKS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        *(1, 5, 15, 30, 60, 120, 300, 600, 900, 1800),
        *(3600 * hours for hours in (1, 2, 3, 6, 12)),
        *(86_400 * days for days in (1, 2, 7, 14, 28, 56, 112, 365, 730)),
    )
)


class Group(Struct, frozen=True, kw_only=True):
    """A row of the statistics; the same members whatever the requests are grouped by.

    `group` is null for requests without such a thing, as a 401 has no user. `group_id` tells two users or
    keys of one name apart. Without requests there are neither a rate nor durations.
    """

    group: str | None
    requests: int
    share: float
    error_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: int
    group_id: str | None


@dataclass
class _Tally:
    errors: int = 0
    durations: "array[float]" = field(default_factory=lambda: array("d"))


@dataclass(frozen=True)
class Name:
    """What a group is called, and what tells it apart from another of that name."""

    text: str | None
    id: str | None = None

    @property
    def key(self) -> str | None:
        return self.id or self.text


class Timeline:
    """Requests over a whole stretch of time, in steps of one length, at most `most` of them.

    By another clock than the one that gave the stretch a request may lie outside: it counts at the edge.
    """

    def __init__(self, start: datetime, end: datetime, most: int) -> None:
        self.start, self.end = start, end
        span = max(end - start, _MARKS[0])
        self.step = next((each for each in _MARKS if span <= each * most), span / most)
        self.counts = [0] * -(-span // self.step)

    def add(self, moment: datetime) -> None:
        place = (moment - self.start) // self.step
        self.counts[min(max(place, 0), len(self.counts) - 1)] += 1


class Stats:
    """Adds up entries as they come, the oldest first. `marks` is how many steps the timeline may have."""

    def __init__(self, by: By, start: datetime, end: datetime, *, marks: int) -> None:
        self.by = by
        self.timeline = Timeline(start, end, marks)
        self._name = _NAMES[by]
        self._requests = 0
        self._names: dict[str | None, Name] = {}
        self._tallies: dict[str | None, _Tally] = {}

    def add(self, entries: Iterable[ApiRequest]) -> None:
        for entry in entries:
            self._requests += 1
            name = self._name(entry)
            self._names[name.key] = name  # a key or user that was renamed goes by the newest name
            tally = self._tallies.setdefault(name.key, _Tally())
            tally.errors += entry.status >= 400
            tally.durations.append(entry.duration_ms)
            self.timeline.add(entry.created_at)

    @property
    def total(self) -> Group:
        """All requests as one group."""
        return self._group(Name(None), list(self._tallies.values()))

    def groups(self) -> list[Group]:
        """The largest first. Hours and days in their order, without a gap, up to the end of the stretch."""
        if self.by in _BUCKETS:
            return [self._group(Name(key), self._of(key)) for key in self._buckets()]
        found = [self._group(name, self._of(key)) for key, name in self._names.items()]
        return sorted(found, key=lambda each: (-each.requests, each.group or "", each.group_id or ""))

    def _of(self, key: str | None) -> list[_Tally]:
        return [self._tallies[key]] if key in self._tallies else []

    def _buckets(self) -> list[str]:
        """The starts of all buckets from the first request on; outside the stretch, no empty ones."""
        there = sorted(key for key in self._tallies if key is not None)
        if not there:
            return []
        begin, first = _BUCKETS[self.by][0], datetime.fromisoformat(there[0])
        end = self.timeline.end
        starts = _starts(self.by, max(first, begin(self.timeline.start)))
        gaps = itertools.takewhile(lambda start: start < end, starts)
        return sorted({*there, *(iso(start) for start in gaps)})

    def _group(self, name: Name, tallies: Sequence[_Tally]) -> Group:
        durations = [tally.durations for tally in tallies]
        requests = sum(map(len, durations))
        errors = sum(tally.errors for tally in tallies)
        p50, p95, p99 = percentiles(durations, PERCENTS)
        return Group(
            group=name.text,
            requests=requests,
            share=round(requests / max(self._requests, 1), 6),
            error_rate=round(errors / requests, 6) if requests else None,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            errors=errors,
            group_id=name.id,
        )


def percentiles(parts: "Sequence[array[float]]", percents: Sequence[int]) -> list[float | None]:
    """The nearest ranks of all values together: the least value that so many percent do not exceed.

    They are neither copied nor sorted: the whole milliseconds are counted, and only the values of the one
    that a rank lies in are looked at.
    """
    counts = Counter(int(value) for part in parts for value in part)
    total = counts.total()
    if not total:
        return [None for _ in percents]
    found: list[float | None] = []
    for percent in percents:
        rank = max(-(-percent * total // 100), 1)
        for whole in sorted(counts):
            if rank <= counts[whole]:
                break
            rank -= counts[whole]
        found.append(sorted(value for part in parts for value in part if int(value) == whole)[rank - 1])
    return found


# -- what a group is -----------------------------------------------------------------------------


def _user(entry: ApiRequest) -> Name:
    return Name(entry.user.email, entry.user.id) if entry.user else Name(None)


def _key(entry: ApiRequest) -> Name:
    return Name(entry.api_key.name, entry.api_key.id) if entry.api_key else Name(None)


def _hour_of(moment: datetime) -> datetime:
    return in_local_time(moment).replace(minute=0, second=0, microsecond=0)


def _day_of(moment: datetime) -> datetime:
    """Midnight where the user is; the day on which the clocks change has another offset in the morning."""
    day = in_local_time(moment)
    try:
        return datetime(day.year, day.month, day.day).astimezone()
    except (OverflowError, ValueError, OSError):  # at the calendar's ends
        return day.replace(hour=0, minute=0, second=0, microsecond=0)


# The start of a moment's bucket, and a time after which the next one surely runs, also of 23 or 25 hours.
_BUCKETS: Final[dict[By, tuple[Callable[[datetime], datetime], timedelta]]] = {
    By.HOUR: (_hour_of, timedelta(hours=1)),
    By.DAY: (_day_of, timedelta(hours=36)),
}


def _starts(by: By, start: datetime) -> Iterator[datetime]:
    begin, later = _BUCKETS[by]
    while True:
        yield start
        previous, start = start, begin(shifted(start, later))
        if start <= previous:  # the end of the calendar
            return


_NAMES: Final[dict[By, Callable[[ApiRequest], Name]]] = {
    By.STATUS: lambda entry: Name(f"{entry.status // 100}xx"),
    By.PATH: lambda entry: Name(folded(entry.path)),
    By.METHOD: lambda entry: Name(entry.method),
    By.USER: _user,
    By.IP: lambda entry: Name(entry.ip_address),
    By.KEY: _key,
    By.HOUR: lambda entry: Name(iso(_hour_of(entry.created_at))),
    By.DAY: lambda entry: Name(iso(_day_of(entry.created_at))),
}
