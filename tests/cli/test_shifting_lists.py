"""Lists that shift while their pages are read: what was there all the time is there, or that is said."""

import json
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.support.accounts import Account
from tests.support.hostile import ENTRY, KEY, Answer, Hostile, at
from tests.support.open_operations import Faulty
from tests.support.serving import serving
from tests.support.shell import Shell
from tests.support.spoilt import Fault, Spoilt

LIST = "GET /api-keys"


def fill(account: Account, count: int, name: str = "many") -> list[str]:
    """Make keys until there are so many, each a second younger; return the ids, the newest first."""
    with closing(account.store()) as store:
        owner = store.owner().id
        with store.database.write():
            for number in range(count):
                account.clock.move(seconds=1)
                store.keys.create(f"{name} {number:03}", owner)
        with store.database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM api_keys WHERE revoked_at IS NULL ORDER BY created_at DESC, id DESC"
            ).fetchall()
    return [row["id"] for row in rows]


def revoke(account: Account, key_id: str) -> None:
    with closing(account.store()) as store:
        store.keys.revoke(key_id)


def before_page(spoilt: Spoilt, number: int, do: Callable[[], None], *, each_time: int = 1) -> None:
    """Let something happen just before this page of a list is asked for."""
    for _ in range(each_time):
        spoilt.faults += [Fault(LIST, "", times=number - 1), Fault(LIST, "", first=do)]


@pytest.fixture
def many(faulty: Faulty) -> tuple[Account, Spoilt, list[str]]:
    account, spoilt = faulty
    ids = fill(account, 150)
    spoilt.calls.clear()
    return account, spoilt, ids


def listed(account: Account, flags: str = "") -> list[str]:
    return [row["id"] for row in account.shell(f"keys list --json {flags}").json]


def test_a_whole_list_costs_a_call_for_each_hundred(many: tuple[Account, Spoilt, list[str]]) -> None:
    account, spoilt, ids = many
    assert listed(account) == ids
    assert spoilt.calls == [LIST, LIST]


@pytest.mark.parametrize("sort", ["", "--sort name", "--sort -last_used_at", "--sort created_at"])
@pytest.mark.parametrize("gone", [0, 50, 99, 120])
def test_a_key_revoked_while_it_is_read_hides_no_other(
    many: tuple[Account, Spoilt, list[str]], gone: int, sort: str
) -> None:
    account, spoilt, ids = many
    before_page(spoilt, 2, lambda: revoke(account, ids[gone]))
    told = account.shell(f"keys list --json {sort}")
    assert sorted(row["id"] for row in told.json) == sorted(set(ids) - {ids[gone]})
    assert told.err == ""


def test_one_revoked_and_one_made_hide_no_other(many: tuple[Account, Spoilt, list[str]]) -> None:
    account, spoilt, ids = many

    def both() -> None:
        revoke(account, ids[10])
        fill(account, 1, "more")

    before_page(spoilt, 2, both)
    assert set(ids) - {ids[10]} <= set(listed(account))


def test_a_key_that_begins_to_expire_is_not_hidden(many: tuple[Account, Spoilt, list[str]]) -> None:
    """It leaves the list of the active ones, and the one after it would slip to the page before."""
    account, spoilt, ids = many
    active = set(listed(account, "--status active"))

    def rotate() -> None:
        with closing(account.store()) as store:
            store.keys.rotate(ids[3], 60, None)

    before_page(spoilt, 2, rotate)
    assert active - {ids[3]} <= set(listed(account, "--status active"))


def test_one_that_begins_to_expire_and_one_that_no_longer_does_hide_no_other(
    many: tuple[Account, Spoilt, list[str]],
) -> None:
    """The number of active keys stays the same, and the one at the start of the next page slips out of it."""
    account, spoilt, ids = many
    with closing(account.store()) as store:
        store.keys.rotate(ids[120], 60, None)
    active = set(listed(account, "--status active"))

    def swap() -> None:
        with closing(account.store()) as store:
            store.keys.rotate(ids[3], 60, None)
            store.keys.expire_previous(ids[120], 0, None)

    before_page(spoilt, 2, swap)
    assert active - {ids[3]} <= set(listed(account, "--status active"))


def test_use_of_keys_moves_none_out_of_sight(many: tuple[Account, Spoilt, list[str]]) -> None:
    account, spoilt, ids = many

    def use() -> None:
        with closing(account.store()) as store, store.database.write() as connection:
            for key_id in ids[110:]:
                connection.execute("UPDATE api_keys SET last_used_at = created_at WHERE id = ?", (key_id,))

    before_page(spoilt, 2, use)
    assert sorted(listed(account, "--sort -last_used_at")) == sorted(ids)


def test_a_list_that_never_stands_still_is_said_to_be_so(many: tuple[Account, Spoilt, list[str]]) -> None:
    account, spoilt, ids = many
    gone = iter(ids)
    before_page(spoilt, 2, lambda: revoke(account, next(gone)), each_time=3)
    told = account.shell("keys list --json")
    assert told.err.count("The list of keys changed each time it was read") == 1
    assert spoilt.calls.count(LIST) == 6


def test_a_key_that_comes_twice_has_hidden_another(shell: Shell) -> None:
    """The total stands still, and the order of the service does not."""

    def page(number: int, row: object) -> Answer:
        meta = {"current_page": number, "last_page": 2, "per_page": 1, "total": 2, "allowed_sorts": []}
        return "200 OK", {}, json.dumps({"data": [row], "meta": meta}).encode()

    other = {**KEY, "id": ENTRY["id"], "name": "other"}
    with serving(Hostile([page(1, KEY), page(2, KEY), page(1, KEY), page(2, other)])) as url:
        rows = shell("keys list --json", env=at(url)).json
    assert [row["name"] for row in rows] == [KEY["name"], "other"]


@pytest.mark.parametrize("line", ["keys audit --json", "keys show '{}' --json"])
def test_others_read_the_same_list(many: tuple[Account, Spoilt, list[str]], line: str) -> None:
    """The first key of the second page, where the newest one goes."""
    account, spoilt, ids = many
    with closing(account.store()) as store:
        name = store.keys.get(ids[100]).name
    before_page(spoilt, 2, lambda: revoke(account, ids[0]))
    assert ids[100] in account.shell(line.format(name)).out


@pytest.mark.parametrize("sort", ["", "&sort=name", "&sort=-created_at"])
def test_pages_of_any_list_say_that_they_changed(many: tuple[Account, Spoilt, list[str]], sort: str) -> None:
    account, spoilt, ids = many
    still = account.shell(f"api '/public/v1/api-keys?filter[status]=active,expiring{sort}' --paginate")
    assert still.err == ""
    assert len(still.json) == len(ids)
    before_page(spoilt, 2, lambda: revoke(account, ids[0]))
    told = account.shell(f"api '/public/v1/api-keys?filter[status]=active,expiring{sort}' --paginate")
    assert told.err.count("The list changed while it was read") == 1
