"""Reading the request history: pages until there are as many entries as were asked for, each once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from astalty_cli.api.answers import Row, walk
from astalty_cli.api.client import Client
from astalty_cli.api.contract import MAX_PAGE_SIZE
from astalty_cli.api.models import ApiRequest


def oldest(client: Client) -> datetime | None:
    """When the oldest entry was made that the service still has; None where it has none."""
    rows = client.list_requests(1, 1, filters={}, sort="created_at").rows
    return rows[0].value.created_at if rows else None


@dataclass
class HistoryReader:
    """Reads at most `limit` entries (all of them for None). `total` is how many there were at the first page.

    The read itself is logged by the service, so a page that is asked for later starts with entries
    already seen; those are left out.
    """

    client: Client
    filters: Mapping[str, str | None]
    sort: str | None
    limit: int | None
    total: int = 0
    shown: int = 0
    _seen: set[str] = field(default_factory=set)

    def entries(self) -> Iterator[Row[ApiRequest]]:
        size = MAX_PAGE_SIZE if self.limit is None else min(self.limit, MAX_PAGE_SIZE)
        pages = walk(lambda n: self.client.list_requests(n, size, filters=self.filters, sort=self.sort))
        for index, page in enumerate(pages):
            if index == 0:  # later ones count the requests that this read itself makes
                self.total = page.meta.total
            for row in page.rows:
                if row.value.id in self._seen:
                    continue
                if self.limit is not None and self.shown >= self.limit:
                    return
                self._seen.add(row.value.id)
                self.shown += 1
                yield row
            if self.shown == self.limit:
                return
