"""Many rows as the text of a file: JSON lines and CSV, a page of them at once."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from astalty_cli.output import machine
from astalty_cli.output.picking import pick


def json_lines(rows: Sequence[bytes]) -> bytes:
    """The rows as `-o jsonl` prints them, a page at once: most pages are ASCII as they come."""
    lines = b"".join(_one_line(row) + b"\n" for row in rows)
    if lines.isascii() and b"\x7f" not in lines and b"##[" not in lines:
        return lines
    return machine.ascii_json(lines).encode()


def _one_line(row: bytes) -> bytes:
    try:
        return msgspec.json.format(row, indent=-1)
    except msgspec.DecodeError:  # a body that msgspec finds spoilt stays as it came
        return row.replace(b"\n", b" ")


def csv_lines(rows: Iterable[bytes], paths: Sequence[str], *, raw: bool) -> Iterator[str]:
    """A heading, and the rows as `-o csv` prints them."""
    yield machine.csv_line(paths, raw=raw)
    yield from (machine.csv_line(_cells(row, paths), raw=raw) for row in rows)


def _cells(row: bytes, paths: Iterable[str]) -> Iterator[str]:
    members = msgspec.json.decode(row, type=dict[str, msgspec.Raw])
    for path in paths:
        name, _, inner = path.partition(".")
        value = bytes(members.get(name, b"null"))
        yield machine.text(pick(value, inner) if inner else value)
