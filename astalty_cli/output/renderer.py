"""Shows what long work reports: as lines in a log or a pipe, drawn in place on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from astalty_cli.base.durations import LONGEST
from astalty_cli.base.events import Event, Message, PageRead, WarningMessage

if TYPE_CHECKING:
    from astalty_cli.output.fields import Field
    from astalty_cli.output.human import Bar, Lines
    from astalty_cli.output.output import Output

Clock = Callable[[], float]

_BAR_AFTER = 0.5  # seconds: what is over sooner needs no bar
_LINE_EVERY = 15.0  # seconds


class Renderer(Protocol):
    """What the work's events and rows are given to, until it is over."""

    def show(self, event: Event) -> None: ...

    def rows(self, rows: Iterable[bytes]) -> None:
        """Print rows that belong to one list, as they come."""

    def print_above(self, line: str) -> bool:
        """Print a line without breaking what is drawn in place; False if nothing is drawn."""

    def close(self) -> None: ...


@contextmanager
def rendering(
    output: Output, what: str, columns: Sequence[Field] = (), *, beside_rows: bool = False
) -> Iterator[Renderer]:
    """A renderer for work that reads `what`, and prints rows with these columns.

    `beside_rows`: the command prints rows itself, which show the progress if they go to the same terminal.
    """
    on_terminal = output.streams.stderr.isatty()
    silent = output.style.quiet or (beside_rows and output.streams.stdout_is_terminal)
    renderer: Renderer
    if on_terminal and not silent:
        renderer = InPlaceRenderer(output, what, columns)
    else:
        reports_progress = not (silent or on_terminal or output.talks_json)
        renderer = PlainRenderer(output, what, columns, reports_progress=reports_progress)
    try:
        with output.talking_above(renderer.print_above):
            yield renderer
    finally:
        renderer.close()


class _EventPrinter:
    """What both renderers do alike: words to stderr, rows to stdout."""

    def __init__(self, output: Output, what: str, columns: Sequence[Field], clock: Clock) -> None:
        self._output, self._what, self._columns, self._clock = output, what, columns, clock
        self._lines: Lines | None = None
        self._has_rows = False

    def show(self, event: Event) -> None:
        match event:
            case PageRead():
                self._show_progress(event)
            case Message(text):
                self._output.note(text)
            case WarningMessage(text):
                self._output.warn(text)

    def rows(self, rows: Iterable[bytes]) -> None:
        """JSON is JSON lines, since the list may never end; what was printed is flushed."""
        for row in rows:
            if self._output.format == "table" and self._output.style.query is None:
                self._output.write(self._laid_out(row))
            else:
                self._output.row(row, self._columns, headed=not self._has_rows)
            self._has_rows = True
        self._output.streams.stdout.flush()

    def _laid_out(self, row: bytes) -> str:
        if self._lines is None:
            from astalty_cli.output.human import Lines

            self._lines = Lines(self._columns, self._output.streams)
        return self._lines.of(row, headed=not self._has_rows)

    def _show_progress(self, page: PageRead) -> None:
        raise NotImplementedError


class PlainRenderer(_EventPrinter):
    """Lines, and of the progress one now and then."""

    def __init__(
        self,
        output: Output,
        what: str,
        columns: Sequence[Field] = (),
        *,
        reports_progress: bool = True,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(output, what, columns, clock)
        self._reports_progress = reports_progress
        self._started = self._said = clock()
        self._first: int | None = None

    def print_above(self, line: str) -> bool:  # noqa: ARG002 - nothing is drawn
        return False

    def close(self) -> None:
        """Lines stay."""

    def _show_progress(self, page: PageRead) -> None:
        now = self._clock()
        if self._first is None:  # what an earlier run has read says nothing of this one's speed
            self._first, self._started = page.done, now
        if self._reports_progress and now - self._said > _LINE_EVERY:
            self._said = now
            self._output.say(self._line(page, self._first, now - self._started) + "\n")

    def _line(self, page: PageRead, first: int, seconds: float) -> str:
        done, expected, _ = page
        pages_done, pages_expected = page.pages
        line = f"Read {done:,} of {expected:,} {self._what} ({pages_done:,} of {pages_expected:,} pages)"
        if done <= first or expected <= done:
            return f"{line}."
        left = (expected - done) * seconds / (done - first)
        if left > LONGEST.total_seconds():  # a total that the service cannot mean
            return f"{line}."
        import humanize

        return f"{line}; about {humanize.precisedelta(round(left), minimum_unit='seconds')} left."


class InPlaceRenderer(_EventPrinter):
    """A bar that moves on its line, with words above it; it leaves nothing behind."""

    def __init__(
        self, output: Output, what: str, columns: Sequence[Field] = (), *, clock: Clock = time.monotonic
    ) -> None:
        super().__init__(output, what, columns, clock)
        self._started: float | None = None
        self._bar: Bar | None = None

    def print_above(self, line: str) -> bool:
        if self._bar is None:
            return False
        self._bar.print_above(line)
        return True

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _show_progress(self, page: PageRead) -> None:
        now = self._clock()
        if self._started is None:  # reading starts with the first page, not with what it waits for
            self._started = now
        if self._bar is None and now - self._started > _BAR_AFTER:
            from astalty_cli.output.human import Bar

            self._bar = Bar(self._what, self._output.streams)
        if self._bar is not None:
            self._bar.at(page)
