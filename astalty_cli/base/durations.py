"""Durations as people type and read them: `24h`, `36 hours`, `12.3 s`."""

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TYPED: Final = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_UNUSUAL: Final = 1e12  # milliseconds: 32 years
LONGEST: Final = timedelta(days=3650)  # so that no moment before it is out of a calendar's range


def is_duration(text: str) -> bool:
    """Whether it has the form of one; it may still be too long."""
    return _TYPED.fullmatch(text) is not None


def parse_duration(text: str) -> timedelta:
    """Read a whole number and a unit: `45s`, `15m`, `24h`, `7d`, `2w`; `0` needs no unit.

    Raises ValueError with a sentence for the user.
    """
    if text == "0":
        return timedelta()
    match = _TYPED.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 15m, 24h or 7d")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"the longest duration is {LONGEST.days}d")
    return timedelta(seconds=seconds)


def typed(length: timedelta) -> str:
    """As it would be typed: `24h`, `90d`."""
    seconds = int(length.total_seconds())
    units = ("h", "m", "s") if seconds <= _UNITS["d"] else ("d", "h", "m", "s")
    return next(f"{seconds // _UNITS[unit]}{unit}" for unit in units if seconds % _UNITS[unit] == 0)


def format_duration(length: timedelta) -> str:
    """For a sentence, in the largest unit that tells enough: `190 days`, `36 hours`, `1 hour`."""
    seconds = int(length.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count, rest = divmod(seconds, size)
        if count > 1 or (count == 1 and not rest):
            return _counted(count, unit)
    return _counted(seconds, "second")


def format_seconds(seconds: float) -> str:
    """For waits and limits, to a tenth: `0.5 s`, `60 s`."""
    return f"{round(seconds, 1):g} s"


def format_milliseconds(milliseconds: float) -> str:
    """To about three digits: `3.5 ms`, `234 ms`, `12.3 s`; `1e+30 s` for what nothing takes."""
    if abs(milliseconds) >= _UNUSUAL:
        return f"{milliseconds / 1000:.3g} s"
    if milliseconds >= 10_000:
        return f"{milliseconds / 1000:,.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}{'s' * (count != 1)}"
