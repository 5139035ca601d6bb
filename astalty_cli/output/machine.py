"""json, jsonl, csv and tsv: the server's own rows, re-emitted, in ASCII wherever it is JSON.

Nothing here imports rich. A row is the JSON text of one object, as the server sent it.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from astalty_cli.base.json_errors import JSON_DECODE_ERRORS, MAX_PARTS, ensure_decodable, indented_size
from astalty_cli.output.picking import pick
from astalty_cli.output.safe import Spellings, defuse_formula, visible

_PARTS_OF_ROW = 100  # values of a row, and more, of which there may be any number
_SURELY_SMALL = 64 * 1024  # bytes of JSON
_MAX_INDENTED = 64 * 1024 * 1024  # bytes, indented
_BEYOND_ASCII = re.compile(r"[^\n\r\t\x20-\x7e]")


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if _BEYOND_ASCII.match(char) else char


_ESCAPES = Spellings(_escaped)


def ascii_json(raw: bytes) -> str:
    """Spell JSON text in ASCII: the same value, and no byte of it can drive a terminal."""
    spelled = raw.decode("utf-8", "replace")
    if _BEYOND_ASCII.search(spelled):
        spelled = spelled.translate(_ESCAPES)
    return spelled.replace("##[", r"##\u005b")  # a CI runner obeys it anywhere in a line


def compact(raw: bytes) -> str:
    return ascii_json(_formatted(raw, -1))


def indented(raw: bytes) -> str:
    return ascii_json(_formatted(raw, 2))


def _formatted(raw: bytes, indent: int) -> bytes:
    if indent > 0 and len(raw) > _SURELY_SMALL and indented_size(raw, indent, _MAX_INDENTED) > _MAX_INDENTED:
        return raw  # deep nesting makes a hundred times as much of it
    try:
        return msgspec.json.format(raw, indent=indent)
    except msgspec.DecodeError:  # a body that msgspec finds spoilt is shown as it came
        return raw


def array(rows: Iterable[bytes], *, indent: bool) -> Iterator[str]:
    """A bare JSON array, a row a line, so that it streams and `grep` works on it."""
    opening = "[\n"
    for row in rows:
        text = indented(row).replace("\n", "\n  ") if indent else compact(row)
        yield f"{opening}{'  ' if indent else ''}{text}"
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def narrowed(row: bytes, paths: Iterable[str]) -> bytes:
    """The object with the chosen fields alone, in their order, under their dotted names."""
    picked = {path: msgspec.Raw(pick(row, path)) for path in paths}
    return msgspec.json.encode(picked)


def text(value: bytes) -> str:
    """A JSON value as the text of a cell: a string bare, null as nothing, the rest as JSON."""
    if value == b"null":
        return ""
    if value.startswith(b'"'):
        try:
            return msgspec.json.decode(value, type=str)
        except JSON_DECODE_ERRORS:
            return ascii_json(value)
    return compact(value)


def tsv_line(cells: Iterable[str]) -> str:
    return "\t".join(visible(cell) for cell in cells) + "\n"


def csv_line(cells: Iterable[str], *, raw: bool) -> str:
    """One CSV record; cells that a spreadsheet would run are defused unless `raw`."""
    import csv

    line = io.StringIO()
    guarded = (visible(cell) if raw else defuse_formula(visible(cell)) for cell in cells)
    csv.writer(line, lineterminator="\n").writerow(guarded)
    return line.getvalue()


def values(raw: bytes, rows: int = 1) -> Any:
    """JSON text of so many rows as Python values, for a query.

    Raises RecursionError, and TooManyPartsError for more than any such rows hold.
    """
    ensure_decodable(raw, MAX_PARTS + rows * _PARTS_OF_ROW)
    return json.loads(raw.decode("utf-8", "replace"), parse_float=_number, parse_int=_number)


def _number(text: str) -> float | str:
    """A number that JSON allows and Python cannot hold stays text; it spoils itself alone."""
    try:
        number = float(text) if any(char in text for char in ".eE") else int(text)
    except ValueError:
        return text
    return number if abs(number) != float("inf") else text


def found_lines(found: Any) -> Iterator[str]:
    """What a query found, for shells: a value bare, a list a line an element, rows as TSV."""
    for item in found if isinstance(found, list) else [found]:
        cells = item if isinstance(item, list) else [item]
        yield tsv_line(text(json.dumps(cell).encode()) for cell in cells)
