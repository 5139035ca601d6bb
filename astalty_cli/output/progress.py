"""How far a long read has come: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from astalty_cli.output.human import Bar
    from astalty_cli.output.streams import Streams

Item = TypeVar("Item")

_BAR_AFTER = 0.5  # seconds: what is over sooner needs no bar
_LINE_EVERY = 15.0  # seconds


class Progress:
    """Counts what has been read, and shows it. `say` gets the lines where there is no bar; None: silence."""

    def __init__(
        self,
        what: str,
        streams: Streams,
        *,
        bar: bool,
        say: Callable[[str], None] | None,
        page_size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._streams, self._with_bar, self._say = what, streams, bar, say
        self._page_size, self._clock = page_size, clock
        self._started = self._said = clock()  # reading starts with the first page, not with what it waits for
        self._bar: Bar | None = None
        self._first: int | None = None

    def counted(self, items: Iterable[Item], expected: Callable[[], int]) -> Iterator[Item]:
        """Pass things on, and count them; `expected` is how many there will be, as far as is known."""
        for done, item in enumerate(items, 1):
            if done % self._page_size == 1:
                self.at(done - 1, expected())
            yield item

    def at(self, done: int, expected: int) -> None:
        """So many have been read, of so many."""
        now = self._clock()
        if self._first is None:  # what an earlier run has read says nothing of this one's speed
            self._first, self._started = done, now
        if self._with_bar and (self._bar or now - self._started > _BAR_AFTER):
            if self._bar is None:
                from astalty_cli.output.human import Bar

                self._bar = Bar(self._what, self._streams, self._page_size)
            self._bar.at(done, expected)
        elif self._say and now - self._said > _LINE_EVERY:
            self._said = now
            self._say(self._line(done, expected, now - self._started) + "\n")

    def print_above(self, text: str) -> bool:
        """Say something else without breaking the bar; False where there is none."""
        if self._bar is None:
            return False
        self._bar.print_above(text)
        return True

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, done: int, expected: int, seconds: float) -> str:
        read = done - (self._first or 0)
        pages = f"{-(-done // self._page_size):,} of {-(-expected // self._page_size):,} pages"
        line = f"Read {done:,} of {expected:,} {self._what} ({pages})"
        if read <= 0 or expected <= done:
            return f"{line}."
        import humanize

        left = humanize.precisedelta(round((expected - done) * seconds / read), minimum_unit="seconds")
        return f"{line}; about {left} left."
