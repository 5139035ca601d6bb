"""A sandbox with many entries, for measurements that need no server: seeded, or a database that exists."""

import argparse
import contextlib
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.seed_entries import add_entries
from tests.bench.printing import say


@contextlib.contextmanager
def big_account(program: str, arguments: list[str]) -> Iterator[Home]:
    """The account that the flags of `program` ask for."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--database", type=Path, help="one that exists: nothing is seeded")
    options = parser.parse_args(arguments)
    if options.database is not None:
        yield Home(options.database)
        return
    with TemporaryDirectory() as folder:
        database = Path(folder) / "sandbox.db"
        _seed(database, options.entries)
        yield Home(database)


def _seed(database: Path, entries: int) -> None:
    with contextlib.closing(Home(database).open()) as store:
        started = time.perf_counter()
        add_entries(store, entries, timedelta(days=30))
        taken = time.perf_counter() - started
    say(f"Seeded {entries:,} entries in {taken:.0f} s; {database.stat().st_size / 1e6:,.0f} MB\n")
