"""Participants and goals."""

import httpx
import pytest

from astalty_cli.api.contract import PARTICIPANTS, USERS
from astalty_cli.sandbox.store import Store

PARTICIPANT_FIELDS = [
    "id",
    "name",
    "full_name",
    "first_name",
    "last_name",
    "preferred_name",
    "status",
    "created_at",
]
GOAL_FIELDS = [
    "id",
    "name",
    "goal_type",
    "description",
    "achievement_strategy",
    "barriers",
    "status",
    "achieved_at",
    "archived_at",
    "created_at",
]


def test_create_show_and_change(api: httpx.Client) -> None:
    created = api.post(PARTICIPANTS, json={"first_name": "Myrtle", "last_name": "Heron"})
    assert created.status_code == 201
    person = created.json()["data"]
    assert list(person) == PARTICIPANT_FIELDS
    assert (person["full_name"], person["status"], person["preferred_name"]) == (
        "Myrtle Heron",
        "active",
        None,
    )
    path = f"{PARTICIPANTS}/{person['id']}"
    assert api.get(path).json() == {"data": person}
    changed = api.patch(path, json={"last_name": "Egret", "preferred_name": "Myr"})
    assert changed.status_code == 200
    assert changed.json()["data"] == person | {
        "last_name": "Egret",
        "name": "Myrtle Egret",
        "full_name": "Myrtle Egret",
        "preferred_name": "Myr",
    }
    assert api.patch(path, json={"preferred_name": None}).json()["data"]["preferred_name"] is None


def test_an_archived_participant_may_not_be_changed(api: httpx.Client) -> None:
    person = api.get(PARTICIPANTS, params={"filter[status]": "archived"}).json()["data"][0]
    response = api.patch(f"{PARTICIPANTS}/{person['id']}", json={"status": "active"})
    assert response.status_code == 403
    assert response.json() == {"message": "An archived participant may not be changed."}


def test_goals_of_a_participant_in_a_list_and_within(api: httpx.Client) -> None:
    people = api.get(PARTICIPANTS, params={"include": "goals", "page[size]": "100"}).json()["data"]
    person = next(person for person in people if person["goals"])
    assert list(person["goals"][0]) == GOAL_FIELDS
    path = f"{PARTICIPANTS}/{person['id']}"
    listed = api.get(f"{path}/goals", params={"sort": "created_at"}).json()
    assert listed["data"] == person["goals"]
    assert listed["meta"]["total"] == len(person["goals"])
    assert api.get(path, params={"include": "goals"}).json()["data"] == person
    assert "goals" not in api.get(path).json()["data"]


def test_lists_filter_and_sort(api: httpx.Client) -> None:
    def names(**parameters: str) -> list[str]:
        people = api.get(PARTICIPANTS, params={"page[size]": "100", **parameters}).json()["data"]
        return [person["full_name"] for person in people]

    assert names() == names(sort="name") == sorted(names())
    assert names(sort="-name") == sorted(names(), reverse=True)
    assert names(**{"filter[full_name]": "KARRI"}) == [name for name in names() if "Karri" in name] != []


def test_the_status_filter_takes_one_or_several(api: httpx.Client) -> None:
    def statuses(wanted: str) -> list[str]:
        people = api.get(PARTICIPANTS, params={"page[size]": "100", "filter[status]": wanted}).json()["data"]
        return [person["status"] for person in people]

    assert {*statuses("active")} == {"active"}
    assert {*statuses("archived,prospect")} == {"archived", "prospect"}
    assert len(statuses("active")) + len(statuses("archived,prospect")) == 60


def test_users_are_named_with_an_address_that_leads_nowhere(api: httpx.Client, store: Store) -> None:
    listed = api.get(USERS).json()
    assert [list(user) for user in listed["data"]] == [["id", "name", "email"]] * listed["meta"]["total"]
    names = [user["name"] for user in listed["data"]]
    assert names == sorted(names)
    assert store.owner().name in names
    assert {user["email"].rpartition(".")[2] for user in listed["data"]} == {"example"}
    assert [user["name"] for user in api.get(USERS, params={"sort": "-name"}).json()["data"]] == names[::-1]
    assert api.get(USERS, params={"filter[name]": "x"}).status_code == 400
    assert api.get(f"{USERS}/{listed['data'][0]['id']}").status_code == 404
    assert api.post(USERS, json={}).status_code == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/x"), ("PATCH", "/x"), ("GET", "/x/goals"), ("GET", "/x/goals?filter[status]=achieved")],
)
def test_an_unknown_participant_is_404(api: httpx.Client, method: str, path: str) -> None:
    assert api.request(method, PARTICIPANTS + path, json={}).status_code == 404


def test_every_wrong_field_is_told(api: httpx.Client) -> None:
    response = api.post(PARTICIPANTS, json={"first_name": "", "preferred_name": 5, "status": "asleep"})
    assert response.status_code == 422
    assert response.json()["errors"] == {
        "first_name": ["The first name field is required."],
        "last_name": ["The last name field is required."],
        "preferred_name": ["The preferred name field must be a string."],
        "status": ["The selected status is invalid."],
    }
    wrong: list[dict[str, object]] = [{"first_name": None}, {"status": ["active"]}, {"last_name": {}}]
    for body in wrong:
        assert api.post(PARTICIPANTS, json=body).status_code == 422
