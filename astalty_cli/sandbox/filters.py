"""The kinds of filter that lists offer: each knows its JSON Schema and its SQL."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from astalty_cli.base.times import iso
from astalty_cli.sandbox.problems import Problem, invalid

_MAX_VALUES = 100  # of a comma-separated list of words
_MAX_LENGTH = 2000  # characters of one filter
# Any text at all is a list of texts, so it is no use to promise more of one than its length.
_TEXTS: dict[str, object] = {"type": "string", "maxLength": _MAX_LENGTH}
_STATUS = re.compile(r"[1-5]([0-9]{2}|xx)")


@dataclass(frozen=True)
class Condition:
    """A piece of SQL with its values."""

    sql: str
    values: tuple[object, ...]


@dataclass(frozen=True)
class Bound(Condition):
    """One end of a range: from the value on, or up to it and without it."""

    column: str
    is_lower: bool


@dataclass(frozen=True)
class Filter:
    """One filter of a list: what it takes, for people and as JSON Schema, and what it means in SQL.

    `condition(name, value)` raises `Problem` (422) if the value cannot be.
    """

    description: str
    schema: dict[str, object]
    condition: Callable[[str, str], Condition]


def equals(column: str) -> Filter:
    """Any of the comma-separated values, exactly."""

    def condition(name: str, value: str) -> Condition:
        values = _texts(name, value)
        return Condition(f"{column} IN ({', '.join('?' * len(values))})", values)

    return Filter("Any of these, comma-separated.", _TEXTS, condition)


def contains(column: str) -> Filter:
    """A part of the text, in upper or lower case; any of the comma-separated ones."""

    def condition(name: str, value: str) -> Condition:
        values = _texts(name, value)
        return Condition(_any(f"instr(lower({column}), lower(?)) > 0" for _ in values), values)

    return Filter("A part of it; any of these, comma-separated.", _TEXTS, condition)


def choice(column: str, choices: Iterable[str]) -> Filter:
    """Any of the comma-separated words, all of them out of `choices`."""
    allowed = [str(word) for word in choices]

    def condition(name: str, value: str) -> Condition:
        values = _split(name, value)
        if not set(values) <= set(allowed):
            raise _selected_is_invalid(name)
        return Condition(f"{column} IN ({', '.join('?' * len(values))})", values)

    return Filter("Any of these, comma-separated.", _list_of({"enum": allowed}), condition)


def http_status(column: str) -> Filter:
    """`404`, `4xx`, or several of them, comma-separated."""

    def condition(name: str, value: str) -> Condition:
        values = _split(name, value)
        if not all(_STATUS.fullmatch(part) for part in values):
            raise _selected_is_invalid(name)
        bounds = [(int(part.replace("xx", "00")), int(part.replace("xx", "99"))) for part in values]
        sql = _any(f"{column} BETWEEN ? AND ?" for _ in bounds)
        return Condition(sql, tuple(bound for pair in bounds for bound in pair))

    schema = _list_of({"type": "string", "pattern": f"^{_STATUS.pattern}$"})
    return Filter(
        "A status (`404`) or a class of them (`4xx`); any of these, comma-separated.", schema, condition
    )


def path_prefix(column: str) -> Filter:
    """The beginning of a path; `*` stands for any run of characters."""

    def condition(name: str, value: str) -> Condition:
        _check_length(name, value)
        pattern = re.sub(r"[\[?]", r"[\g<0>]", value)  # GLOB's own signs, as themselves
        return Condition(f"{column} GLOB ?", (re.sub(r"\*+", "*", pattern + "*"),))

    return Filter("The beginning of the path; `*` matches any run of characters.", _TEXTS, condition)


def since(column: str) -> Filter:
    """At this moment or later."""
    return _moment(column, ">=", "This moment or later (ISO 8601 with its offset).")


def before(column: str) -> Filter:
    """Earlier than this moment."""
    return _moment(column, "<", "Earlier than this moment (ISO 8601 with its offset).")


def _moment(column: str, operator: str, description: str) -> Filter:
    def condition(name: str, value: str) -> Condition:
        field = f"filter.{name}"
        complaint = invalid(field, f"The {field} field must be a date in ISO 8601 with its offset.")
        try:
            moment = datetime.fromisoformat(value.upper())
            bound = iso(moment.astimezone(UTC))
        except (ValueError, OverflowError):
            raise complaint from None
        if moment.tzinfo is None:
            raise complaint
        return Bound(f"{column} {operator} ?", (bound,), column, is_lower=operator == ">=")

    return Filter(description, {"type": "string", "format": "date-time"}, condition)


def _texts(name: str, value: str) -> tuple[str, ...]:
    _check_length(name, value)
    return tuple(value.split(","))


def _split(name: str, value: str) -> tuple[str, ...]:
    values = _texts(name, value)
    if len(values) > _MAX_VALUES:
        raise invalid(
            f"filter.{name}", f"The filter.{name} field must not have more than {_MAX_VALUES} items."
        )
    return values


def _check_length(name: str, value: str) -> None:
    if len(value) > _MAX_LENGTH:
        field = f"filter.{name}"
        raise invalid(field, f"The {field} field must not be greater than {_MAX_LENGTH} characters.")


def _selected_is_invalid(name: str) -> Problem:
    return invalid(f"filter.{name}", f"The selected filter.{name} is invalid.")


def _list_of(items: dict[str, object]) -> dict[str, object]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": _MAX_VALUES}


def _any(terms: Iterable[str]) -> str:
    return " OR ".join(terms)
