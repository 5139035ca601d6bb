"""The one door to the user: data to stdout, talk to stderr, each in the form that was asked for."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from astalty_cli.base.errors import AstaltyError, InterruptedByUser, ServiceError, UsageError
from astalty_cli.base.hiding import hide
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.output import machine
from astalty_cli.output.columns import EXCHANGE, SIDES
from astalty_cli.output.fields import Field
from astalty_cli.output.picking import chosen, pick
from astalty_cli.output.safe import (
    WorkflowLog,
    visible,
    visible_lines,
)

if TYPE_CHECKING:
    from astalty_cli.output.query import Query
    from astalty_cli.output.streams import Streams
    from astalty_cli.output.style import Style


class Output:
    """Prints lists and things, talks, asks. It never decides and never exits.

    Raises UsageError on construction if the flags contradict each other, so that this is said
    before any call.
    """

    def __init__(self, streams: Streams, style: Style) -> None:
        self.streams = streams
        self.style = style
        self.format = style.format or ("table" if streams.stdout_is_terminal else "tsv")
        if style.fields is not None and style.query is not None:
            raise UsageError("--fields and --query exclude each other.", hint="Pick inside the query.")
        if style.query is not None and style.format in {"table", "csv"}:
            raise UsageError(f"--query does not go with -o {style.format}.", hint="Use -o json or none.")
        self._query = _query(style.query)
        self._held: list[str] = []
        self._logged, self._said = WorkflowLog(), WorkflowLog()
        self._print_above: Callable[[str], bool] | None = None

    # -- data ------------------------------------------------------------------------------------

    def columns(self, known: Sequence[Field], model: type[msgspec.Struct]) -> Sequence[Field]:
        """The columns to print. Raises UsageError for an unknown name; call it before any request."""
        if self._query:
            self._query.try_on(model)
        if self.style.fields is None:
            return known
        return chosen(self.style.fields, known, model)

    def rows(self, rows: Iterable[bytes], columns: Sequence[Field], *, none: str) -> None:
        """Print a list; `none` is what people read on stderr if it is empty."""
        if self._query or self.talks_json:
            self.array(self._narrowed(row, columns) for row in rows)
        elif self.format == "table":
            self._table(rows, columns, none)
        else:
            self._cells(rows, columns)

    def array(self, rows: Iterable[bytes]) -> None:
        """Print a list as JSON, in whatever format: one array, or a line for each with `-o jsonl`."""
        if self._query:
            found = list(rows)
            self._found(self._query, b"[" + b",".join(found) + b"]", len(found))
        elif self.format == "jsonl":
            for row in rows:
                self.write(machine.compact(row) + "\n")
        else:
            begun = False
            try:
                for piece in machine.array(rows, indent=self.streams.stdout_is_terminal):
                    self.write(piece)
                    begun = True
            except AstaltyError:
                if begun:  # what is said of it begins a line of its own, also where both go to one log
                    self.write("\n")
                raise

    def checks(self, rows: Iterable[bytes], columns: Sequence[Field]) -> None:
        """Print what `doctor` finds; for people as it is found, and whole, with what to do below it."""
        if not self.is_laid_out:
            self.rows(rows, columns, none="")
            return
        from astalty_cli.output import human

        for row in rows:
            self.write(human.check(row, self.streams))

    def row(self, row: bytes, columns: Sequence[Field], *, headed: bool) -> None:
        """Print one row of a list that does not end; a CSV has its heading before the first."""
        if self._query:
            self._found(self._query, row)
        elif self.format in {"json", "jsonl"}:
            self.write(machine.compact(self._narrowed(row, columns)) + "\n")
        else:
            self._cells([row], columns, headed=headed)

    def item(self, row: bytes, columns: Sequence[Field]) -> None:
        """Print one thing: its fields a line each, or one JSON object."""
        if self._query:
            self._found(self._query, row)
        elif self.format == "table":
            from astalty_cli.output import human

            self.page(human.details(row, columns, self.streams))
        elif self.format == "json":
            self.write(self.json_text(self._narrowed(row, columns)) + "\n")
        elif self.format == "jsonl":
            self.write(machine.compact(self._narrowed(row, columns)) + "\n")
        elif self.format == "csv":
            self._cells([row], columns)
        else:
            for field in columns:
                self.write(machine.tsv_line([field.path, machine.text(pick(row, field.path))]))

    def body(self, body: bytes) -> None:
        """Print the body of any answer: JSON in ASCII, other text as it is but for a terminal's sake."""
        if not body.strip():
            return
        try:
            msgspec.json.decode(body, type=msgspec.Raw)
        except JSON_DECODE_ERRORS:
            if self.result_wanted:
                raise ServiceError(
                    "The answer is not JSON.", hint="To see it, leave out --query and -o."
                ) from None
            text = body.decode("utf-8", "replace")
            is_seen = self.streams.stdout_is_terminal or self.streams.runs_workflow_commands
            self.write(visible_lines(text) if is_seen else text)
            return
        if self._query:
            self._found(self._query, body)
        elif self.format == "jsonl":
            self.write(machine.compact(body) + "\n")
        else:
            self.page(self.json_text(body) + "\n")

    def sides(self, row: bytes, names: Sequence[str]) -> None:
        """Print parts of a history entry: one alone as itself, both as an object."""
        if len(names) == 1:
            self.item(pick(row, names[0]), EXCHANGE)
        else:
            self.item(machine.narrowed(row, names), SIDES)

    @property
    def result_wanted(self) -> bool:
        """Whether a command that changes something should print what came of it: a flag asked for data."""
        style = self.style
        return any(flag is not None for flag in (style.format, style.fields, style.query))

    @property
    def is_laid_out(self) -> bool:
        """Whether people get the layout that a thing has of its own: no flag asked for data of it."""
        return self.format == "table" and self.style.fields is None and self.style.query is None

    def _narrowed(self, row: bytes, columns: Sequence[Field]) -> bytes:
        return row if self.style.fields is None else machine.narrowed(row, [field.path for field in columns])

    def json_text(self, raw: bytes) -> str:
        """JSON in ASCII: indented for people, on one line for machines."""
        return machine.indented(raw) if self.streams.stdout_is_terminal else machine.compact(raw)

    def _cells(self, rows: Iterable[bytes], columns: Sequence[Field], *, headed: bool = True) -> None:
        raw = self.style.csv_raw
        rows = iter(rows)
        first = next(rows, None)  # a request that fails must not leave a header behind
        if self.format == "csv" and headed:
            self.write(machine.csv_line((field.path for field in columns), raw=raw))
        for row in itertools.chain([] if first is None else [first], rows):
            cells = [machine.text(pick(row, field.path)) for field in columns]
            self.write(machine.csv_line(cells, raw=raw) if self.format == "csv" else machine.tsv_line(cells))

    def _table(self, rows: Iterable[bytes], columns: Sequence[Field], none: str) -> None:
        from astalty_cli.output import human

        pieces = human.table(rows, columns, self.streams)
        first = next(pieces, None)
        if first is None:
            self.note(none)
        else:
            self.page(itertools.chain([first], pieces))

    def _found(self, query: Query, raw: bytes, rows: int = 1) -> None:
        found = query.search(raw, rows)
        if self.format in {"table", "tsv"}:
            for line in machine.found_lines(found):
                self.write(line)
        elif self.format == "jsonl":
            for item in found if isinstance(found, list) else [found]:
                self.write(machine.compact(json.dumps(item).encode()) + "\n")
        else:
            self.write(self.json_text(json.dumps(found).encode()) + "\n")

    def write(self, text: str) -> None:
        """Put text on stdout; what must not be there has gone through `safe.py` already."""
        if self.streams.runs_workflow_commands:
            text = self._logged.defused(text)
        self.streams.stdout.write(text)

    def lines(self, *lines: str) -> None:
        """Put lines for people on stdout, as long as they are."""
        self.write("".join(f"{visible(line)}\n" for line in lines))

    def page(self, text: str | Iterable[str]) -> None:
        """Print what may be long: through the pager, on a terminal that it does not fit.

        Pieces of a text are printed as they come, once they are more than a terminal holds.
        """
        pieces = iter([text] if isinstance(text, str) else text)
        start = ""
        for piece in pieces:
            start += piece
            if self.streams.overflows(start) or not self.streams.stdout_is_terminal:
                break
        rest = itertools.chain([start], pieces)
        if self.style.pager and self.streams.overflows(start):
            from astalty_cli.output.pager import through_pager

            if through_pager(rest, self.streams):
                return
        for piece in rest:
            self.write(piece)

    # -- talk ------------------------------------------------------------------------------------

    @property
    def talks_json(self) -> bool:
        return self.format in {"json", "jsonl"}

    def note(self, text: str) -> None:
        """Say something on stderr. In a JSON mode it waits for success: a failure speaks alone."""
        if self.style.quiet:
            return
        line = self.streams.folded(visible_lines(text)) + "\n"
        if self.talks_json:
            self._held.append(line)
        else:
            self.say(line)

    def warn(self, text: str) -> None:
        """Say on a terminal what has to be heard there at once, also in the quiet modes."""
        if self.streams.stderr.isatty() or not (self.style.quiet or self.talks_json):
            self.say(self.streams.folded(visible_lines(text)) + "\n")

    def say(self, line: str) -> None:
        line = hide(line)
        if self.streams.runs_workflow_commands:
            line = self._said.defused(line)
        if self._print_above and self._print_above(line):
            return
        with suppress(OSError):  # that nobody can be told does not undo what was done
            self.streams.stderr.write(line)
            self.streams.stderr.flush()

    @contextmanager
    def talking_above(self, print_above: Callable[[str], bool]) -> Iterator[None]:
        """Let `print_above` print what is said meanwhile, if it returns True: something is drawn in place."""
        self._print_above = print_above
        try:
            yield
        finally:
            self._print_above = None

    def mask_in_workflow_log(self, secret: str) -> None:
        """Tell a GitHub Actions runner to mask a secret, before it can be in the log.

        Raises OSError if the runner can't be asked to mask the secret: then it must not be printed.
        """
        self.streams.stderr.write(f"::add-mask::{secret}\n")
        self.streams.stderr.flush()

    def finish(self) -> None:
        """Let out what was held back, once the command has succeeded."""
        self.streams.stdout.flush()
        for line in self._held:
            self.say(line)
        self._held.clear()

    # -- questions -------------------------------------------------------------------------------

    def ensure_can_ask(self, question: str) -> None:
        """Raise UsageError, before any call, if a question is coming and there is no one to answer it."""
        if not (self.style.yes or self.streams.can_ask):
            raise UsageError(
                f"There is no terminal to ask on: {question}",
                hint="Use --yes to skip confirmation prompts.",
            )

    def ensure_confirmed(self, question: str) -> None:
        """Return if the user agrees, else raise InterruptedByUser. `--yes` agrees beforehand."""
        if not self.confirm(question):
            raise InterruptedByUser("Nothing was done.")

    def confirm(self, question: str) -> bool:
        """Ask. `--yes` agrees beforehand; Ctrl-C, or anything but a yes, is a no."""
        try:
            return self.style.yes or self.ask(question) is True
        except KeyboardInterrupt:
            return False

    def ask(self, question: str) -> bool | None:
        """Ask, and return a yes or a no that was typed; None if it was neither."""
        self.ensure_can_ask(question)
        typed = self.read_line(self.streams.folded(f"{visible_lines(question)} [y/N]") + " ")
        return {"y": True, "yes": True, "n": False, "no": False}.get(typed.lower())

    def read_line(self, prompt: str) -> str:
        """Prompt, and return what was typed; an empty text at the end of input."""
        self.say(prompt)
        typed = ""
        try:
            typed = self.streams.stdin.readline()
        finally:
            if not typed.endswith("\n"):  # Ctrl-C or Ctrl-D: what follows starts on a line of its own
                self.say("\n")
        return typed.strip()


def _query(expression: str | None) -> Query | None:
    if expression is None:
        return None
    from astalty_cli.output.query import Query

    return Query(expression)
