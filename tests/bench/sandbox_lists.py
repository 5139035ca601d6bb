"""How long list calls take on a big account: `python -m tests.bench.sandbox_lists --entries 1000000`.

Each call goes through the whole application, and so writes its own entry into the history, but over no
socket. The first call of a kind is shown apart: it is the one that may have to look at every entry.
"""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

import httpx

from astalty_cli.api.contract import API_REQUESTS, REQUEST_SORTS
from astalty_cli.base.times import iso, utc_now
from astalty_cli.sandbox.app import create_app
from tests.bench.big_account import big_account
from tests.bench.printing import say

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

RUNS = 5

Parameters = Mapping[str, str]


def main(arguments: list[str]) -> None:
    with big_account("tests.bench.sandbox_lists", arguments) as home:
        secret = home.secret().reveal()
        with contextlib.closing(home.open()) as store:
            _measure(create_app(store, rate_limit=0), secret)


def _measure(app: "WSGIApplication", secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(
        transport=httpx.WSGITransport(app=app), base_url="http://sandbox.test", headers=headers
    ) as client:
        _Table(client).print()
    say(f"\nCPU of a page of 100 in the server: {_cpu_of_a_page(app, secret):.2f} ms")


class _Table:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._page_1 = 0.0

    def print(self) -> None:
        say("| call | total | first, ms | median, ms | of page 1 |")
        say("| --- | ---: | ---: | ---: | ---: |")
        pages = self._row({})
        for number in (pages // 100, pages // 2, pages):
            self._row({"page[number]": str(number)})
        for parameters in self._kinds():
            last = self._row(parameters)
            if last > 2:
                self._row({**parameters, "page[number]": str(last)})

    def _row(self, parameters: Parameters) -> int:
        """Measure one kind of call and print it; return the last page of its list."""
        answer, first = self._ask(parameters)
        taken = median(self._ask(parameters)[1] for _ in range(RUNS))
        self._page_1 = self._page_1 or taken
        meta = answer["meta"]
        name = "`" + " ".join(f"{name}={value}" for name, value in parameters.items()) + "`"
        name = (
            name.replace("filter[", "").replace("]=", "=").replace("page[number=", "page=")
            if parameters
            else "page 1"
        )
        say(f"| {name} | {meta['total']:,} | {first:.1f} | {taken:.1f} | {taken / self._page_1:.1f} |")
        return int(meta["last_page"])

    def _ask(self, parameters: Parameters) -> tuple[dict[str, Any], float]:
        started = time.perf_counter()
        response = self._client.get(API_REQUESTS, params={"page[size]": "100", **parameters})
        taken = time.perf_counter() - started
        return dict(response.raise_for_status().json()), taken * 1000

    def _kinds(self) -> Iterator[Parameters]:
        for filters in self._filters():
            yield {f"filter[{name}]": value for name, value in filters.items()}
        for sort in REQUEST_SORTS:
            yield {"sort": sort}
            yield {"sort": f"-{sort}"}
        yield {"sort": "duration_ms", "filter[status]": "4xx", "filter[method]": "GET"}

    def _filters(self) -> Iterator[dict[str, str]]:
        rows = self._ask({"page[number]": "50"})[0]["data"]
        row = next(row for row in rows if row["user"])
        now = utc_now()
        yield from ({"status": value} for value in ("2xx", "404", "5xx", "299"))
        yield from ({"method": value} for value in ("GET", "PATCH"))
        yield from ({"path": value} for value in ("/public/v1/participants*", "*/goals", "/nowhere"))
        yield from ({"ip_address": value} for value in (row["ip_address"], "192.0.2.199"))
        yield {"user_id": row["user"]["id"]}
        yield {"email": row["user"]["email"]}
        yield {"api_key_id": row["api_key"]["id"]}
        for days in (1, 29):
            start = now - timedelta(days=days)
            window = {"created_from": iso(start), "created_to": iso(start + timedelta(hours=6))}
            yield window
            yield {**window, "status": "4xx", "method": "GET"}
        half = {"created_to": iso(now - timedelta(days=15))}
        yield {**half, "path": "/public/v1/participants*", "status": "2xx"}


def _cpu_of_a_page(app: "WSGIApplication", secret: str) -> float:
    """Milliseconds of a page of 100 in the server: without the client, and with the entry that it writes."""
    environ: dict[str, Any] = {
        "PATH_INFO": API_REQUESTS,
        "QUERY_STRING": "page[size]=100&page[number]=5",
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "REMOTE_ADDR": "127.0.0.1",
    }
    setup_testing_defaults(environ)
    calls = 500
    started = time.process_time()
    for _ in range(calls):
        list(app(dict(environ), lambda *_: lambda _: None))
    return (time.process_time() - started) * 1000 / calls


if __name__ == "__main__":
    main(sys.argv[1:])
