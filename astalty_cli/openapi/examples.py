"""An example of a request or an answer: the document's own, else one that is made from the schema."""

import json
import math
from typing import Any, TypeGuard

from astalty_cli.openapi import Json, listing, mapping, schema_of, text
from astalty_cli.openapi.schemas import first_choice, folded, required_names, types

_LONGEST = 1_000  # characters of a text, and of the repeated elements of an array
_NUMBERS = {"integer": (1, 1), "number": (1.5, 0.5)}  # an example, and how far from an end one is within
_TEXTS = {
    "uuid": "9ee9dc30-c869-4fb5-9871-b32850e68cad",
    "date-time": "2026-11-23T05:33:52.000000Z",
    "date": "2026-11-23",
    "time": "05:33:52Z",
    "duration": "P1D",
    "email": "sam@example.com",
    "uri": "https://example.com",
    "url": "https://example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def example(holder: Json, *, sent: bool) -> Any:
    """An example of what has a schema: a content type of a request (`sent`) or of an answer, a parameter."""
    if "example" in holder:
        return holder["example"]
    for named in mapping(holder.get("examples")).values():
        if "value" in mapping(named):
            return named["value"]
    return of_schema(schema_of(holder), sent=sent)


def of_schema(schema: Json, *, sent: bool) -> Any:
    """The schema's own example, default or first allowed value; else a value of its type."""
    schema = first_choice(schema)
    own = [schema["example"]] if schema.get("example") is not None else listing(schema.get("examples"))
    usual = [schema[word] for word in ("const", "default") if schema.get(word) is not None]
    if given := [*own, *usual, *listing(schema.get("enum"))]:
        return _whole(given[0], schema, sent=sent)
    kind = (types(schema) or ["any"])[0]
    if kind == "object":
        return _object(schema, sent=sent)
    if kind == "array":
        return _array(of_schema(mapping(schema.get("items")), sent=sent), schema)
    if kind == "string":
        return _TEXTS.get(text(schema.get("format"))) or _text(schema)
    if kind in _NUMBERS:
        return _number(schema, *_NUMBERS[kind])
    return True if kind == "boolean" else None


def required_part(schema: Json, whole: Any) -> Any:
    """Of an example, the members that have to be sent; if none has to be, the first."""
    if not isinstance(whole, dict):
        return whole
    required = required_names(first_choice(schema))
    names = [name for name in whole if name in required] or list(whole)[:1]
    return {name: whole[name] for name in names}


def _whole(given: Any, schema: Json, *, sent: bool) -> Any:
    """The example with what else is required: that of one part of a schema may leave out another's."""
    if not isinstance(given, dict):
        return given
    missing = required_names(schema) - set(given)
    return given | {name: each for name, each in _object(schema, sent=sent).items() if name in missing}


def _object(schema: Json, *, sent: bool) -> Json:
    never = "readOnly" if sent else "writeOnly"
    properties = {name: folded(mapping(each)) for name, each in mapping(schema.get("properties")).items()}
    return {
        name: of_schema(each, sent=sent) for name, each in properties.items() if each.get(never) is not True
    }


def _array(element: Any, schema: Json) -> list[Any]:
    """As many as there have to be; of what is long one, since arrays in arrays multiply."""
    least = max(1, _size(schema, "minItems", 1))
    return [element] * (least if least * len(json.dumps(element)) <= _LONGEST else 1)


def _text(schema: Json) -> str:
    least, most = _size(schema, "minLength", 0), _size(schema, "maxLength", _LONGEST)
    return ("text" * _LONGEST)[: min(max(least, len("text")), most)]


def _size(schema: Json, word: str, usual: int) -> int:
    size = schema.get(word)
    return size if type(size) is int and 0 <= size <= _LONGEST else usual


def _number(schema: Json, usual: float, step: float) -> float:
    least = _end(schema, "minimum", "exclusiveMinimum", step, -math.inf)
    most = _end(schema, "maximum", "exclusiveMaximum", -step, math.inf)
    return min(max(usual, least), most)


def _end(schema: Json, word: str, exclusive: str, step: float, without: float) -> float:
    """The last number within; 3.0 says with a flag, and 3.1 with a number of its own, that the end is not."""
    end, beyond = schema.get(word), schema.get(exclusive)
    if _is_number(beyond):
        return beyond + step
    if _is_number(end):
        return end + step if beyond is True else end
    return without


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is one that a float can hold, so that more can be added."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 2**64
