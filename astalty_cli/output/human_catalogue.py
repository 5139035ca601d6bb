"""The endpoint catalogue for people: the calls under their tags."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from rich.cells import cell_len
from rich.text import Text

from astalty_cli.openapi import Json
from astalty_cli.output.human import LEFT_OUT, render
from astalty_cli.output.safe import visible
from astalty_cli.output.streams import Streams

METHOD_STYLES: Final = {
    "GET": "green",
    "POST": "yellow",
    "PUT": "yellow",
    "PATCH": "yellow",
    "DELETE": "red",
}
_METHOD_WIDTH = 8
_LEAST_SUMMARY = 24  # columns that a summary has beside its path; else it stands below
_PIECE = 200  # rows that are laid out at once
_INDENT = 2


def catalogue(rows: Iterable[bytes], streams: Streams) -> Iterator[str]:
    """The calls in their order, with a heading where the tag changes. A path is never cut."""
    calls = [msgspec.json.decode(row) for row in rows]
    room = max(streams.width - _INDENT - _METHOD_WIDTH - 2 - _LEAST_SUMMARY, 0)
    widths = (cell_len(_path(call)) for call in calls)
    width = max((each for each in widths if each <= room), default=room)
    previous, lines = "", list[Text]()
    for call in calls:
        tag = call["tag"] or "No tag"
        if tag != previous:
            lines += [Text(), Text(visible(tag), style="bold")] if previous else [Text(visible(tag), "bold")]
        previous = tag
        lines += _listed(call, width, streams.width)
        if len(lines) >= _PIECE:
            yield render(Text("\n").join(lines), streams, at_least=_longest(lines))
            lines.clear()
    if lines:
        yield render(Text("\n").join(lines), streams, at_least=_longest(lines))


def _listed(call: Json, width: int, columns: int) -> list[Text]:
    path, said = _path(call), visible(call["summary"] or "")
    first = Text(" " * _INDENT, no_wrap=True)
    first.append(f"{call['method']:{_METHOD_WIDTH}}", METHOD_STYLES.get(call["method"], ""))
    first.append(path)
    summary = Text("Deprecated. " if call["deprecated"] else "", "yellow").append(said, "default")
    if cell_len(path) > width:
        first_lines, margin = [first], _INDENT + _METHOD_WIDTH
        line = Text(" " * margin)
    else:
        first_lines, line = [], first.append(" " * (width - cell_len(path) + 2))
        margin = cell_len(line.plain)
    summary.truncate(max(columns - margin, 1), overflow="ellipsis")
    return [*first_lines, line.append_text(summary)] if summary.plain else [first]


def _path(call: Json) -> str:
    return visible(str(call["path"])).removeprefix(LEFT_OUT) or "/"


def _longest(lines: Iterable[Text]) -> int:
    return max(cell_len(each.plain) for each in lines)
