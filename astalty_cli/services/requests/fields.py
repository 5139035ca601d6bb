"""`-f` and `-F` of `astalty api`: fields as JSON with nested keys, or as a query string.

The spelling is that of `gh api`: `a[b]=c` is an object in `a`, `a[]=x` one more element of an array, and
`a[][b]=1 a[][c]=2` an array of one object with two members.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from astalty_cli.base.errors import UsageError

MAX_DEPTH: Final = 32  # names in a key
_ELEMENT: Final = ""  # the step of `[]`
_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_INT64: Final = range(-(2**63), 2**63)  # beyond it, as for gh, a number is a text
_WORDS: Final = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class FromFile:
    """A value that is still to be read: `@NAME`, or `@-` for stdin."""

    name: str


@dataclass(frozen=True)
class NoElements:
    """The value of `a[]` without a `=`: an array with nothing in it."""


Value = str | int | None | FromFile | NoElements


@dataclass(frozen=True)
class RequestField:
    key: str
    value: Value

    @property
    def file(self) -> str | None:
        """The name of the file that the value is to be read from."""
        return self.value.name if isinstance(self.value, FromFile) else None

    def holding(self, text: str) -> "RequestField":
        return replace(self, value=text)


def parse(text: str, *, typed: bool) -> RequestField:
    """Read `KEY=VALUE`. `typed` is for -F: true, false, null, integers and `@FILE` are more than text.

    An integer with a leading zero stays text, as a phone number must. Raises UsageError.
    """
    key, equals, value = text.partition("=")
    if not key or (not equals and not key.endswith("[]")):
        raise UsageError(f"{text!r} is not a field.", hint="Such as -f first_name=Jo, or -F 'tags[]=new'")
    if not equals:
        return RequestField(key, NoElements())
    return RequestField(key, _typed(value) if typed else value)


def _typed(value: str) -> Value:
    if value.startswith("@"):
        return FromFile(value[1:])
    if value in _WORDS:
        return _WORDS[value]
    return int(value) if _INTEGER.fullmatch(value) and int(value) in _INT64 else value


# -- as a query string ---------------------------------------------------------------------------


def pairs(fields: Iterable[RequestField]) -> list[tuple[str, str]]:
    """The fields as parameters, in their order. Raises UsageError for `a[]` without a value."""
    return [(field.key, _parameter(field)) for field in fields]


def _parameter(field: RequestField) -> str:
    if isinstance(field.value, NoElements):
        raise UsageError(f"{field.key!r} needs a value: it goes into the query string.")
    if isinstance(field.value, bool):
        return "true" if field.value else "false"
    return "" if field.value is None else str(field.value)


# -- as JSON -------------------------------------------------------------------------------------


def nested(fields: Iterable[RequestField]) -> dict[str, Any]:
    """The fields as an object. Raises UsageError for a key that is not one, or that contradicts another."""
    body: dict[str, Any] = {}
    for field in fields:
        _put(body, steps(field.key), field)
    return body


def steps(key: str) -> list[str]:
    """The names in a key, from the outside in; the empty one is an array's element."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise UsageError(f"{key!r} is not a key.", hint="Brackets come in pairs, after a name: a[b]=1, a[]=x")
    names = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
    if len(names) > MAX_DEPTH:
        raise UsageError(f"A key is nested {len(names)} deep; {MAX_DEPTH} is the most.")
    if "[][]" in key:
        raise UsageError(f"{key!r}: an array in an array has no spelling.", hint="Send it with --input FILE.")
    return names


def _put(body: dict[str, Any], path: Sequence[str], field: RequestField) -> None:
    place: Any = body
    for position, (step, following) in enumerate(itertools.pairwise(path)):
        kind = list if following == _ELEMENT else dict
        if isinstance(place, dict):
            place = place.setdefault(step, kind())
        else:
            if not place or not isinstance(place[-1], dict) or _is_there(place[-1], path[position + 1 :]):
                place.append({})
            place = place[-1]
        if not isinstance(place, kind):
            raise UsageError(f"{field.key!r} contradicts an earlier field.")
    if isinstance(place, list):
        place += [] if isinstance(field.value, NoElements) else [field.value]
    elif path[-1] in place:
        raise UsageError(f"{field.key!r} is given twice, or contradicts an earlier field.")
    else:
        place[path[-1]] = field.value


def _is_there(place: Any, path: Sequence[str]) -> bool:
    """Whether an object has a value at the path already: then the next one is of another object."""
    for step in path:
        if step == _ELEMENT or not isinstance(place, dict) or step not in place:
            return False
        place = place[step]
    return True
