"""How far a long read has come: a bar for people, a line now and then for a log."""

import io

from astalty_cli.output.progress import Progress
from astalty_cli.output.streams import Streams


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def made(*, bar: bool, clock: Ticks, stderr: io.StringIO) -> Progress:
    streams = Streams(io.StringIO(), io.StringIO(), stderr, {"COLUMNS": "80"})

    def say(line: str) -> None:
        stderr.write(line)

    return Progress("requests", streams, bar=bar, say=None if bar else say, page_size=100, clock=clock)


def test_a_log_gets_a_line_every_quarter_of_a_minute() -> None:
    clock, stderr = Ticks(), io.StringIO()
    progress = made(bar=False, clock=clock, stderr=stderr)
    for done in range(0, 9000, 100):
        progress.at(done, 9000)
        clock.now += 1
    lines = stderr.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == ("Read 1,600 of 9,000 requests (16 of 90 pages); about 1 minute and 14 seconds left.")


def test_what_an_earlier_run_has_read_says_nothing_of_the_speed() -> None:
    clock, stderr = Ticks(), io.StringIO()
    progress = made(bar=False, clock=clock, stderr=stderr)
    progress.at(8000, 10_000)
    clock.now = 20
    progress.at(9000, 10_000)
    assert "about 20 seconds left" in stderr.getvalue()


def test_a_short_read_says_nothing() -> None:
    clock, stderr = Ticks(), Terminal()
    for bar in (True, False):
        progress = made(bar=bar, clock=clock, stderr=stderr)
        assert list(progress.counted(range(250), lambda: 250)) == list(range(250))
        progress.close()
    assert stderr.getvalue() == ""


def test_a_bar_has_entries_pages_and_leaves_nothing_behind() -> None:
    clock, stderr = Ticks(), Terminal()
    progress = made(bar=True, clock=clock, stderr=stderr)
    progress.at(0, 9000)
    clock.now = 5
    progress.at(1500, 9000)
    assert progress.print_above("Waiting 20 s for the rate limit of this key.\n")
    progress.close()
    drawn = stderr.getvalue()
    assert "1,500 of 9,000 requests" in drawn
    assert "15 of 90 pages" in drawn
    assert "Waiting 20 s" in drawn
    assert drawn.endswith("\x1b[2K")  # the line of the bar is taken away
    assert not progress.print_above("later")
