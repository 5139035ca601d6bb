"""Moments as people type and read them: `2026-11-23T05:33:52Z`, `3m ago`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from astalty_cli.base.durations import LONGEST, is_duration, parse_duration

Clock = Callable[[], datetime]

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


def parse_moment(text: str, now: datetime) -> datetime:
    """Read an ISO 8601 time (local if it names no zone), or a duration counted back from `now`.

    Raises ValueError with a sentence for the user.
    """
    try:
        if is_duration(text):
            return now - parse_duration(text)
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is not a time such as 2026-11-23, 2026-11-23T05:30Z, 24h or 7d"
        ) from error


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC. One without a zone is taken as UTC, one beyond the calendar as its end."""
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def in_local_time(moment: datetime) -> datetime:
    """The same moment where the user is; in UTC if the calendar ends before that."""
    utc = in_utc(moment)
    try:
        return utc.astimezone()
    except (OverflowError, ValueError, OSError):  # which of them is the platform's choice
        return utc


def shifted(moment: datetime, by: timedelta) -> datetime:
    """The moment so much later, or the end of the calendar if it does not reach so far."""
    try:
        return moment + by
    except OverflowError:
        return (_FIRST if by < timedelta() else _LAST).replace(tzinfo=moment.tzinfo)


def usable_clock(moment: datetime | None) -> datetime | None:
    """A clock's time, unless it is so far off that no duration can be counted from it."""
    if moment is None:
        return None
    utc = in_utc(moment)
    return utc if _FIRST + 3 * LONGEST <= utc <= _LAST - 3 * LONGEST else None


def iso(moment: datetime) -> str:
    """The API's form, in UTC: `2026-11-23T05:33:52.000000Z`. Such texts sort as the times do."""
    return in_utc(moment).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def from_iso_or_none(text: str | None) -> datetime | None:
    return None if text is None else in_utc(datetime.fromisoformat(text))


def local(moment: datetime) -> str:
    """For one thing on a terminal: `2026-11-23 16:33:52 AEDT`."""
    return in_local_time(moment).strftime("%Y-%m-%d %H:%M:%S %Z")


def relative(moment: datetime, now: datetime) -> str:
    """For a column: `5s ago`, `3m ago`, `in 23h`; days up to a month, then the local date."""
    seconds = round((in_utc(now) - in_utc(moment)).total_seconds())
    for unit, size, limit in (("s", 1, 60), ("m", 60, 60), ("h", 3600, 48), ("d", 86_400, 31)):
        count = abs(seconds) // size
        if count < limit:
            return f"in {count}{unit}" if seconds < 0 else f"{count}{unit} ago"
    return in_local_time(moment).strftime("%Y-%m-%d")
