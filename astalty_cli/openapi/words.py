"""A JSON schema in words: what kind of value it asks for, and what else the value has to be."""

import json
from collections.abc import Iterator
from typing import Any

from astalty_cli.openapi import Json, listing, mapping, text
from astalty_cli.openapi.references import UNRESOLVED
from astalty_cli.openapi.schemas import beside_null, folded, is_null, only, options, types

_MAX_CHOICES = 24  # values of an enum that are shown
_LONGEST = 60  # characters of one of them
_MAX_INT32 = 2_147_483_647  # the machine's limit, of which nobody needs to be told


def described(schema: Json) -> str:
    """What the schema says of itself, or that of the one option that it has beside null."""
    return text(only(schema).get("description")).strip()


def kind(schema: Json, levels: int = 3) -> str:
    """Such as `string (uuid) or null`, or `array of object`."""
    null = any(map(is_null, options(folded(schema))))
    schema = only(schema)
    if UNRESOLVED in schema:
        return text(schema.get("$ref")).rpartition("/")[2] or "…"
    names = [_named(name, schema, levels) for name in types(schema)]
    if not names and levels:
        names = list(dict.fromkeys(kind(each, levels - 1) for each in beside_null(schema)[:6]))
    if not names and (enum := listing(schema.get("enum"))):
        names = list(dict.fromkeys(_TYPE_NAMES.get(type(each), "any") for each in enum))
    if null and "null" not in names:
        names.append("null")
    return " or ".join(names) or "any"


def choices(schema: Json) -> list[str]:
    """The values that there are to choose from, for the schema or for each element of its array."""
    schema = only(schema)
    enum = listing(schema.get("enum")) or listing(mapping(schema.get("items")).get("enum"))
    more = ["…"] if len(enum) > _MAX_CHOICES else []
    return [*map(_word, enum[:_MAX_CHOICES]), *more]


_TYPE_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def _named(name: str, schema: Json, levels: int) -> str:
    if name == "array" and levels and "items" in schema:
        return f"array of {kind(mapping(schema['items']), levels - 1)}"
    if name == "object" and (title := text(schema.get("title"))):
        return title[:_LONGEST]
    form = text(schema.get("format"))
    return f"{name} ({form})" if form and name != "null" else name


def limits(schema: Json) -> Iterator[str]:
    """What else a value has to be, a short sentence each."""
    null_aside = only(schema)
    if UNRESOLVED in null_aside:
        yield text(null_aside.get(UNRESOLVED))
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
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _word(value) if is_number and value != _MAX_INT32 else ""


def _word(value: Any) -> str:
    word = value if isinstance(value, str) else json.dumps(value)
    return word if len(word) <= _LONGEST else word[:_LONGEST] + "…"
