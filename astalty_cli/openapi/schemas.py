"""What a JSON schema is made of: its types, the members of its objects, the choices it leaves."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from astalty_cli.openapi import Json, listing, mapping, schema_of, text

_CHOICES = ("oneOf", "anyOf")
_FOLDED = 8  # levels of allOf within allOf
_ARRAYS = 12  # arrays within arrays


class Member(NamedTuple):
    """What has a name and a schema: a property, or a parameter."""

    name: str
    schema: Json
    required: bool = False


def of_parameter(parameter: Json) -> Member:
    """What is said of the parameter beats what its schema says of itself."""
    mark = "Deprecated. " if parameter.get("deprecated") is True else ""
    said = mark + text(parameter.get("description"))
    described = {"description": said} if said else {}
    return Member(parameter["name"], schema_of(parameter) | described, parameter.get("required") is True)


def members(schema: Json) -> Iterator[Member]:
    """What an object has, or each element of an array; if one of several schemas holds, these."""
    inner = _inside(schema)
    required = required_names(inner)
    for name, member in mapping(inner.get("properties")).items():
        yield Member(name, mapping(member), name in required)
    if others := mapping(inner.get("additionalProperties")):
        yield Member("(any other)", others)
    choice = beside_null(inner)
    if len(choice) > 1 and any(map(has_members, choice)):
        yield from (Member(f"(option {number})", each) for number, each in enumerate(choice, 1))


def has_members(schema: Json) -> bool:
    """Whether it has some of its own, those of its options aside."""
    inner = _inside(schema)
    return any(mapping(inner.get(word)) for word in ("properties", "additionalProperties"))


def required_names(schema: Json) -> set[str]:
    return {name for name in listing(schema.get("required")) if isinstance(name, str)}


def types(schema: Json) -> list[str]:
    """The names of the types that a value may have, `null` last, also where only its members tell."""
    said = schema.get("type")
    names = [name for name in (said if isinstance(said, list) else [said]) if isinstance(name, str)]
    if not names and "properties" in schema:
        names = ["object"]
    if not names and "items" in schema:
        names = ["array"]
    if schema.get("nullable") is True:
        names.append("null")
    return sorted(dict.fromkeys(names), key=lambda name: name == "null")


def is_null(schema: Json) -> bool:
    return types(schema) == ["null"]


def options(schema: Json) -> list[Json]:
    """The schemas of which one holds (oneOf, anyOf); empty if there is no choice."""
    return [mapping(each) for word in _CHOICES for each in listing(schema.get(word))]


def beside_null(schema: Json) -> list[Json]:
    """The options but for that of no value."""
    return [each for each in options(schema) if not is_null(each)]


def only(schema: Json) -> Json:
    """The schema, with the one that its choice leaves beside null put in place."""
    schema = folded(schema)
    choice = beside_null(schema)
    if len(choice) != 1:
        return schema
    return folded({"allOf": [choice[0], _without(schema, *_CHOICES)]})


def first_choice(schema: Json) -> Json:
    """The schema, with the first that each of its choices leaves beside null put in place."""
    schema = folded(schema)
    while word := next((word for word in _CHOICES if listing(schema.get(word))), None):
        choice = list(map(mapping, schema[word]))
        first = next((each for each in choice if not is_null(each)), choice[0])
        schema = folded({"allOf": [first, _without(schema, word)]})
    return schema


def folded(schema: Json, levels: int = _FOLDED) -> Json:
    """The schema with what its allOf say: properties, names, choices of all; else its own word is last."""
    parts = [folded(mapping(each), levels - 1) for each in listing(schema.get("allOf"))] if levels else []
    if not parts:
        return schema
    whole: Json = {}
    for part in [*parts, _without(schema, "allOf")]:
        whole |= part | dict(_both(whole, part))
    return whole


def _both(one: Json, other: Json) -> Iterator[tuple[str, Any]]:
    """Of two schemas that hold together, the words that neither has the last of."""
    properties = dict(mapping(one.get("properties")))
    for name, each in mapping(other.get("properties")).items():
        properties[name] = {"allOf": [properties[name], each]} if name in properties else each
    if properties:
        yield "properties", properties
    if required := [*listing(one.get("required")), *listing(other.get("required"))]:
        yield "required", required
    for word in _CHOICES:
        if (choice := listing(one.get(word))) and (others := listing(other.get(word))):
            yield word, [{"allOf": [each, {word: choice}]} for each in others]


def _without(schema: Json, *words: str) -> Json:
    return {name: value for name, value in schema.items() if name not in words}


def _inside(schema: Json) -> Json:
    """The schema itself, or that of what is in the array, however many arrays there are around it."""
    inner = only(schema)
    for _ in range(_ARRAYS):
        if types(inner)[:1] != ["array"]:
            break
        inner = only(mapping(inner.get("items")))
    return inner
