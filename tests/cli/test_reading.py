"""Reading the whole history: each entry once and none missing, whatever happens meanwhile."""

import math
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import accounts
from tests.support.accounts import Account
from tests.support.histories import Between, WholeSeconds, add, entry, ids, listed, page_number, series
from tests.support.hostile import ENTRY, answering, listing
from tests.support.shell import ASTALTY, Shell

Layer = Callable[[Any], Any]
Served = Callable[[Layer], Account]


@pytest.fixture
def serve(shell: Shell, tmp_path: Path) -> Iterator[Served]:
    """Makes an account over HTTP, behind a layer."""
    with ExitStack() as closing_:
        yield lambda layer: accounts.over_http(shell, tmp_path / "served", closing_, between=layer)


def up_to(account: Account, pin: datetime) -> set[str]:
    with closing(account.store()) as store, store.database.read() as connection:
        rows = connection.execute("SELECT id, created_at FROM api_requests").fetchall()
    return {row["id"] for row in rows if datetime.fromisoformat(row["created_at"]) <= pin}


def read(account: Account, flags: str = "") -> list[dict[str, Any]]:
    found = listed(account.shell(f"history list --all -o jsonl {flags}").out)
    assert len({each["id"] for each in found}) == len(found), "an entry came twice"
    return found


def test_everything_up_to_the_pin_once_though_others_write_and_some_are_late(serve: Served) -> None:
    between = Between()
    account = serve(between.before)
    now = account.clock.now
    add(account, series(now - timedelta(hours=2), 1000, timedelta(seconds=7)))
    pin = add(account, [entry(now)])[0]
    calls_before = len(between.calls)

    def others_write(_: int) -> None:
        account.clock.move(milliseconds=900)
        moment = account.clock.now
        if len(between.calls) > calls_before + 1:
            add(account, series(moment, 20, timedelta(milliseconds=1)))
            add(account, [entry(pin.created_at - timedelta(seconds=1.5)), entry(pin.created_at)])

    between.happens = others_write
    found = read(account)
    there = up_to(account, pin.created_at)
    late = len(between.calls) - calls_before - 1
    # The last call's own late entries came when the service had promised that all are to be seen.
    assert there - {each["id"] for each in found} == set()
    assert {each["id"] for each in found} == there
    assert late >= 10
    assert len(between.calls) - calls_before <= 1.01 * math.ceil(len(there) / 100) + 2


@pytest.mark.parametrize(
    "layer",
    [
        lambda app: app,
        WholeSeconds,
        lambda app: WholeSeconds(app, shown=False),
        lambda app: WholeSeconds(app, asked=False),
    ],
    ids=["exact", "whole seconds", "cut in filters", "cut in answers"],
)
@pytest.mark.parametrize("sort", ["-created_at", "created_at"])
def test_windows_move_without_a_gap(serve: Served, layer: Layer, sort: str) -> None:
    between = Between()
    account = serve(lambda app: between.before(layer(app)))
    start = account.clock.now - timedelta(days=2)
    for number in range(150):  # 70 of one moment, a moment each 0.7 s: ties and seconds at every border
        add(account, series(start + number * timedelta(seconds=0.7), 70, timedelta()))
    account.clock.move(seconds=5)
    between.calls.clear()
    found = read(account, f"--sort={sort}")
    assert {each["id"] for each in found} == up_to(account, account.clock.now) - since_the_read(
        account, found
    )
    times = [each["created_at"] for each in found if "roster-sync" in each["user_agent"]]
    assert len(times) >= 150 * 70
    assert times == sorted(times, reverse=sort.startswith("-"))
    assert len(between.calls) <= 1.01 * math.ceil(len(found) / 100) + 3  # one more to see that it cuts
    assert max(page_number(call) for call in between.calls) <= 103


def since_the_read(account: Account, found: list[dict[str, Any]]) -> set[str]:
    """The read's own calls, which the service logs as well: the clock stands still."""
    own = "/public/v1/api-requests"
    read_ids = {each["id"] for each in found}
    with closing(account.store()) as store, store.database.read() as connection:
        rows = connection.execute("SELECT id FROM api_requests WHERE path LIKE ?", (f"{own}%",)).fetchall()
    return {row["id"] for row in rows} - read_ids


def test_what_retention_drops_meanwhile_hides_nothing_else(serve: Served) -> None:
    between = Between()
    account = serve(between.before)
    start = account.clock.now - timedelta(days=90)
    add(account, series(start, 1500, timedelta(seconds=60)))
    between.calls.clear()

    between.happens = lambda number: drop(account, 37) if number in {2, 3, 5, 6, 7} else None
    found = read(account, "--sort created_at")
    assert ids(account) - since_the_read(account, found) <= {each["id"] for each in found}
    times = [each["created_at"] for each in found]
    assert times == sorted(times)


