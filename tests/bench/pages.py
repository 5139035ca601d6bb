"""How long the web pages take on a big account: `python -m tests.bench.pages --entries 1000000`.

Each page goes through the whole application, but over no socket. The first call of a kind is shown apart.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from astalty_cli.base.times import iso
from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.pages.entries import Place
from astalty_cli.sandbox.seed_entries import add_entries
from astalty_cli.sandbox.store import Store
from tests.support.visitor import Page, Visitor, visitor

RUNS = 5
HISTORY = "/dashboard/requests"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--database", type=Path, help="one that exists: nothing is seeded")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as closing:
        database = options.database
        if database is None:
            folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
            database = folder / "sandbox.db"
            with contextlib.closing(Home(database).open()) as store:
                add_entries(store, options.entries, timedelta(days=30))
        store = closing.enter_context(contextlib.closing(Home(database).open()))
        owner = closing.enter_context(visitor(store))
        _say("| page | entries | first, ms | median, ms |")
        _say("| --- | ---: | ---: | ---: |")
        for name, path in _kinds(owner, store):
            answer, first = _ask(owner, path)
            taken = median(_ask(owner, path)[1] for _ in range(RUNS))
            _say(f"| {name} | {len(Page(answer).ids)} | {first:.1f} | {taken:.1f} |")


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


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
