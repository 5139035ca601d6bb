"""`astalty history sync`: each entry once, of one account, and no more of it than was asked for."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import histories
from tests.support.histories import WholeSeconds, entry, series
from tests.support.mirrors import (
    CANARY,
    Mirrored,
    another_account,
    dump,
    files_with,
    mirrored_account,
    with_body,
)
from tests.support.shell import Shell
from tests.support.spoilt import Fault, Spoilt


@pytest.fixture
def mirrored(shell: Shell, tmp_path: Path) -> Iterator[Mirrored]:
    with ExitStack() as closing:
        yield mirrored_account(shell, tmp_path / "served", closing, lambda app: app)


# -- reading each entry once ---------------------------------------------------------------------


def test_a_first_sync_takes_every_entry_once(mirrored: Mirrored) -> None:
    facts = mirrored.sync()
    ids, known = mirrored.ids(), mirrored.known()
    assert ids == known[-len(ids) :]
    assert len(known) - len(ids) <= len(mirrored.between.calls)  # what the sync itself was logged for
    assert (facts["added"], facts["requests"], facts["removed"]) == (len(ids), len(ids), 0)
    assert facts["path"] == str(mirrored.file)


def test_it_says_what_came_of_it(mirrored: Mirrored) -> None:
    first = mirrored.shell("history sync")
    count = len(mirrored.ids())
    assert first.out == ""
    assert first.err.startswith(f"Added {count} requests; the mirror has {count}, from 20")
    assert first.err.endswith(f", in {mirrored.file}.\n")
    mirrored.account.clock.move(hours=1)
    assert mirrored.shell("history sync -q").err == ""


def test_a_second_sync_asks_only_for_what_is_new(mirrored: Mirrored) -> None:
    first = mirrored.sync()
    calls = mirrored.calls()
    assert 0 < len(calls) <= 2
    assert all(f"filter[created_from]={first['newest']}" in call for call in calls)
    new = histories.add(mirrored.account, series(mirrored.account.clock.now, 250, timedelta(milliseconds=1)))
    mirrored.account.clock.move(minutes=1)
    assert len(mirrored.calls()) <= 4
    ids = mirrored.ids()
    assert ids == mirrored.known()[-len(ids) :]
    assert {each.id for each in new} <= set(ids)


def test_entries_of_the_very_time_where_it_ended_are_not_missed(mirrored: Mirrored) -> None:
    newest = datetime.fromisoformat(mirrored.sync()["newest"])
    late = histories.add(mirrored.account, [entry(newest) for _ in range(5)])
    mirrored.sync()
    ids = mirrored.ids()
    assert ids == mirrored.known()[-len(ids) :]
    assert {each.id for each in late} <= set(ids)


def test_a_server_that_cuts_times_to_whole_seconds(shell: Shell, tmp_path: Path) -> None:
    with ExitStack() as closing:
        mirrored = mirrored_account(shell, tmp_path / "served", closing, WholeSeconds)
        added = set()
        for _ in range(3):
            began = mirrored.account.clock.now
            mirrored.sync()
            late = series(began, 130, timedelta(milliseconds=7))
            added |= {each.id for each in histories.add(mirrored.account, late)}
        mirrored.sync()
        ids = mirrored.ids()
        assert len(set(ids)) == len(ids)
        assert added <= set(ids)


def test_killed_at_any_page_it_continues_without_a_gap_or_a_duplicate(mirrored: Mirrored) -> None:
    for call in (1, 2, 4, 3):
        mirrored.killed_at(call)
    calls = mirrored.calls()
    ids = mirrored.ids()
    assert ids == mirrored.known()[-len(ids) :]
    assert len(calls) >= 2
    assert [call for call in calls if "filter[created_from]" not in call] == []


def test_of_an_unfinished_first_sync_the_list_says_so(mirrored: Mirrored) -> None:
    mirrored.killed_at(4)
    assert "has not come to its end" in mirrored.shell("history list --offline").err


# -- who and where -------------------------------------------------------------------------------


def test_while_it_runs_others_read_and_none_syncs(mirrored: Mirrored) -> None:
    seen: dict[str, Any] = {}
    mirrored.sync()
    histories.add(mirrored.account, series(mirrored.account.clock.now, 350, timedelta(milliseconds=1)))

    def look() -> None:
        seen["read"] = len(mirrored.ids())
        seen["refused"] = mirrored.shell("history sync --json", code=5).error
        seen["purge"] = mirrored.shell("history purge --all --yes", code=5).err
        seen["modes"] = {file.suffix: file.stat().st_mode & 0o777 for file in mirrored.folder.iterdir()}

    before = len(mirrored.ids())
    mirrored.between.calls.clear()
    mirrored.meanwhile[4] = look
    mirrored.sync()
    assert before < seen["read"] < len(mirrored.ids())
    assert "Another sync is running" in seen["refused"]["message"]
    assert "Another sync is running" in seen["purge"]
    assert seen["modes"] == dict.fromkeys([".db", ".db-wal", ".db-shm", ".lock"], 0o600)
    assert mirrored.folder.stat().st_mode & 0o777 == 0o700


def test_the_key_of_another_account_is_refused(mirrored: Mirrored) -> None:
    before = mirrored.sync()
    another_account(mirrored.account)
    refused = mirrored.shell("history sync", code=5)
    assert "another account" in refused.err
    assert "astalty history purge --all" in refused.err
    assert len(mirrored.ids()) == before["requests"]
    mirrored.shell("history purge --all --yes")
    assert mirrored.sync()["added"] > 0


def test_a_server_that_does_not_say_whose_the_key_is(shell: Shell, tmp_path: Path) -> None:
    spoilt = Spoilt(faults=[Fault("GET /api-keys/current", status="404 Not Found", acts=False)])

    def behind(app: Any) -> Spoilt:
        spoilt.app = app
        return spoilt

    with ExitStack() as closing:
        mirrored = mirrored_account(shell, tmp_path / "served", closing, behind)  # the login asks
        mirrored.sync()
        shell("endpoints list --refresh")
        mirrored.sync()  # now it does, and the mirror takes note
        another_account(mirrored.account)
        assert "another account" in shell("history sync", code=5).err


def test_each_profile_and_each_origin_has_a_mirror_of_its_own(mirrored: Mirrored) -> None:
    mirrored.sync()
    elsewhere = mirrored.shell("history list --offline -p sandbox", code=3)
    assert "astalty history sync -p sandbox" in elsewhere.err
    other_url = {"ASTALTY_BASE_URL": "https://api.example", "ASTALTY_API_KEY": "x" * 40}
    assert "There is no mirror" in mirrored.shell("history list --offline", code=3, env=other_url).err


# -- what is kept --------------------------------------------------------------------------------


def test_keep_goes_by_the_servers_clock_for_what_is_fetched_and_what_is_kept(mirrored: Mirrored) -> None:
    clock = mirrored.account.clock
    clock.move(days=400)
    days = [4, 6]
    recent, old = histories.add(mirrored.account, (entry(clock.now - timedelta(days=day)) for day in days))
    assert len(mirrored.calls("--keep 5d")) == 2
    ids = mirrored.ids()
    assert recent.id in ids
    assert old.id not in ids
    clock.move(days=2)
    assert mirrored.sync("--keep 5d")["removed"] == 1
    assert recent.id not in mirrored.ids()
    assert "requests, removed " in mirrored.shell("history sync --keep 1s").err


def test_since_is_where_a_new_mirror_begins_and_leaves_no_gap_later(mirrored: Mirrored) -> None:
    clock = mirrored.account.clock
    since = clock.now - timedelta(days=3)
    assert datetime.fromisoformat(mirrored.sync(f"--since {since.isoformat()}")["oldest"]) >= since
    clock.move(days=1)
    later = mirrored.shell(f"history sync --since {clock.now.isoformat()}")
    assert "continues from" in later.err
    ids = mirrored.ids()
    known = mirrored.known()
    start = known.index(ids[0])
    assert ids == known[start : start + len(ids)]


def test_bodies_are_on_the_disk_only_when_they_were_asked_for(mirrored: Mirrored) -> None:
    account = mirrored.account
    with_body(account, timedelta(days=2), CANARY)
    histories.add(account, [entry(account.clock.now, path=f"/public/v1/participants?name=path-{CANARY}")])
    plain = mirrored.shell("history sync")
    assert "health data" not in plain.err
    paths = mirrored.shell(f"history list --offline --path '*path-{CANARY}'").rows
    assert len(paths) == 1  # a path is metadata
    assert CANARY not in "".join(dump(mirrored.file)).replace(f"path-{CANARY}", "")
    account.clock.move(minutes=1)
    with_body(account, timedelta(), f"second-{CANARY}")
    warned = mirrored.shell("history sync --bodies")
    assert "may hold personal health data" in warned.err
    assert str(mirrored.file) in warned.err
    account.clock.move(minutes=1)
    with_body(account, timedelta(), f"third-{CANARY}")
    mirrored.shell("history sync")
    texts = list(dump(mirrored.file))
    assert [text[:20] for text in texts if f"second-{CANARY}" in text] == ['INSERT INTO "bodies"']
    assert [text for text in texts if f"third-{CANARY}" in text] == []


def test_bodies_that_a_server_sends_unasked_are_not_kept(shell: Shell, tmp_path: Path) -> None:
    answers: list[bytes] = []

    def generous(app: Any) -> Any:
        def answer(environ: Any, start_response: Any) -> Any:
            is_list = environ["PATH_INFO"].endswith("/api-requests")
            environ["QUERY_STRING"] += "&include=bodies" if is_list else ""
            answers.append(b"".join(app(environ, start_response)))
            return [answers[-1]]

        return answer

    with ExitStack() as closing:
        mirrored = mirrored_account(shell, tmp_path / "served", closing, generous)
        with_body(mirrored.account, timedelta(days=1), CANARY)
        mirrored.sync()
        assert CANARY.encode() in b"".join(answers)
        assert files_with(CANARY, mirrored.folder) == []
