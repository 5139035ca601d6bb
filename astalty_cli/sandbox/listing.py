"""What every list of the API understands: `page[…]`, `filter[…]`, `sort`, `include`.

A `Listing` says what one list allows; the server reads queries with it and the OpenAPI document is drawn
from it. As in the query builder that Laravel services use, an unknown filter, sort or include is a 400
that names it; a value that cannot be is a 422.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from astalty_cli.api.contract import DEFAULT_PAGE_SIZE, INCLUDE, MAX_PAGE_SIZE, PAGE_NUMBER, PAGE_SIZE, SORT
from astalty_cli.api.models import PageMeta
from astalty_cli.sandbox.filters import Condition, Filter
from astalty_cli.sandbox.problems import Problem, invalid

_FILTER = re.compile(r"filter\[(.*)\]", re.DOTALL)
MAX_PAGE_NUMBER = 2**31 - 1


@dataclass(frozen=True)
class Listing:
    """What one list allows. `sorts` names the column behind each sort."""

    filters: Mapping[str, Filter]
    sorts: Mapping[str, str]
    default_sort: str
    includes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Term:
    """A part of an order: a column, and which way."""

    column: str
    descending: bool

    def __str__(self) -> str:
        return f"{self.column} {'DESC' if self.descending else 'ASC'}"


@dataclass(frozen=True)
class Query:
    """What one call asked of a list."""

    conditions: tuple[Condition, ...]
    order: tuple[Term, ...]
    number: int
    size: int
    includes: frozenset[str]

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


def parse_query(text: str, listing: Listing) -> Query:
    """Read a query string. A parameter given twice: the last one counts, as in PHP.

    Raises `Problem`: 400 for an unknown filter, sort or include, 422 for a value that cannot be.
    """
    parameters = _parameters(text)
    filters = {match[1]: value for name, value in parameters.items() if (match := _FILTER.fullmatch(name))}
    _allow("filter", list(filters), list(listing.filters))
    return Query(
        conditions=tuple(listing.filters[name].condition(name, value) for name, value in filters.items()),
        order=_order(parameters.get(SORT, listing.default_sort), listing),
        number=_integer(parameters, PAGE_NUMBER, default=1, maximum=MAX_PAGE_NUMBER),
        size=_integer(parameters, PAGE_SIZE, default=DEFAULT_PAGE_SIZE, maximum=MAX_PAGE_SIZE),
        includes=parse_includes(text, listing.includes),
    )


def parse_includes(text: str, allowed: tuple[str, ...]) -> frozenset[str]:
    """Read `include` alone: for a single record. Raises `Problem` (400) for an unknown one."""
    value = _parameters(text).get(INCLUDE)
    names = [] if value is None else value.split(",")
    _allow("include", names, list(allowed))
    return frozenset(names)


def fetch_page(
    connection: sqlite3.Connection,
    source: str,
    parameters: Sequence[object],
    query: Query,
    listing: Listing,
) -> tuple[list[sqlite3.Row], PageMeta]:
    """Run the query against `source`, a SELECT with its own parameters."""
    condition = all_of(query.conditions)
    where, values = condition.sql, [*parameters, *condition.values]
    order = ", ".join(map(str, query.order))
    # what is formatted in comes from this package's own tables of filters and sorts, never from a call
    total = connection.execute(f"SELECT count(*) FROM ({source}) WHERE {where}", values).fetchone()[0]  # noqa: S608
    page = f"SELECT * FROM ({source}) WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608
    rows = connection.execute(page, [*values, query.size, query.offset]).fetchall()
    return rows, page_meta(query, total, listing)


def page_meta(query: Query, total: int, listing: Listing) -> PageMeta:
    return PageMeta(
        current_page=query.number,
        last_page=max(1, -(-total // query.size)),
        per_page=query.size,
        total=total,
        allowed_sorts=list(listing.sorts),
    )


def all_of(conditions: Sequence[Condition]) -> Condition:
    """One condition that all of these make; of none, it always holds."""
    sql = " AND ".join(f"({condition.sql})" for condition in conditions) or "TRUE"
    return Condition(sql, tuple(value for condition in conditions for value in condition.values))


def _parameters(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace"))


def _allow(what: str, names: list[str], allowed: list[str]) -> None:
    unknown = [name for name in names if name not in allowed]
    if unknown:
        raise Problem(
            400,
            f"Requested {what}(s) `{', '.join(unknown)}` are not allowed. "
            f"Allowed {what}(s) are `{', '.join(allowed)}`.",
        )


def _order(value: str, listing: Listing) -> tuple[Term, ...]:
    sorts = [(part.removeprefix("-"), part.startswith("-")) for part in value.split(",")]
    _allow("sort", [name for name, _ in sorts], list(listing.sorts))
    terms = [Term(listing.sorts[name], descending) for name, descending in sorts]
    return (*terms, Term("id", sorts[-1][1]))  # ties by id, in the same direction


def _integer(parameters: dict[str, str], name: str, *, default: int, maximum: int) -> int:
    text = parameters.get(name)
    if text is None:
        return default
    field = name.replace("[", ".").removesuffix("]")
    if not re.fullmatch(r"-?[0-9]{1,100}", text):
        raise invalid(field, f"The {field} field must be an integer.")
    number = int(text)
    if number < 1:
        raise invalid(field, f"The {field} field must be at least 1.")
    if number > maximum:
        raise invalid(field, f"The {field} field must not be greater than {maximum}.")
    return number
