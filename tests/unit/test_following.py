"""Following the history without a command: what is handed out, and what is said when the service fails."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiRequest
from astalty_cli.base.events import Event, WarningMessage
from astalty_cli.base.times import iso
from astalty_cli.services.history.following import Following, NewEntries
from astalty_cli.services.history.reading import HistoryQuery
from tests.support.accounts import Account
from tests.support.clients import clients_of
from tests.support.histories import Between, add, entry
from tests.support.spoilt import Fault, Spoilt
from tests.support.stopwatch import Stopwatch


@dataclass
class Watcher:
    """Follows an account in which an entry is made at each call of the list from the third on."""

    account: Account
    client: Client
    between: Between
    spoilt: Spoilt
    stopwatch: Stopwatch
    made: list[ApiRequest] = field(default_factory=list)
    events: list[Event | NewEntries] = field(default_factory=list)

    def follow(self, seconds: float = 20, **filters: str) -> Following:
        query = HistoryQuery(self.client, filters)
        return Following(query, self.events.append, seconds=seconds, clock=self.stopwatch)

    def goes_on(self, number: int) -> None:
        self.account.clock.move(seconds=2.5)
        if number >= 3:
            self.made += add(self.account, [entry(self.account.clock.now)])

    @property
    def handed_out(self) -> list[str]:
        batches = [event.entries for event in self.events if isinstance(event, NewEntries)]
        return [row.value.id for entries in batches for row in entries]

    @property
    def warnings(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, WarningMessage)]


@pytest.fixture
def watcher(sandbox: Account, stopwatch: Stopwatch) -> Iterator[Watcher]:
    between, spoilt = Between(), Spoilt()

    def layers(app: Any) -> Between:
        spoilt.app = app
        return between.before(spoilt)

    with clients_of(sandbox, sleep=stopwatch.sleep, between=layers) as client_with:
        made = Watcher(sandbox, client_with(sandbox.home.secret()), between, spoilt, stopwatch)
        between.happens = made.goes_on
        yield made


def test_what_is_new_is_handed_out_until_the_time_is_over(watcher: Watcher) -> None:
    following = watcher.follow()
    following.run()
    assert watcher.handed_out == [each.id for each in watcher.made]
    assert len(watcher.made) > 4
    assert watcher.warnings == []
    assert following.self_traffic is not None
    assert following.self_traffic.left_out > 0


def test_a_query_that_says_since_when_begins_there(watcher: Watcher) -> None:
    start = watcher.account.clock.now
    earlier = add(watcher.account, [entry(start - timedelta(minutes=each)) for each in (9, 5)])
    watcher.follow(created_from=iso(start - timedelta(minutes=10)), ip_address="203.0.113.9").run()
    assert watcher.handed_out == [each.id for each in [*earlier, *watcher.made]]


def test_a_service_that_fails_is_named_once_and_loses_nothing(watcher: Watcher) -> None:
    def fails(number: int) -> None:
        watcher.goes_on(number)
        if number == 4:
            failure = Fault("GET /api-requests", "500 Oops", acts=False, times=3, body=b"{}")
            watcher.spoilt.faults.append(failure)

    watcher.between.happens = fails
    watcher.follow(seconds=60).run()
    first, second = watcher.warnings
    assert first.endswith("It is asked again until it answers.")
    assert second == "The service answers again."
    assert watcher.handed_out == [each.id for each in watcher.made]


def test_what_was_held_back_is_handed_out_when_it_is_interrupted(watcher: Watcher) -> None:
    def interrupts(number: int) -> None:
        if number == 5:
            raise KeyboardInterrupt
        watcher.goes_on(number)

    watcher.between.happens = interrupts
    watcher.follow().run()
    assert len(watcher.made) == 2
    assert watcher.handed_out == [each.id for each in watcher.made]


def test_a_second_interruption_is_no_orderly_end(watcher: Watcher) -> None:
    def interrupts(number: int) -> None:
        if number == 5:
            raise KeyboardInterrupt
        watcher.goes_on(number)

    def print_slowly(event: Event | NewEntries) -> None:
        if isinstance(event, NewEntries):
            raise KeyboardInterrupt

    watcher.between.happens = interrupts
    following = watcher.follow()
    following.on_event = print_slowly
    with pytest.raises(KeyboardInterrupt):
        following.run()
