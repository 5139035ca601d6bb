"""A JSON schema as lines of a tree: what each member is called, what it may be, and what is said of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from astalty_cli.openapi import (
    UNRESOLVED,
    Json,
    folded,
    is_null,
    listing,
    mapping,
    options,
    required_names,
    text,
    types,
)

MAX_LINES: Final = 400
WHOLE: Final = "(all of it)"
_MAX_DEPTH = 12
_MAX_WORDS = 24  # values of an enum that are shown
_LONGEST = 60  # characters of one of them


@dataclass(frozen=True)
class Line:
    """A member, `depth` levels below those of the schema; WHOLE is the schema itself."""

    depth: int
    name: str
    kind: str
    said: str
    required: bool = False


def tree(schema: Json) -> list[Line]:
    """The lines, the first MAX_LINES of them; one more, named `…`, where there are others."""
    lines = list(islice(_lines(schema), MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        lines[-1] = Line(0, "…", "", "There is more: --json has it.")
    return lines


def line(name: str, schema: Json, *, required: bool, said: str = "") -> Line:
    """One line for a schema by itself, as that of a parameter; `said` beats the schema's own description."""
    schema = folded(schema)
    described = (said or text(schema.get("description")) or text(_only(schema).get("description"))).strip()
    limits = ". ".join(_limits(schema))
    if described and limits:
        described = described.removesuffix(".") + ". "
    return Line(0, name, _kind(schema), described + limits, required)


def _lines(schema: Json) -> Iterator[Line]:
    whole = _only(schema)
    if types(whole)[:1] == ["array"] or not _has_members(whole):
        yield line(WHOLE, schema, required=False)
    yield from _members(whole, 0)


def _members(schema: Json, depth: int) -> Iterator[Line]:
    if depth >= _MAX_DEPTH:
        yield Line(depth, "…", "", "It goes deeper: --json has it.")
        return
    schema = _element(schema)
    required = required_names(schema)
    for name, member in mapping(schema.get("properties")).items():
        yield from _below(name, mapping(member), depth, required=name in required)
    if others := mapping(schema.get("additionalProperties")):
        yield from _below("(any other)", others, depth)
    choice = _choice(schema)
    if len(choice) > 1 and any(_has_members(each) for each in choice):
        for number, each in enumerate(choice, 1):
            yield from _below(f"(option {number})", each, depth)


def _below(name: str, schema: Json, depth: int, *, required: bool = False) -> Iterator[Line]:
    yield replace(line(name, schema, required=required), depth=depth)
    yield from _members(_only(schema), depth + 1)


def _element(schema: Json) -> Json:
    """What is inside an array, however many arrays there are around it."""
    for _ in range(_MAX_DEPTH):
        if types(schema)[:1] != ["array"]:
            break
        schema = _only(mapping(schema.get("items")))
    return schema


def _only(schema: Json) -> Json:
    """The schema, with the one that its choice leaves beside null put in place."""
    schema = folded(schema)
    choice = _choice(schema)
    if len(choice) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name not in {"oneOf", "anyOf"}}
    return folded(choice[0]) | rest


def _choice(schema: Json) -> list[Json]:
    return [each for each in options(schema) if not is_null(each)]


def _has_members(schema: Json) -> bool:
    inner = _element(_only(schema))
    return any(mapping(inner.get(word)) for word in ("properties", "additionalProperties"))


def _kind(schema: Json, levels: int = 3) -> str:
    """Such as `string (uuid) or null`, or `array of object`."""
    null = any(is_null(each) for each in options(schema))
    schema = _only(schema)
    if UNRESOLVED in schema:
        return text(schema.get("$ref")).rpartition("/")[2] or "…"
    names = [_named(name, schema, levels) for name in types(schema)]
    if not names and levels:
        names = list(dict.fromkeys(_kind(each, levels - 1) for each in _choice(schema)[:6]))
    if not names and (enum := listing(schema.get("enum"))):
        names = list(dict.fromkeys(_TYPE_NAMES.get(type(each), "any") for each in enum))
    if null and "null" not in names:
        names.append("null")
    return " or ".join(names) or "any"


_TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def _named(name: str, schema: Json, levels: int) -> str:
    if name == "array" and levels and "items" in schema:
        return f"array of {_kind(mapping(schema['items']), levels - 1)}"
    form = text(schema.get("format"))
    return f"{name} ({form})" if form and name != "null" else name


def _limits(schema: Json) -> Iterator[str]:
    """What else a value has to be, a short sentence each."""
    null_aside = _only(schema)
    if UNRESOLVED in null_aside:
        yield text(null_aside.get(UNRESOLVED))
    if enum := listing(null_aside.get("enum")) or listing(mapping(null_aside.get("items")).get("enum")):
        more = ", …" if len(enum) > _MAX_WORDS else ""
        yield "One of " + ", ".join(map(_word, enum[:_MAX_WORDS])) + more
    if "const" in null_aside:
        yield f"Always {_word(null_aside['const'])}"
    for unit, words in _UNITS.items():
        yield from _range(null_aside, words, unit)
    if pattern := text(null_aside.get("pattern")):
        yield f"As {pattern[:_LONGEST]}"
    if null_aside.get("default") not in (None, "", [], {}):
        yield f"Default {_word(null_aside['default'])}"
    yield from (said for word, said in _MARKS.items() if null_aside.get(word) is True)


_UNITS = {
    "": ("minimum", "maximum"),
    " characters": ("minLength", "maxLength"),
    " items": ("minItems", "maxItems"),
}
_MARKS = {"readOnly": "Read only", "writeOnly": "Write only", "deprecated": "Deprecated"}


def _range(schema: Json, words: tuple[str, str], unit: str) -> Iterator[str]:
    least, most = (_number(schema.get(word)) for word in words)
    if not unit:  # 3.0 says with a flag beside it, and 3.1 with a number of its own, that the end is not in
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if above is True or _number(above):
            yield f"Above {least if above is True else _number(above)}"
            least = ""
        if below is True or _number(below):
            yield f"Below {most if below is True else _number(below)}"
            most = ""
    if least and most:
        yield f"{least}{unit}" if least == most else f"{least} to {most}{unit}"
    elif least and not (unit and least == "0"):
        yield f"{least} or more{unit}"
    elif most:
        yield f"Up to {most}{unit}"


def _number(value: object) -> str:
    return _word(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def _word(value: Any) -> str:
    word = value if isinstance(value, str) else json.dumps(value)
    return word if len(word) <= _LONGEST else word[:_LONGEST] + "…"
