"""A JSON schema as lines of a tree: what each member is called, what it may be, and what is said of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from astalty_cli.openapi import Json
from astalty_cli.openapi.schemas import Member, has_members, members, only, types
from astalty_cli.openapi.words import choices, described, kind, limits

MAX_LINES: Final = 400
WHOLE: Final = "(all of it)"
_MAX_DEPTH = 12


@dataclass(frozen=True)
class Line:
    """A member, `depth` levels below those of the schema; WHOLE is the schema itself."""

    depth: int
    name: str
    kind: str
    said: str
    required: bool = False


def tree(schema: Json) -> list[Line]:
    """The lines, the first MAX_LINES of them; one more, named `…`, if there are others."""
    lines = list(islice(_lines(schema), MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        lines[-1] = Line(0, "…", "", "There is more: --json has it.")
    return lines


def line(member: Member, depth: int = 0) -> Line:
    """One line for a schema by itself, as that of a parameter."""
    said, values = described(member.schema), choices(member.schema)
    one_of = [f"One of {', '.join(values)}"] if values else []
    limited = ". ".join([*one_of, *limits(member.schema)])
    if said and limited:
        said = said.removesuffix(".") + ". "
    return Line(depth, member.name, kind(member.schema), said + limited, member.required)


def _lines(schema: Json) -> Iterator[Line]:
    if types(only(schema))[:1] == ["array"] or not has_members(schema):
        yield line(Member(WHOLE, schema))
    yield from _below(schema, 0)


def _below(schema: Json, depth: int) -> Iterator[Line]:
    for member in members(schema):
        if depth >= _MAX_DEPTH:
            yield Line(depth, "…", "", "It goes deeper: --json has it.")
            return
        yield line(member, depth)
        yield from _below(member.schema, depth + 1)
