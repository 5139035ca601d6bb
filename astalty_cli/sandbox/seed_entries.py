"""A busy account: any number of entries in the history, like those that a new sandbox has."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from random import Random, SystemRandom

from astalty_cli.base.errors import LocalError
from astalty_cli.base.times import iso
from astalty_cli.sandbox.seed_history import SEEDED_ENTRIES, new_id
from astalty_cli.sandbox.store import Store

_CHUNK = 20_000  # entries of a transaction: nobody else who writes waits for longer than one
_CACHE = 256 * 1024  # KiB: ids are chance, so their index is written to all over
_SAME = (
    "status, method, path, ip_address, user_agent, user_id, user_name, user_email, api_key_id,"
    " api_key_name, bodies"
)
_MODELS = f"SELECT duration_ms, {_SAME} FROM api_requests ORDER BY number LIMIT {SEEDED_ENTRIES}"  # noqa: S608
_INSERT = (
    f"INSERT INTO api_requests (id, created_at, duration_ms, {_SAME})"  # noqa: S608
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def add_entries(store: Store, count: int, span: timedelta) -> None:
    """Add entries that are spread evenly over the time up to now, the oldest first.

    Each is one of the sandbox's first entries once more, with an id, a time and a duration of its own; the
    bodies are shared. What was added until an interruption stays. Raises `LocalError` if the file takes no
    more: a full disk, or another program that does not let go of it.
    """
    try:
        _add(store, count, span)
    except sqlite3.Error as error:
        raise LocalError(
            f"Cannot add more requests: {error}.",
            hint="What was added until then is there. Look at the disk's free space.",
        ) from error


def _add(store: Store, count: int, span: timedelta) -> None:
    with store.database.read() as connection:
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        models = [tuple(row) for row in connection.execute(_MODELS)]
    chance = Random(SystemRandom().getrandbits(64))  # noqa: S311 - nothing secret comes of it
    start, step = store.clock() - span, span / count

    def entries(numbers: range) -> Iterator[tuple[object, ...]]:
        for number in numbers:
            duration, *same = chance.choice(models)
            created_at = iso(start + step * (number + chance.random()))
            yield (new_id(chance), created_at, round(duration * chance.uniform(0.7, 1.4), 3), *same)

    for first in range(0, count, _CHUNK):
        rows = list(entries(range(first, min(first + _CHUNK, count))))  # meanwhile others may write
        with store.database.write() as connection:
            connection.executemany(_INSERT, rows)
