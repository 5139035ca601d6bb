"""All pages of any list, one after the other: only the page at hand is in memory."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from msgspec import Raw

from astalty_cli.api import answers, contract
from astalty_cli.api.answers import Page
from astalty_cli.api.client import Client
from astalty_cli.base.errors import ServiceError, UsageError
from astalty_cli.base.events import OnEvent, PageRead
from astalty_cli.services.requests.request import Request, query_name, query_parts


def numbered(target: str) -> tuple[int, Callable[[int], str]]:
    """The number of the page that a target asks for, and the target of any other page of the same list.

    Pages are as large as they can be, if the target does not say. Raises UsageError.
    """
    given, number = query_parts(target), 1
    for part in given:
        if query_name(part) == contract.PAGE_NUMBER:
            value = unquote_plus(part.partition("=")[2])
            if not re.fullmatch(r"[1-9][0-9]{0,8}", value):
                raise UsageError(f"{contract.PAGE_NUMBER}={value} is not the number of a page.")
            number = int(value)
    rest = [part for part in given if query_name(part) != contract.PAGE_NUMBER]
    if not any(query_name(part) == contract.PAGE_SIZE for part in rest):
        rest.append(f"{contract.PAGE_SIZE}={contract.MAX_PAGE_SIZE}")
    path = target.partition("?")[0]
    return number, lambda page: f"{path}?{'&'.join([*rest, f'{contract.PAGE_NUMBER}={page}'])}"


def rows(client: Client, request: Request, on_event: OnEvent) -> Iterator[bytes]:
    """The rows from the page that is asked for to the last one, as the server spells them.

    A list may grow while it is read, to twice what its first page has announced; that it changed is said
    on stderr. Raises ServiceError if the pages do not add up to a list.
    """
    number, target = numbered(request.target)
    count, last, most = 0, number, 0
    before: Page[Raw] | None = None
    changed = False
    while number <= last:
        page = _page(client, request, target(number))
        last = page.meta.last_page
        if not page.rows and last >= max(number, 2):
            raise ServiceError(f"Page {number} is empty, and {last} is said to be the last one.")
        most = most or 2 * last
        _ensure_moves_on(page, number, most)
        count += len(page.rows)
        on_event(PageRead(count, max(count, page.meta.total), contract.MAX_PAGE_SIZE))
        yield from (row.raw for row in page.rows)
        changed = changed or (before is not None and _shifted(before, page))
        before, number = page, number + 1
    if changed:
        client.notice("The list changed while it was read: rows may be missing, or come twice.")


def _shifted(before: Page[Raw], page: Page[Raw]) -> bool:
    """Whether what comes after one page is not what came after it when it was read."""
    rows = {row.raw for row in before.rows}
    return page.meta.total != before.meta.total or any(row.raw in rows for row in page.rows)


def _page(client: Client, request: Request, target: str) -> Page[Raw]:
    answer = client.call("GET", target, headers=request.headers, paced=True)
    answers.raise_for_status(answer, request.path)
    try:
        return answers.page(answer, Raw)
    except ServiceError as error:
        error.hint = error.hint or "--paginate is for lists: leave it out to see the answer."
        raise


def _ensure_moves_on(page: Page[Raw], number: int, most: int) -> None:
    said = page.meta
    if page.rows and not number <= said.last_page <= most:
        raise ServiceError(f"Page {number} says that {said.last_page} is the last one, which cannot be.")
    if page.rows and said.current_page != number:
        raise ServiceError(f"Page {number} was asked for, and page {said.current_page} was answered.")
