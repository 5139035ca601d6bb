"""One call of the endpoint catalogue for people, with its schemas."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from astalty_cli.openapi import Json, body, good_response, mapping, parameters, schema_of, text
from astalty_cli.openapi.schemas import of_parameter
from astalty_cli.output.human import json_text, render
from astalty_cli.output.human_catalogue import METHOD_STYLES
from astalty_cli.output.safe import visible, visible_lines
from astalty_cli.output.schema_tree import Line, line, tree
from astalty_cli.output.streams import Streams

_MAX_PROSE = 4_000  # characters of a description that are laid out
_INDENT = 2


def operation(row: bytes, streams: Streams) -> str:
    """All of one call: what it is for, what it takes and answers, examples, and lines to run."""
    call: Json = msgspec.json.decode(row)
    spec = mapping(call["operation"])
    parts = [*_title(call), *_parameters(spec), *_request(spec, call), *_response(spec, call)]
    return render(Group(*parts), streams).rstrip("\n") + "\n" + _lines_to_run(call, streams)


def _title(call: Json) -> Iterator[RenderableType]:
    method = Text(call["method"], style=f"bold {METHOD_STYLES.get(call['method'], '')}")
    yield method.append(" ").append(visible(call["path"]), "bold default")
    if call["summary"]:
        yield _prose(call["summary"])
    if call["deprecated"]:
        yield Text("Deprecated: it may go away.", style="yellow")
    if call["description"] and call["description"] != call["summary"]:
        yield from (Text(), _prose(call["description"]))


def _parameters(spec: Json) -> Iterator[RenderableType]:
    given = parameters(spec)
    if given:
        yield from _heading("Parameters")
        lines = [line(of_parameter(each)) for each in given]
        yield _grid(lines, [text(each.get("in")) for each in given])


def _request(spec: Json, call: Json) -> Iterator[RenderableType]:
    request = mapping(spec.get("requestBody"))
    content = body(request)
    if content:
        needed = ", required" if request.get("required") is True else ""
        yield from _heading("Request body", f"{content[0]}{needed}")
        yield from _content(text(request.get("description")), content[1], call["request_example"], needs=True)


def _response(spec: Json, call: Json) -> Iterator[RenderableType]:
    good = good_response(spec)
    if good:
        content = body(good[1])
        yield from _heading(f"Answer {good[0]}", content[0] if content else "no body")
        example = call["response_example"]
        yield from _content(
            text(good[1].get("description")), content[1] if content else {}, example, needs=False
        )
    others = {
        status: mapping(each)
        for status, each in mapping(spec.get("responses")).items()
        if not good or status != good[0]
    }
    if others:
        yield from _heading("Other answers")
        lines = [Line(0, status, "", text(each.get("description"))) for status, each in others.items()]
        yield _grid(lines)


def _content(description: str, media: Json, example: Any, *, needs: bool) -> Iterator[RenderableType]:
    if description:
        yield _indented(_prose(description))
    if schema_of(media):
        yield _grid(tree(schema_of(media)), needs=needs)
    if example is not None:
        yield from (Text(), _indented(Text("Example", style="dim")))
        yield _indented(json_text(msgspec.json.encode(example)))


def _grid(lines: list[Line], places: Sequence[str] = (), *, needs: bool = True) -> RenderableType:
    """A line for each member. `places` is where parameters stand; `needs`: what has to be there is marked."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    for number, each in enumerate(lines):
        name = Text(" " * _INDENT * each.depth + visible(each.name), style="cyan")
        place = [Text(visible(places[number]), style="dim")] if places else []
        kind = Text(visible(each.kind))
        if needs and each.required:
            kind.append(", ").append("required", "bold")
        grid.add_row(name, *place, kind, _prose(each.said))
    return _indented(grid)


def _prose(said: str) -> Text:
    more = "…" if len(said) > _MAX_PROSE else ""
    return Text(visible_lines(said[:_MAX_PROSE].strip()) + more)


def _heading(title: str, beside: str = "") -> Iterator[RenderableType]:
    yield Text()
    yield Text(visible(title), style="bold").append(f"  {visible(beside)}" if beside else "", "not bold dim")


def _indented(what: RenderableType) -> RenderableType:
    return Padding(what, (0, 0, 0, _INDENT))


def _lines_to_run(call: Json, streams: Streams) -> str:
    """On lines that nothing folds: they are copied."""
    given = [call[name] for name in ("astalty", "curl") if call[name]]
    if not given:
        return ""
    heading = render(Group(*_heading("To run")), streams)
    return heading + "\n".join(_unfolded(each) for each in given)


def _unfolded(command: str) -> str:
    return "".join(f"  {visible(line)}\n" for line in command.split("\n"))
