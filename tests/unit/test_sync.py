"""Bringing a mirror up to date without a command: what it reports, and what came of it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from astalty_cli.api.client import Client
from astalty_cli.base.events import Event, PageRead
from astalty_cli.config.settings import SANDBOX_ORIGIN
from astalty_cli.mirror.database import Place
from astalty_cli.mirror.purge import count_older, remove_older
from astalty_cli.mirror.sync import SyncContinued, SyncOptions, SyncResult, sync
from tests.support.accounts import Account
from tests.support.clients import clients_of
from tests.support.histories import add, series
from tests.support.stopwatch import Stopwatch


@pytest.fixture
def client(sandbox: Account, stopwatch: Stopwatch) -> Iterator[Client]:
    with clients_of(sandbox, sleep=stopwatch.sleep) as client_with:
        yield client_with(sandbox.home.secret())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "history", "sandbox", SANDBOX_ORIGIN)


def synced(client: Client, place: Place) -> tuple[SyncResult, list[Event | SyncContinued]]:
    events: list[Event | SyncContinued] = []
    return sync(client, place, SyncOptions(), events.append), events


def test_each_page_is_reported_and_the_result_is_counted(
    sandbox: Account, client: Client, place: Place
) -> None:
    add(sandbox, series(sandbox.clock.now - timedelta(hours=2), 250, timedelta(seconds=1)))
    result, events = synced(client, place)
    pages = [event for event in events if isinstance(event, PageRead)]
    assert pages == events  # a new mirror goes on from nowhere
    assert [page.done for page in pages] == sorted({page.done for page in pages})
    assert pages[-1].done == pages[-1].expected == result.added == result.extent.requests
    assert result.extent.requests > 250


def test_a_mirror_continues_where_it_ends(sandbox: Account, client: Client, place: Place) -> None:
    first, _ = synced(client, place)
    sandbox.clock.move(minutes=5)
    new = add(sandbox, series(sandbox.clock.now, 3, timedelta(seconds=1)))
    result, events = synced(client, place)
    assert isinstance(events[0], SyncContinued)
    assert events[0].time == first.extent.newest
    assert len(new) <= result.added < first.added
    assert result.extent.requests == first.extent.requests + result.added
    assert result.extent.newest == new[-1].created_at


def test_what_is_older_is_counted_first_and_then_removed(
    sandbox: Account, client: Client, place: Place
) -> None:
    result, _ = synced(client, place)
    before = sandbox.clock.now - timedelta(days=1)
    count = count_older(place, before)
    assert 0 < count < result.extent.requests
    removed = remove_older(place, before)
    assert (removed.removed, removed.left) == (count, result.extent.requests - count)
