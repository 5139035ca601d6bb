"""Times as the API writes them: UTC, six digits of a second, `Z`. Such texts sort as the times do."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def to_wire(moment: datetime) -> str:
    """Return `2026-11-23T05:33:52.000000Z`. A moment outside of the years 1 to 9999 is an `OverflowError`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def from_wire(text: str) -> datetime:
    return datetime.fromisoformat(text)


def from_wire_or_none(text: str | None) -> datetime | None:
    return None if text is None else from_wire(text)
