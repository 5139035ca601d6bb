"""An example of a request or an answer: the document's own, else one that is made from the schema."""

from typing import Any

from astalty_cli.openapi import Json, listing, mapping, schema_of
from astalty_cli.openapi.schemas import first_choice, required_names, types

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
        return [of_schema(mapping(schema.get("items")), sent=sent)]
    if kind == "string":
        return _TEXTS.get(str(schema.get("format")), "text")
    return {"integer": _number(schema, 1), "number": _number(schema, 1.5), "boolean": True}.get(kind)


def required_part(schema: Json, whole: Any) -> Any:
    """Of an example, the members that have to be sent; where none has to be, the first."""
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
    properties = mapping(schema.get("properties")).items()
    return {
        name: of_schema(mapping(each), sent=sent)
        for name, each in properties
        if mapping(each).get(never) is not True
    }


def _number(schema: Json, usual: float) -> float:
    least, most = schema.get("minimum"), schema.get("maximum")
    if isinstance(least, int | float) and least > usual:
        return least
    return most if isinstance(most, int | float) and most < usual else usual
