"""What long work reports, as people see it: a bar in place, or a line now and then in a log."""

import io

import pytest

from astalty_cli.base.events import Message, PageRead, WarningMessage
from astalty_cli.output.columns import REQUESTS
from astalty_cli.output.output import Output
from astalty_cli.output.renderer import InPlaceRenderer, PlainRenderer, rendering
from astalty_cli.output.streams import Streams
from astalty_cli.output.style import Style


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def talking_to(stderr: io.StringIO, *, stdout: io.StringIO | None = None, quiet: bool = False) -> Output:
    streams = Streams(io.StringIO(), stdout or io.StringIO(), stderr, {"COLUMNS": "80", "NO_COLOR": "1"})
    return Output(streams, Style(quiet=quiet))


def test_a_log_gets_a_line_every_quarter_of_a_minute() -> None:
    clock, stderr = Ticks(), io.StringIO()
    renderer = PlainRenderer(talking_to(stderr), "requests", clock=clock)
    for done in range(0, 9000, 100):
        renderer.show(PageRead(done, 9000, 100))
        clock.now += 1
    lines = stderr.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == ("Read 1,600 of 9,000 requests (16 of 90 pages); about 1 minute and 14 seconds left.")


@pytest.mark.parametrize("total", [10**15, 2**53 - 1])
@pytest.mark.parametrize("kind", [PlainRenderer, InPlaceRenderer])
def test_a_total_that_cannot_be_is_no_reason_to_stop(
    kind: type[PlainRenderer | InPlaceRenderer], total: int
) -> None:
    clock, stderr = Ticks(), Terminal()
    renderer = kind(talking_to(stderr), "requests", clock=clock)
    for done in range(0, 2000, 100):
        renderer.show(PageRead(done, total, 100))
        clock.now += 1
    renderer.close()
    assert f"of {total:,} requests" in stderr.getvalue()
    assert "left." not in stderr.getvalue()


def test_what_an_earlier_run_has_read_says_nothing_of_the_speed() -> None:
    clock, stderr = Ticks(), io.StringIO()
    renderer = PlainRenderer(talking_to(stderr), "requests", clock=clock)
    renderer.show(PageRead(8000, 10_000, 100))
    clock.now = 20
    renderer.show(PageRead(9000, 10_000, 100))
    assert "about 20 seconds left" in stderr.getvalue()


def test_a_short_read_says_nothing() -> None:
    clock, stderr = Ticks(), Terminal()
    output = talking_to(stderr)
    for renderer in (InPlaceRenderer(output, "requests", clock=clock), PlainRenderer(output, "requests")):
        for done in (0, 100, 200):
            renderer.show(PageRead(done, 250, 100))
        renderer.close()
    assert stderr.getvalue() == ""


def test_a_bar_has_entries_pages_and_leaves_nothing_behind() -> None:
    clock, stderr = Ticks(), Terminal()
    renderer = InPlaceRenderer(talking_to(stderr), "requests", clock=clock)
    renderer.show(PageRead(0, 9000, 100))
    clock.now = 5
    renderer.show(PageRead(1500, 9000, 100))
    assert renderer.print_above("Waiting 20 s for the rate limit of this key.\n")
    renderer.close()
    drawn = stderr.getvalue()
    assert "1,500 of 9,000 requests" in drawn
    assert "15 of 90 pages" in drawn
    assert "Waiting 20 s" in drawn
    assert drawn.endswith("\x1b[2K")  # the line of the bar is taken away
    assert not renderer.print_above("later")


def test_a_terminal_is_drawn_on_in_place_and_a_log_gets_lines() -> None:
    with rendering(talking_to(Terminal()), "requests") as renderer:
        assert isinstance(renderer, InPlaceRenderer)
    with rendering(talking_to(io.StringIO()), "requests") as renderer:
        assert isinstance(renderer, PlainRenderer)


def test_rows_on_the_same_terminal_show_the_progress_themselves() -> None:
    output = talking_to(Terminal(), stdout=Terminal())
    with rendering(output, "requests", beside_rows=True) as renderer:
        assert isinstance(renderer, PlainRenderer)


def test_quietly_only_warnings_are_heard_and_only_on_a_terminal() -> None:
    for stderr, heard in ((Terminal(), "It fails.\n"), (io.StringIO(), "")):
        with rendering(talking_to(stderr, quiet=True), "requests") as renderer:
            renderer.show(Message("It goes on."))
            renderer.show(WarningMessage("It fails."))
        assert stderr.getvalue() == heard


def test_rows_are_one_list_however_they_come() -> None:
    stdout = Terminal()
    shown = [field for field in REQUESTS if field.path in {"status", "method"}]
    with rendering(talking_to(io.StringIO(), stdout=stdout), "requests", shown) as renderer:
        renderer.rows([b'{"status": 200, "method": "GET"}'])
        renderer.rows([b'{"status": 503, "method": "PUT"}', b'{"status": 404, "method": "POST"}'])
    lines = stdout.getvalue().splitlines()
    assert sum("STATUS" in line for line in lines) == 1
    assert [line.split()[0] for line in lines[-3:]] == ["200", "503", "404"]
