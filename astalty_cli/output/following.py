"""Rows that come one after the other for as long as somebody looks: printed and flushed as they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astalty_cli.output.fields import Field
    from astalty_cli.output.human import Lines
    from astalty_cli.output.output import Output


class Follower:
    """Prints rows in the form that was asked for; JSON is JSON lines, since it never ends."""

    def __init__(self, output: Output, columns: Sequence[Field]) -> None:
        self._output, self._columns = output, columns
        self._lines: Lines | None = None
        if output.format == "table" and output.style.query is None:
            from astalty_cli.output.human import Lines

            self._lines = Lines(columns, output.streams)
        self._headed = False

    def print(self, rows: Iterable[bytes]) -> None:
        for row in rows:
            if self._lines:
                self._output.write(self._lines.of(row, headed=not self._headed))
            else:
                self._output.row(row, self._columns, headed=not self._headed)
            self._headed = True
        self._output.streams.stdout.flush()
