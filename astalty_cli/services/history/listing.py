"""The request history as a list: as many entries as were asked for, in the order that was asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from astalty_cli.api.answers import Page, Row, walk
from astalty_cli.api.client import Client
from astalty_cli.api.contract import MAX_PAGE_SIZE
from astalty_cli.api.models import ApiRequest
from astalty_cli.base.events import OnEvent, PageRead, ignore
from astalty_cli.services.history.reading import (
    HistoryQuery,
    PageWalker,
    ReadBoundary,
    Upwards,
    after,
    downwards,
)


def oldest(client: Client) -> datetime | None:
    """When the oldest entry was made that the service still has; None if it has none."""
    rows = client.list_requests(1, 1, filters={}, sort="created_at").rows
    return rows[0].value.created_at if rows else None


@dataclass
class HistoryReader:
    """Reads at most `limit` entries; for None all of them, exactly (see `reading.py`).

    `settled`: late entries are not waited for. `total` is how many there were at the first page. Sorted
    by anything but time, the ids of a whole read are kept.
    """

    client: Client
    filters: Mapping[str, str | None]
    sort: str | None
    limit: int | None
    settled: bool = False
    on_event: OnEvent = ignore
    total: int = 0
    shown: int = 0

    def entries(self) -> Iterator[Row[ApiRequest]]:
        for page in self._pages():
            self.total = self.total or page.meta.total
            if page.rows:
                self.on_event(PageRead(self.shown, self._expected, MAX_PAGE_SIZE))
            for row in page.rows:
                self.shown += 1
                yield row
                if self.shown == self.limit:
                    return

    def _pages(self) -> Iterator[Page[ApiRequest]]:
        most = self.limit or MAX_PAGE_SIZE
        query = HistoryQuery(self.client, self.filters, paced=not self._fits_a_page, most=most)
        if self.sort in {None, "-created_at"}:
            return downwards(query, settled=self.settled or self.limit is not None)
        if self.sort == "created_at":
            return self._upwards(query)
        return self._by_number(query, str(self.sort))

    @property
    def _expected(self) -> int:
        return self.total if self.limit is None else min(self.total, self.limit)

    @property
    def _fits_a_page(self) -> bool:
        return self.limit is not None and self.limit <= MAX_PAGE_SIZE

    def _upwards(self, query: HistoryQuery) -> Iterator[Page[ApiRequest]]:
        if self._fits_a_page:
            yield from PageWalker(query, {}, downwards=False).pages()
            return
        reading = Upwards(query, settled=self.limit is not None)
        if reading.set_boundary():
            yield from reading.pages()

    def _by_number(self, query: HistoryQuery, sort: str) -> Iterator[Page[ApiRequest]]:
        bounds = {}
        boundary = None if self._fits_a_page else ReadBoundary.of(query.page(1, {}, "-created_at", size=1))
        if boundary:
            boundary.wait_for_late_entries(self.client)
            bounds["created_to"] = query.until(after(boundary.time))
        seen: set[str] = set()
        for page in walk(lambda number: query.page(number, bounds, sort)):
            yield Page([row for row in page.rows if row.value.id not in seen], page.meta)
            seen |= {row.value.id for row in page.rows}
