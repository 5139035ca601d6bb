"""Pages of the history are right at any depth, in any order, through any filter, while entries come in."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from astalty_cli.api.contract import API_REQUESTS, REQUEST_SORTS
from astalty_cli.base.times import iso
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.seed_entries import add_entries
from astalty_cli.sandbox.store import Store
from tests.contract.conftest import BASE_URL
from tests.support.serving import Clock

FILTERS = {
    "": "TRUE",
    "filter[status]=4xx,500": "(status BETWEEN 400 AND 499 OR status = 500)",
    "filter[method]=GET": "method = 'GET'",
    "filter[path]=/public/v1/participants*": "path GLOB '/public/v1/participants*'",
    "filter[path]=*/goals&filter[method]=GET": "path LIKE '%/goals' AND method = 'GET'",
    "filter[email]=marnie@wattle-and-wren.example": "user_email = 'marnie@wattle-and-wren.example'",
    "filter[ip_address]=192.0.2.199": "ip_address = '192.0.2.199'",
    "filter[method]=nothing": "FALSE",
    "filter[created_from]=2026-11-01T00:00:00Z&filter[created_to]=2026-11-09T00:00:00Z": (
        "created_at >= '2026-11-01' AND created_at < '2026-11-09'"
    ),
    "filter[created_to]=2026-11-09T00:00:00Z&filter[status]=2xx": (
        "created_at < '2026-11-09' AND status BETWEEN 200 AND 299"
    ),
    "filter[created_from]=2026-11-09T00:00:00Z&filter[created_to]=2026-11-01T00:00:00Z": "FALSE",
}
SORTS = {
    **{sort: f"{sort}, id" for sort in REQUEST_SORTS},
    **{f"-{sort}": f"{sort} DESC, id DESC" for sort in REQUEST_SORTS},
    "status,-created_at": "status, created_at DESC, id DESC",
    "-status,-created_at": "status DESC, created_at DESC, id DESC",
}


def pages(store: Store, text: str) -> Iterator[tuple[list[str], int]]:
    """Each page of a list, from the first one to the one after the last."""
    number, last = 1, 1
    while number <= last + 1:
        rows, meta = store.history.page(parse_query(f"{text}&page[size]=90&page[number]={number}", REQUESTS))
        yield [row.id for row in rows], meta.total
        number, last = number + 1, meta.last_page


def check(store: Store) -> None:
    for text, where in FILTERS.items():
        for sort, order in SORTS.items():
            with store.database.read() as connection:
                sql = f"SELECT id FROM api_requests WHERE {where} ORDER BY {order}"
                expected = [row["id"] for row in connection.execute(sql)]
            found = list(pages(store, f"{text}&sort={sort}"))
            assert [entry for page, _ in found for entry in page] == expected, (text, sort)
            assert {total for _, total in found} == {len(expected)}
            assert all(len(page) == 90 for page, _ in found[:-2])


def call(store: Store, times: int, path: str = "/public/v1/participants") -> None:
    transport = httpx.WSGITransport(app=create_app(store))
    with httpx.Client(transport=transport, base_url=BASE_URL) as client:
        for _ in range(times):
            client.get(path)


def test_every_page_of_every_list(store: Store) -> None:
    check(store)


@pytest.mark.parametrize(
    "moved", [timedelta(seconds=1), timedelta(), timedelta(days=-18), timedelta(days=-99)]
)
def test_new_and_late_entries_of_any_process_take_their_places(
    store: Store, clock: Clock, tmp_path: Path, moved: timedelta
) -> None:
    check(store)
    clock.now += moved
    call(store, 3)
    with closing(Store.open(tmp_path / "data" / "sandbox.db", clock=clock)) as other:
        call(other, 3, "/public/v1/participants/x/goals")
    check(store)


def test_more_than_a_few_new_entries(store: Store) -> None:
    queries = ["sort=created_at", "filter[status]=4xx", "sort=-duration_ms&filter[method]=GET"]
    for query in queries:
        store.history.page(parse_query(query, REQUESTS))
    add_entries(store, 6000, timedelta(days=30))
    for query in queries:
        fresh = Store(store.database, store.clock)
        assert list(pages(store, query)) == list(pages(fresh, query))


def test_dropped_entries_are_gone_from_every_list(store: Store, clock: Clock) -> None:
    check(store)
    for which in ("number <= 40", "status = 404", "number = (SELECT max(number) FROM api_requests)", "TRUE"):
        with store.database.write() as connection:
            connection.execute(f"DELETE FROM api_requests WHERE {which}")
        check(store)
        call(store, 1)
        check(store)


def test_many_lists_in_turn(store: Store) -> None:
    for _ in range(2):
        for status in range(200, 230):
            rows, meta = store.history.page(parse_query(f"filter[status]={status}", REQUESTS))
            assert {row.status for row in rows} <= {status}
            assert (meta.total > 0) == (status in {200, 201})


def test_a_walk_meets_its_own_calls(api: httpx.Client, clock: Clock) -> None:
    def page(number: int) -> dict[str, Any]:
        clock.move(seconds=1)
        parameters = {"page[number]": str(number), "page[size]": "100", "sort": "created_at"}
        return dict(api.get(API_REQUESTS, params=parameters).json())

    walked = [page(number) for number in range(1, 8)]
    assert [len(each["data"]) for each in walked] == [100] * 6 + [6]
    assert [each["meta"]["total"] for each in walked] == [600 + number for number in range(7)]
    assert all(row["path"].startswith(API_REQUESTS) for row in walked[-1]["data"])


def test_a_window_that_moves_each_time(store: Store, clock: Clock) -> None:
    total = 0
    for days in range(31):
        start, end = clock.now - timedelta(days=days + 1), clock.now - timedelta(days=days)
        text = f"filter[created_from]={iso(start)}&filter[created_to]={iso(end)}&page[size]=100"
        rows, meta = store.history.page(parse_query(text, REQUESTS))
        assert meta.total == len(rows)
        total += meta.total
        assert all(start <= row.created_at < end for row in rows)
    assert total == 600
