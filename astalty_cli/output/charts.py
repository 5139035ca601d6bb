"""Figures as text: bars, a line of time, percentages. In ASCII where blocks cannot be spelled."""

import codecs
import textwrap
from collections.abc import Sequence
from datetime import datetime, timedelta

from astalty_cli.base.durations import format_duration
from astalty_cli.base.times import in_local_time
from astalty_cli.output.streams import Streams

_BAR = 10  # columns of a whole bar
_EIGHTHS = "▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_ASCII_LEVELS = ".:-=+*#@"
_INDENT = " "


def draws_blocks(streams: Streams) -> bool:
    return codecs.lookup(streams.stdout.encoding or "ascii").name == "utf-8"


def bar(share: float, *, blocks: bool) -> str:
    """As long as the share of a whole bar, and never nothing for something."""
    if share <= 0:
        return " "
    if not blocks:
        return "#" * max(round(share * _BAR), 1)
    whole, eighths = divmod(max(round(share * _BAR * 8), 1), 8)
    return _EIGHTHS[-1] * whole + (_EIGHTHS[eighths - 1] if eighths else "")


def sparkline(counts: Sequence[int], *, blocks: bool) -> str:
    """A mark for each count; nothing is a gap, so that silence is seen."""
    levels, peak = _LEVELS if blocks else _ASCII_LEVELS, max(*counts, 1)
    return "".join(levels[-(-count * len(levels) // peak) - 1] if count else " " for count in counts)


def timeline(counts: Sequence[int], start: datetime, end: datetime, step: timedelta, streams: Streams) -> str:
    """The sparkline of a stretch of time with both ends under it, and what is most in it."""
    ends = [f"{in_local_time(moment):%Y-%m-%d %H:%M}" for moment in (start, end)]
    gap = max(len(counts) - sum(map(len, ends)), 2)
    most = max(counts)
    at = start + counts.index(most) * step
    caption = (
        f"One bar = {format_duration(step)}. Busiest: {most:,} request{'s' * (most != 1)}, from {hour(at)}."
    )
    lines = [sparkline(counts, blocks=draws_blocks(streams)), (" " * gap).join(ends)]
    return "".join(f"{_INDENT}{line}\n" for line in lines) + paragraph(caption, streams)


def paragraph(text: str, streams: Streams) -> str:
    return textwrap.fill(text, streams.width, initial_indent=_INDENT, subsequent_indent=_INDENT) + "\n"


def hour(moment: datetime) -> str:
    """With the zone: the hour that the clocks are put back comes twice."""
    return f"{in_local_time(moment):%Y-%m-%d %H:%M %Z}"


def day(moment: datetime) -> str:
    return f"{in_local_time(moment):%Y-%m-%d %a}"


def percent(share: float) -> str:
    return "<0.1%" if 0 < share < 0.001 else f"{share:.1%}"
