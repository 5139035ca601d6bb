"""How long the web pages take on a big account: `python -m tests.bench.pages --entries 1000000`.

Each page goes through the whole application, but over no socket. The first call of a kind is shown apart.
"""

import contextlib
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from urllib.parse import urlencode

from astalty_cli.base.times import iso
from astalty_cli.sandbox.pages.entries import Place
from astalty_cli.sandbox.store import Store
from tests.bench.big_account import big_account
from tests.bench.printing import say
from tests.support.visitor import Page, Visitor, visitor

RUNS = 5
HISTORY = "/dashboard/requests"


def main(arguments: list[str]) -> None:
    with big_account("tests.bench.pages", arguments) as home, contextlib.closing(home.open()) as store:
        _measure(store)


def _measure(store: Store) -> None:
    with visitor(store) as owner:
        say("| page | entries | first, ms | median, ms |")
        say("| --- | ---: | ---: | ---: |")
        for name, path in _kinds(owner, store):
            answer, first = _ask(owner, path)
            taken = median(_ask(owner, path)[1] for _ in range(RUNS))
            say(f"| {name} | {len(Page(answer).ids)} | {first:.1f} | {taken:.1f} |")


def _ask(owner: Visitor, path: str) -> tuple[str, float]:
    started = time.perf_counter()
    text = owner.client.get(path).raise_for_status().text
    return text, (time.perf_counter() - started) * 1000


def _kinds(owner: Visitor, store: Store) -> Iterator[tuple[str, str]]:
    newest = owner.see(HISTORY)
    yield "newest", HISTORY
    yield "second", newest.link("Older") or ""
    for days in (7, 15, 29):
        place = Place(iso(store.clock() - timedelta(days=days)), "")
        yield f"{days} days deep", f"{HISTORY}?{urlencode({'before': str(place)})}"
    yield "oldest", newest.link("Oldest") or ""
    filters = {"failed": "1"}, {"status": "5xx"}, {"status": "299"}, {"method": "PATCH"}
    for query in (*filters, {"path": "/participants"}, {"path": "*/goals"}, {"path": "/nowhere"}):
        shown = " ".join(f"{name}={value}" for name, value in query.items())
        yield f"`{shown}`", f"{HISTORY}?{urlencode(query)}"
        place = Place(iso(store.clock() - timedelta(days=15)), "")
        yield f"`{shown}`, 15 days deep", f"{HISTORY}?{urlencode({**query, 'before': str(place)})}"
    yield "an entry", f"{HISTORY}/{newest.ids[0]}"
    yield "Manage Keys", "/dashboard/keys"


if __name__ == "__main__":
    main(sys.argv[1:])
