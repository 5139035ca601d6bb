"""All keys of an account: a list that may shift while its pages are read, one after the other.

Newest first, keys are only ever added at the head, and leave by being revoked. So a key can slip from one
page to the page before only while the list grows shorter, which the totals of the pages show.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from astalty_cli.api.answers import Page, Row, walk
from astalty_cli.api.models import ApiKey
from astalty_cli.base.vocabulary import KeyStatus

NEWEST_FIRST: Final = "-created_at"
_TRIES: Final = 3
_WORKING: Final = frozenset({KeyStatus.ACTIVE, KeyStatus.EXPIRING})


def read_whole(fetch: Callable[[int], Page[ApiKey]], say: Callable[[str], None]) -> list[Row[ApiKey]]:
    """Every key that was there all the time; each once. Where that cannot be had, `say` hears of it."""
    rows: dict[str, Row[ApiKey]] = {}
    for _ in range(_TRIES):
        pages = list(walk(fetch))
        rows = {row.value.id: row for page in pages for row in page.rows}
        if len({page.meta.total for page in pages}) == 1 and len(rows) == sum(
            len(page.rows) for page in pages
        ):
            return list(rows.values())
    say("The list of keys changed while it was read, each time anew: some may be missing.")
    return list(rows.values())


def asked_for(status: str | None) -> str | None:
    """What to ask for instead of these: keys move between the two that work, and would slip through."""
    if status is None or not _WORKING & (wanted := set(status.split(","))):
        return status
    return ",".join(each for each in KeyStatus if each in wanted | _WORKING)


def chosen(rows: Iterable[Row[ApiKey]], status: str | None, sort: str | None) -> list[Row[ApiKey]]:
    """Those with one of these, in the order that the service would give them."""
    wanted = set(status.split(",")) if status else set(KeyStatus)
    found = [row for row in rows if row.value.status in wanted]
    if sort is None or sort == NEWEST_FIRST:
        return found
    terms = [(term.removeprefix("-"), term.startswith("-")) for term in sort.split(",")]
    for name, descending in reversed([*terms, ("id", terms[-1][1])]):
        found.sort(key=partial(_place, name), reverse=descending)
    return found


def _place(name: str, row: Row[ApiKey]) -> tuple[bool, Any]:
    value = getattr(row.value, name)
    return value is not None, value  # none at all comes before any