def test_sorted_by_something_else_it_is_complete_too(serve: Served) -> None:
    between = Between()
    account = serve(between.before)
    now = account.clock.now
    add(account, (entry(now - timedelta(minutes=n), duration_ms=n % 50) for n in range(350)))
    there = ids(account)
    between.happens = lambda _: add(account, [entry(account.clock.now, duration_ms=25)])
    account.clock.move(seconds=5)
    found = read(account, "--sort=-duration_ms")
    assert there <= {each["id"] for each in found}
    took = [each["duration_ms"] for each in found]
    assert took == sorted(took, reverse=True)


@pytest.mark.parametrize(("limit", "calls"), [(30, 1), (100, 1), (101, 2), (250, 3), (300, 3)])
def test_a_limit_asks_for_no_more_pages_than_needed(serve: Served, limit: int, calls: int) -> None:
    between = Between()
    account = serve(between.before)
    add(account, series(account.clock.now - timedelta(hours=1), 400, timedelta(seconds=1)))
    account.clock.move(seconds=5)
    between.calls.clear()
    found = listed(account.shell(f"history list -L {limit} -o jsonl").out)
    assert len({each["id"] for each in found}) == limit
    assert len(between.calls) == calls


def test_rows_are_printed_with_the_page_that_brings_them(serve: Served) -> None:
    seen = threading.Event()
    in_time: list[bool] = []
    between = Between(happens=lambda number: in_time.append(seen.wait(30)) if number == 2 else None)
    account = serve(between.before)
    command = [str(ASTALTY), "history", "list", "--all", "-o", "jsonl"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=account.shell.environ, cwd=account.shell.home
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()  # the second page is answered only after this
        seen.set()
        rest = process.stdout.read()
    assert process.returncode == 0
    assert in_time == [True]
    assert len(listed((first + rest).decode())) > 500


def drop(account: Account, count: int) -> None:
    """Retention: the oldest entries go."""
    with closing(account.store()) as store, store.database.write() as connection:
        oldest = f"SELECT number FROM api_requests ORDER BY created_at, id LIMIT {count}"
        connection.execute(f"DELETE FROM api_requests WHERE number IN ({oldest})")


@pytest.mark.parametrize("count", [400, 5000])
@pytest.mark.parametrize("flags", ["", "--sort created_at"])
def test_a_prune_of_what_was_read_does_not_go_round_in_circles(serve: Served, flags: str, count: int) -> None:
    between = Between()
    account = serve(between.before)
    add(account, series(account.clock.now - timedelta(days=2), 900, timedelta(seconds=60)))
    account.clock.move(seconds=30)
    between.calls.clear()

    def prune(number: int) -> None:
        if number == 4:
            drop(account, count)

    between.happens = prune
    found = read(account, flags)
    assert ids(account) - since_the_read(account, found) <= {each["id"] for each in found}
    assert len(between.calls) < 30


def test_the_oldest_first_and_a_limit_while_old_ones_go_and_new_ones_come(serve: Served) -> None:
    between = Between()
    account = serve(between.before)
    start = account.clock.now - timedelta(days=30)
    made = add(account, series(start, 1000, timedelta(seconds=60)))
    drop(account, 600)  # the seeded ones lie between
    kept = [each for each in made if each.id in ids(account)]
    account.clock.move(seconds=30)

    def rolling(number: int) -> None:
        account.clock.move(seconds=20)
        if number > 2:
            drop(account, 10)
        add(account, series(account.clock.now, 10, timedelta(milliseconds=1)))

    between.happens = rolling
    found = listed(account.shell("history list --sort created_at -L 350 -o jsonl").out)
    times = [each["created_at"] for each in found]
    assert len(times) == 350
    assert times == sorted(times)
    there = [each.id for each in kept]
    read_ids = [each["id"] for each in found if each["id"] in set(there)]
    first = there.index(read_ids[0])
    assert read_ids == there[first : first + len(read_ids)]  # none between is missing


def test_a_time_at_the_end_of_the_calendar_is_no_answer(shell: Shell) -> None:
    far = {**ENTRY, "created_at": "9999-12-31T23:59:59.999999Z"}
    with answering(("200 OK", {}, listing(far))) as (_, url):
        env = {"ASTALTY_API_KEY": "x" * 30, "ASTALTY_BASE_URL": url}
        for line in ("history list --all", "history stats", "history export all.jsonl", "history sync"):
            assert "not what this API promises" in shell(line, env=env, code=6).err
