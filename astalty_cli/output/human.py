"""Tables, details and JSON panes for people. Only this module and those beside it, `human_*`, import rich.

Rich neither cleans escape sequences nor survives `[/x]` in markup, so every text from outside passes
`safe.py` and goes in as `Text`.
"""

import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod, OverflowMethod, RenderableType
from rich.panel import Panel
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from astalty_cli.base import times
from astalty_cli.base.durations import format_milliseconds
from astalty_cli.base.events import PageRead
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS, indented_size
from astalty_cli.base.vocabulary import access_name
from astalty_cli.output import charts, machine
from astalty_cli.output.fields import Field, Kind
from astalty_cli.output.picking import pick
from astalty_cli.output.safe import visible, visible_lines
from astalty_cli.output.streams import Streams

_SHORT_ID = 8
_PIECE = 100  # rows of a table that are laid out at once
LEFT_OUT = "/public/v1"  # of a path, in a table: all of them begin so
_GAP = 2  # columns between two cells
_MAX_PANE = 256 * 1024  # bytes of JSON that are laid out for people
_MAX_INDENTED = 16 * _MAX_PANE
_MOST_SHOWN = 10_000  # characters of a text in a table or of one thing
# Rich's own highlighter takes quadratic time for a text of digits that ends with a backslash.
_JSON_STRING = r'"(?:[^"\\\n]++|\\.)*+(?:"|\\?(?=\n|\Z))'
_JSON_WORD = re.compile(
    rf"(?P<key>{_JSON_STRING}(?=\s*+:))|(?P<str>{_JSON_STRING})|(?P<brace>[\[\]{{}}])"
    r"|\b(?P<bool_true>true)\b|\b(?P<bool_false>false)\b|\b(?P<null>null)\b|(?P<number>[-+.0-9Ee]++)"
)
_CHECK_WIDTHS = (7, 10)  # of the longest status, and of the longest name of a check
_NARROWEST = 48  # columns in which a check can be read; a narrower terminal wraps them
_SIDE_BY_SIDE = 120  # columns of a terminal from which two panes stand beside each other
_WORD_STYLES = {
    "active": "green",
    "expiring": "yellow",
    "revoked": "red",
    "high": "bold red",
    "medium": "yellow",
    "ok": "green",
    "warning": "yellow",
    "error": "bold red",
    "skipped": "dim",
}
_NUMBERS = frozenset({Kind.COUNT, Kind.PERCENT, Kind.DURATION})
_FIGURES = _NUMBERS | {Kind.BAR}
_SPELT: dict[Kind, Callable[[datetime], str]] = {
    Kind.TIME: lambda moment: times.relative(moment, times.utc_now()),
    Kind.HOUR: charts.hour,
    Kind.DAY: charts.day,
}
_WORDED: dict[Kind, Callable[[str], str]] = {Kind.ACCESS: access_name, Kind.MILLISECONDS: "{} ms".format}
_IN_CELLS: dict[Kind, Callable[[str], str]] = {  # without what the heading, or every row, says
    Kind.ACCESS: lambda text: access_name(text).removesuffix(" Access"),
    Kind.PATH: lambda text: text.removeprefix(LEFT_OUT),
}
_ALARMING = 0.05  # of all requests failed
_CLASS_STYLES = {"2": "green", "3": "cyan", "4": "yellow", "5": "bold red"}


