"""What an OpenAPI document refers to, put in the place of the reference: within bounds, whoever wrote it.

What is left alone says why under `x-unresolved`: a schema that contains itself, what is not in the
document (nothing is ever fetched), and what is beyond the bounds.
"""

from typing import Any, Final
from urllib.parse import unquote

from astalty_cli.openapi import Json

UNRESOLVED: Final = "x-unresolved"
MAX_SIZE: Final = 400_000  # characters of what comes of one resolving, about
MAX_DEPTH: Final = 48  # levels of JSON
_MAX_CHAIN = 8  # references that lead to nothing but the next one
_MARK = 40  # characters of the reason why one is left alone, about
_LONGEST = 200  # characters of a reference that is shown

_NOT_THERE = object()


class References:
    """Resolves what is in one document. The bounds are for all that one of these resolves."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._left = MAX_SIZE

    def resolved(self, value: object) -> Any:
        return self._resolved(value, 0, frozenset())

    def _resolved(self, value: object, depth: int, above: frozenset[str]) -> Any:
        if isinstance(value, str):
            shown = value if len(value) <= self._left else value[: max(self._left, 0)] + "…"
            self._left -= len(value)
            return shown
        self._left -= 4
        if not isinstance(value, dict | list):
            return value
        if depth >= MAX_DEPTH:
            return {UNRESOLVED: "nested too deeply"}
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                return self._in_place_of(reference, value, depth, above)
            return self._members(value, depth, above)
        elements = []
        for element in value:
            if self._left <= 0:
                elements.append({UNRESOLVED: "too large"})
                break
            elements.append(self._resolved(element, depth + 1, above))
        return elements

    def _members(self, value: Json, depth: int, above: frozenset[str]) -> Json:
        members: Json = {}
        for name, member in value.items():
            self._left -= len(name)
            if self._left <= 0:
                return members | {UNRESOLVED: "too large"}
            members[name] = self._resolved(member, depth + 1, above)
        return members

    def _in_place_of(self, reference: str, value: Json, depth: int, above: frozenset[str]) -> Any:
        self._left -= len(reference) + _MARK
        if reference in above:
            return _left_alone(reference, "contains itself")
        if not reference.startswith("#"):
            return _left_alone(reference, "outside of this document, and not fetched")
        target = _at(self._document, reference)
        if target is _NOT_THERE:
            return _left_alone(reference, "not in the document")
        found = self._resolved(target, depth + 1, above | {reference})
        beside = {name: each for name, each in value.items() if name != "$ref"}
        if not isinstance(found, dict) or not beside:
            return found
        return found | self._members(beside, depth, above)


def resolved_here(document: Json, value: object) -> Any:
    """The value itself, or what its reference leads to; references within that are left alone."""
    for _ in range(_MAX_CHAIN):
        reference = value.get("$ref") if isinstance(value, dict) else None
        if not isinstance(reference, str):
            return value
        value = _at(document, reference) if reference.startswith("#") else None
    return None


def _left_alone(reference: str, why: str) -> Json:
    return {"$ref": reference[:_LONGEST], UNRESOLVED: why}


def _at(document: Json, reference: str) -> Any:
    """What a JSON pointer in a fragment leads to (RFC 6901), or `_NOT_THERE`."""
    place: Any = document
    before, *parts = unquote(reference[1:]).split("/")
    if before:  # the name of an $anchor
        return _NOT_THERE
    for part in parts:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(name, _NOT_THERE)
        elif (
            isinstance(place, list)
            and name.isascii()
            and name.isdigit()
            and len(name) < len(str(len(place))) + 1
        ):
            place = place[int(name)] if int(name) < len(place) else _NOT_THERE
        else:
            return _NOT_THERE
    return place
