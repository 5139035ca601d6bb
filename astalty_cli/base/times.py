"""Moments as people type and read them: `2026-11-23T05:33:52Z`, `3m ago`."""

from collections.abc import Callable
from datetime import UTC, datetime

from astalty_cli.base.durations import is_duration, parse_duration

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def parse_moment(text: str, now: datetime) -> datetime:
    """Read an ISO 8601 time (local where it names no zone), or a duration counted back from `now`.

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
