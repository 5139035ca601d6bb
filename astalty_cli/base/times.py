"""Durations and moments as people type and read them: `24h`, `7d`, `2026-11-23T05:33:52Z`, `3m ago`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
LONGEST = timedelta(days=3650)  # so that no moment before it is out of a calendar's range
_DURATION = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)


def utc_now() -> datetime:
    return datetime.now(UTC)


def parse_duration(text: str) -> timedelta:
    """Read a whole number and a unit: `45s`, `15m`, `24h`, `7d`, `2w`; `0` needs no unit.

    Raises ValueError with a sentence for the user.
    """
    if text == "0":
        return timedelta()
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 15m, 24h or 7d")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"the longest duration is {LONGEST.days}d")
    return timedelta(seconds=seconds)


def parse_moment(text: str, now: datetime) -> datetime:
    """Read an ISO 8601 time (local where it names no zone), or a duration counted back from `now`.

    Raises ValueError with a sentence for the user.
    """
    try:
        if _DURATION.fullmatch(text):
            return now - parse_duration(text)
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{text!r} is not a time such as 2026-11-23, 2026-11-23T05:30Z, 24h or 7d"
        ) from error


def iso(moment: datetime) -> str:
    """The API's form, in UTC: `2026-11-23T05:33:52.000000Z`. Such texts sort as the times do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def from_iso_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def local(moment: datetime) -> str:
    """For one thing on a terminal: `2026-11-23 16:33:52 AEDT`."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def relative(moment: datetime, now: datetime) -> str:
    """For a column: `5s ago`, `3m ago`, `in 23h`; days up to a month, then the local date."""
    seconds = round((now - moment).total_seconds())
    for unit, size, limit in (("s", 1, 60), ("m", 60, 60), ("h", 3600, 48), ("d", 86_400, 31)):
        count = abs(seconds) // size
        if count < limit:
            return f"in {count}{unit}" if seconds < 0 else f"{count}{unit} ago"
    return moment.astimezone().strftime("%Y-%m-%d")