def render(what: RenderableType, streams: Streams, *, at_least: int = 0) -> str:
    """Lay out what holds no markup, as wide as the terminal."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=max(streams.width, at_least),
        force_terminal=streams.colour,
        color_system="standard" if streams.colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    console.print(what)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


# -- lists ---------------------------------------------------------------------------------------


def table(
    rows: Iterable[bytes], columns: Sequence[Field], streams: Streams, *, piece_size: int = _PIECE
) -> Iterator[str]:
    """A table that fits the terminal: spare columns are left out first, then long text is cut or wrapped.

    Ids, times and statuses are never cut; a terminal with no room even for them wraps the lines.
    A long one comes in pieces; the first of them says how wide the columns are.
    """
    rows, widths = iter(rows), None
    while piece := list(itertools.islice(rows, piece_size)):
        cells = [[_short(pick(row, field.path), field, streams) for field in columns] for row in piece]
        headed = widths is None
        if widths is None:
            natural = [max(cell_len(field.heading), _width(cells, i)) for i, field in enumerate(columns)]
            widths = _fitted(columns, natural, streams.width)
        yield _grid(cells, columns, widths, streams, headed=headed)


def _grid(
    cells: list[list[Text]],
    columns: Sequence[Field],
    widths: dict[int, int],
    streams: Streams,
    *,
    headed: bool,
) -> str:
    grid = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_header=headed
    )
    for index, width in widths.items():
        heading = Text(columns[index].heading.upper())
        side: JustifyMethod = "right" if columns[index].kind in _NUMBERS else "left"
        wraps = columns[index].wraps
        overflow: OverflowMethod = "fold" if wraps else "ellipsis"
        grid.add_column(heading, no_wrap=not wraps, overflow=overflow, width=width, justify=side)
    for line in cells:
        grid.add_row(*(line[index] for index in widths))
    return render(grid, streams, at_least=_across(widths)).strip("\n") + "\n"


def _fitted(columns: Sequence[Field], natural: Sequence[int], width: int) -> dict[int, int]:
    """The columns that are shown, and how wide each is."""
    widths = dict(enumerate(natural))
    flexible = [i for i, field in enumerate(columns) if field.kind in {Kind.TEXT, Kind.NAME, Kind.PATH}]
    for index in reversed(range(len(columns))):
        least = {i: min(size, columns[i].least) if i in flexible else size for i, size in widths.items()}
        if _across(least) <= width:
            break
        if columns[index].spare:
            del widths[index]
    while (excess := _across(widths) - width) > 0:
        shrinking = max((i for i in flexible if i in widths), key=lambda i: widths[i], default=None)
        if shrinking is None or widths[shrinking] <= 1:
            break
        widths[shrinking] -= min(excess, max(1, widths[shrinking] - columns[shrinking].least))
    return widths


def _across(widths: dict[int, int]) -> int:
    return sum(widths.values()) + _GAP * len(widths)


def _width(cells: list[list[Text]], index: int) -> int:
    return max((cell_len(line[index].plain) for line in cells), default=0)


def _short(value: bytes, field: Field, streams: Streams) -> Text:
    text = visible(_cut(machine.text(value)))
    if not text:
        return Text(field.empty, style="dim")
    if field.kind in _FIGURES:
        return _figure(float(text), field, streams)
    if field.kind in _SPELT:
        return Text(_moment(value, _SPELT[field.kind]))
    if field.kind is Kind.ID:
        return Text(text[:_SHORT_ID] if field.short else text, style="dim")
    if field.kind in _IN_CELLS:
        return Text(_IN_CELLS[field.kind](text))
    return _styled(text, field)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _figure(value: float, field: Field, streams: Streams) -> Text:
    if field.kind is Kind.BAR:
        return Text(charts.bar(value / field.full, blocks=charts.draws_blocks(streams)), style="cyan")
    if field.kind is Kind.PERCENT:
        style = "dim" if value == 0 else "yellow" if value < _ALARMING else "bold red"
        return Text(charts.percent(value), style=style)
    return Text(format_milliseconds(value) if field.kind is Kind.DURATION else f"{value:,.0f}")


def _styled(text: str, field: Field) -> Text:
    if text in {"true", "false"}:
        return Text("yes" if text == "true" else "no")
    if field.kind in {Kind.STATUS, Kind.SEVERITY}:
        return Text(text, style=_WORD_STYLES.get(text, ""))
    if field.kind is Kind.HTTP_STATUS:
        return Text(text, style=_CLASS_STYLES.get(text[:1], ""))
    if field.kind is Kind.NAME:
        return Text(text, style="bold")
    return Text(_WORDED[field.kind](text) if field.kind in _WORDED else text)


def _moment(value: bytes, spell: Callable[[datetime], str]) -> str:
    try:
        return spell(times.in_utc(msgspec.json.decode(value, type=datetime)))
    except (msgspec.DecodeError, OverflowError, ValueError):
        return visible(_cut(machine.text(value)))


class Lines:
    """The rows of a list that does not end, each as a line: the widths cannot wait for what will come."""

    _USUAL: ClassVar = {Kind.ID: 36, Kind.TIME: 8, Kind.HTTP_STATUS: 6, Kind.METHOD: 7, Kind.PATH: 60}

    def __init__(self, columns: Sequence[Field], streams: Streams) -> None:
        self._columns, self._streams = columns, streams
        usual = [max(len(field.heading), self._USUAL.get(field.kind, 15)) for field in columns]
        self._widths = _fitted(columns, usual, streams.width)

    def of(self, row: bytes, *, headed: bool) -> str:
        cells = [self._cell(pick(row, field.path), field) for field in self._columns]
        return _grid([cells], self._columns, self._widths, self._streams, headed=headed)

    def _cell(self, value: bytes, field: Field) -> Text:
        if field.kind is Kind.TIME:
            return Text(_moment(value, lambda moment: f"{times.in_local_time(moment):%H:%M:%S}"))
        return _short(value, field, self._streams)


# -- one thing -----------------------------------------------------------------------------------


def details(row: bytes, columns: Sequence[Field], streams: Streams) -> str:
    """The fields of one thing, a line each, with headings in a column of their own."""
    return render(_details(row, columns), streams)


def _details(row: bytes, columns: Sequence[Field]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for field in columns:
        grid.add_row(Text(field.heading, style="bold"), _long(pick(row, field.path), field))
    return grid


def _long(value: bytes, field: Field) -> Text:
    text = visible(_cut(machine.text(value)))
    if not text:
        return Text(field.empty, style="dim")
    if field.kind is Kind.TIME:
        return Text(_moment(value, _both_ways))
    return _styled(text, field)


def _both_ways(moment: datetime) -> str:
    import humanize

    return f"{times.local(moment)} ({humanize.naturaltime(moment, when=times.utc_now())})"


def entry(row: bytes, columns: Sequence[Field], sides: Sequence[str], streams: Streams) -> str:
    """A history entry: its fields, then the chosen sides (`request`, `response`) as JSON panes."""
    panes = [_pane(side, pick(row, side)) for side in sides]
    if len(panes) > 1 and streams.width >= _SIDE_BY_SIDE:
        beside = Table.grid(expand=True, padding=(0, 1))
        for _ in panes:
            beside.add_column(ratio=1)
        beside.add_row(*panes)
        panes = [beside]
    return render(Group(_details(row, columns), *panes) if columns else Group(*panes), streams)


def _pane(side: str, exchange: bytes) -> RenderableType:
    headers, body = pick(exchange, "headers"), pick(exchange, "body")
    parts: list[Text] = []
    if headers not in {b"null", b"{}", b"[]"}:
        parts += [json_text(headers), Text()]
    parts.append(Text("no body", style="dim") if body == b"null" else json_text(body))
    cut = " (cut: the service keeps 64 KiB)" if pick(exchange, "truncated") == b"true" else ""
    return Panel(Group(*parts), title=Text(side.capitalize() + cut), title_align="left", box=box.ROUNDED)


def json_text(value: bytes) -> Text:
    """JSON, indented and in colours, and cut if it is too long for anybody."""
    if len(value) > _MAX_PANE:
        start = visible_lines(value[:_MAX_PANE].decode("utf-8", "replace"))
        return Text(f"{start}\n… {len(value) - _MAX_PANE} bytes more: -o json shows them all")
    if value.startswith(b'"'):  # a body that was not JSON: its own lines, not one escaped string
        return Text(visible_lines(machine.text(value)))
    shown = Text(visible_lines(_indented(value)))
    for word in _JSON_WORD.finditer(shown.plain):
        shown.stylize(f"json.{word.lastgroup}", *word.span())
    return shown


def _indented(value: bytes) -> str:
    if indented_size(value, 2, _MAX_INDENTED) > _MAX_INDENTED:
        return value.decode("utf-8", "replace")
    try:
        return msgspec.json.format(value, indent=2).decode("utf-8", "replace")
    except JSON_DECODE_ERRORS:
        return value.decode("utf-8", "replace")


# -- checks --------------------------------------------------------------------------------------


def check(row: bytes, streams: Streams) -> str:
    """A check in a line: how it ended, which it is, what was found; below, what to do."""
    status, name, found, hint = (
        visible_lines(machine.text(pick(row, path))) for path in ("status", "check", "found", "hint")
    )
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in _CHECK_WIDTHS:
        grid.add_column(width=width, no_wrap=True)
    grid.add_column(overflow="fold")
    quiet = "dim" if status == "skipped" else ""
    grid.add_row(
        Text(status, style=_WORD_STYLES[status]), Text(name, style=quiet or "bold"), Text(found, style=quiet)
    )
    if hint:
        grid.add_row("", Text("->", justify="right"), Text(hint, style="cyan"))
    return render(grid, streams, at_least=_NARROWEST)


# -- a new secret --------------------------------------------------------------------------------


def secret_panel(clear: str, name: str, access: str | None, streams: Streams) -> str:
    """The one showing of a new secret, on a line that nothing folds: it is copied by hand."""
    title = Rule(Text(f"The secret of {visible(name)}"), align="left", style="")
    level = Text(f"Access level: {visible(access_name(access))}")
    words = Text("Copy it now: it is shown once and will not be shown again.", style="yellow")
    secret = Text(visible(clear), style="bold green")
    lines = render(secret, streams, at_least=cell_len(secret.plain))
    return render(title, streams) + "\n" + lines + "\n" + render(Group(level, words, Rule(style="")), streams)


# -- progress ------------------------------------------------------------------------------------


class Bar:
    """A bar on stderr, with entries, pages and the time left. It leaves nothing behind."""

    def __init__(self, what: str, streams: Streams) -> None:
        self._progress = RichProgress(
            TextColumn("{task.fields[counts]}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[pages]}", markup=False),
            TimeRemainingColumn(),
            console=Console(
                file=streams.stderr,
                force_terminal=True,
                color_system="standard" if streams.colour else None,
                legacy_windows=False,
            ),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._what = what
        self._task = self._progress.add_task("", counts="", pages="")
        self._progress.start()

    def at(self, page: PageRead) -> None:
        pages_done, pages_expected = page.pages
        self._progress.update(
            self._task,
            completed=page.done,
            total=page.expected,
            counts=f"{page.done:,} of {page.expected:,} {self._what}",
            pages=f"{pages_done:,} of {pages_expected:,} pages",
        )

    def print_above(self, text: str) -> None:
        self._progress.console.print(Text(text.removesuffix("\n")))

    def close(self) -> None:
        self._progress.stop()
