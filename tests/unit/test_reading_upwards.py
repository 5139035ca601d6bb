"""Reading upwards: a page that late entries may belong on is taken when all of them can be seen."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from astalty_cli.api.client import Client
from astalty_cli.api.http import Connection, Http
from astalty_cli.config.settings import SANDBOX_ORIGIN
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.home import Home
from astalty_cli.services.history.reading import HistoryQuery, ReadBoundary, Upwards
from tests.support.accounts import Account
from tests.support.histories import Between, add, entry, page_number, series
from tests.support.serving import Clock
from tests.support.shell import Shell
from tests.support.stopwatch import Stopwatch

LATE = timedelta(seconds=1.9)
OURS = "203.0.113.9"


@dataclass
class Reader:
    """An account of 1,000 old entries and one of just now, and who reads it."""

    account: Account
    stopwatch: Stopwatch
    client: Client
    between: Between
    newest: datetime
    late: list[str] = field(default_factory=list)

    def asked_for(self, ip: str = OURS, *, end: ReadBoundary | None = None) -> list[int]:
        """Read what came from that address; return the numbers of the pages asked for, the pin's first."""
        self.between.calls.clear()
        reading = Upwards(HistoryQuery(self.client, {"ip_address": ip}), end=end)
        assert reading.set_boundary()
        found = [row.value.id for page in reading.pages() for row in page.rows]
        assert len(set(found)) == len(found)
        assert set(self.late) <= set(found), "a late entry is missing"
        return [page_number(call) for call in self.between.calls]

    def when(self, call: int, happens: Callable[[], object]) -> None:
        """Let it happen before this call of the list."""
        self.between.happens = lambda number: happens() if number == call else None

    def turn_up(self, ip: str = OURS) -> None:
        """An entry is seen, as late as an entry may be."""
        self.late += [each.id for each in add(self.account, [entry(self.newest - LATE, ip_address=ip)])]


@pytest.fixture
def reader(tmp_path: Path, shell: Shell, stopwatch: Stopwatch) -> Iterator[Reader]:
    home, clock, between = Home(tmp_path / "sandbox.db"), Clock(), Between()
    secret = home.secret()
    with closing(home.open(clock)) as store:
        app = between.before(create_app(store, rate_limit=0))
        http = Http(Connection(SANDBOX_ORIGIN, secret, timeout=None, app=app), sleep=stopwatch.sleep)
        account = Account(shell, home, clock, None)
        add(account, series(clock.now - timedelta(hours=2), 1000, timedelta(seconds=7)))
        add(account, [entry(clock.now)])
        with closing(http):
            yield Reader(account, stopwatch, Client(http), between, clock.now)


def test_a_quick_read_waits_at_the_last_page(reader: Reader) -> None:
    reader.when(13, reader.turn_up)
    assert reader.asked_for() == [1, *range(1, 11), 11, 11]
    assert reader.stopwatch.slept == [2]
    assert reader.late


def test_it_waits_at_the_page_on_which_the_last_seconds_begin(reader: Reader) -> None:
    add(reader.account, series(reader.newest - timedelta(milliseconds=250), 250, timedelta(milliseconds=1)))
    reader.when(13, reader.turn_up)
    assert reader.asked_for() == [1, *range(1, 11), 11, 11, 12, 13]
    assert reader.stopwatch.slept == [2]
    assert reader.late


def test_a_read_that_took_its_time_waits_for_nothing(reader: Reader) -> None:
    reader.between.happens = lambda _: reader.stopwatch.sleep(0.2)
    assert reader.asked_for() == [1, *range(1, 12)]


def test_the_rest_of_the_time_is_waited(reader: Reader) -> None:
    reader.when(5, lambda: reader.stopwatch.sleep(1.5))
    assert reader.asked_for() == [1, *range(1, 11), 11, 11]
    assert reader.stopwatch.slept == [1.5, 0.5]


def test_an_answer_to_what_was_asked_too_early_is_asked_for_again(reader: Reader) -> None:
    reader.when(12, lambda: reader.stopwatch.sleep(5))
    assert reader.asked_for() == [1, *range(1, 11), 11, 11]


def test_nothing_is_late_when_the_servers_clock_says_so(reader: Reader) -> None:
    reader.when(6, lambda: reader.account.clock.move(seconds=10))
    assert reader.asked_for() == [1, *range(1, 12)]
    assert reader.stopwatch.slept == []


def test_a_single_page_is_asked_for_once(reader: Reader) -> None:
    few = "198.51.100.1"
    add(
        reader.account,
        series(reader.newest - timedelta(seconds=79), 80, timedelta(seconds=1), ip_address=few),
    )
    reader.when(2, lambda: reader.turn_up(few))
    assert reader.asked_for(few) == [1, 1]
    assert reader.stopwatch.slept == [2]
    assert reader.late


def test_going_on_at_once_it_waits_as_well(reader: Reader) -> None:
    reader.when(12, reader.turn_up)
    assert reader.asked_for(end=ReadBoundary.kept(reader.newest)) == [*range(1, 11), 11, 11]
    assert reader.late


def test_going_on_another_day_nothing_is_late(reader: Reader) -> None:
    reader.account.clock.move(days=1)
    assert reader.asked_for(end=ReadBoundary.kept(reader.newest)) == [*range(1, 12)]
    assert reader.stopwatch.slept == []
