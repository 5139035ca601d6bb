"""API keys: every call of the contract, with the clock in the test's hand."""

from typing import Any

import httpx
import pytest

from astalty_cli.api import contract
from astalty_cli.api.contract import API_KEYS, API_KEYS_CURRENT, MAX_GRACE
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.participants import PARTICIPANTS
from astalty_cli.sandbox.secret_format import is_well_formed
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock

NOW = "2026-11-23T09:30:00.000000Z"


def create(api: httpx.Client, name: str = "new") -> dict[str, Any]:
    response = api.post(API_KEYS, json={"name": name})
    assert response.status_code == 201
    return dict(response.json()["data"])


def rotate(api: httpx.Client, key_id: str, grace: int = 0, **more: object) -> httpx.Response:
    return api.post(f"{API_KEYS}/{key_id}/rotate", json={"grace_seconds": grace, **more})


def works(api: httpx.Client, secret: str) -> bool:
    response = api.get(API_KEYS_CURRENT, headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code in (200, 401)
    return response.status_code == 200


def test_a_new_key_is_told_with_its_secret_once(api: httpx.Client, store: Store) -> None:
    key = create(api)
    secret = key.pop("secret")
    owner = store.owner()
    assert is_well_formed(secret)
    assert key == {
        "id": key["id"],
        "name": "new",
        "last_four": secret[-4:],
        "status": "active",
        "access": "full_access",
        "rotation": 0,
        "created_at": NOW,
        "rotated_at": None,
        "last_used_at": None,
        "last_used_ip": None,
        "previous_expires_at": None,
        "revoked_at": None,
        "created_by": {"id": owner.id, "name": owner.name, "email": owner.email},
    }
    assert api.get(f"{API_KEYS}/{key['id']}").json() == {"data": key}
    assert secret not in api.get(API_KEYS, params={"page[size]": "100"}).text


def test_a_read_only_key_reads_and_does_nothing_else(api: httpx.Client, store: Store) -> None:
    made = api.post(API_KEYS, json={"name": "reports", "access": "read_only"}).json()["data"]
    assert made["access"] == "read_only"
    reading = {"Authorization": f"Bearer {made['secret']}"}
    own = f"{API_KEYS}/{made['id']}"
    assert api.get(own, headers=reading).json()["data"]["access"] == "read_only"
    assert api.get(API_KEYS_CURRENT, headers=reading).json()["data"]["access"] == "read_only"
    person = store.participants.page(parse_query("filter[status]=active", PARTICIPANTS))[0][0]
    for method, path, body in (
        ("POST", API_KEYS, {"name": "another"}),
        ("PATCH", own, {"name": "renamed"}),
        ("POST", f"{own}/rotate", {"grace_seconds": 0}),
        ("POST", f"{own}/expire-previous", {"within_seconds": 0}),
        ("DELETE", own, None),
        ("POST", contract.PARTICIPANTS, {"first_name": "Myrtle", "last_name": "Heron"}),
        ("PATCH", f"{contract.PARTICIPANTS}/{person.id}", {"preferred_name": "Myr"}),
        ("PUT", contract.PARTICIPANTS, {}),
    ):
        refused = api.request(method, path, json=body, headers=reading | {"Idempotency-Key": "once"})
        assert (refused.status_code, refused.json()) == (403, {"message": "This action is unauthorized."})
        assert refused.headers["X-RateLimit-Limit"]
    assert api.get(own).json()["data"] == {
        name: value for name, value in made.items() if name != "secret"
    } | {"last_used_at": NOW, "last_used_ip": "127.0.0.1"}
    assert store.participants.get(person.id) == person
    again = api.post(API_KEYS, json={"name": "another"}, headers={"Idempotency-Key": "once"})
    assert again.status_code == 201  # a 403 is not what the same request is answered with


def test_a_rotated_key_keeps_its_access_level(api: httpx.Client) -> None:
    key = api.post(API_KEYS, json={"name": "reports", "access": "read_only"}).json()["data"]
    assert rotate(api, key["id"]).json()["data"]["access"] == "read_only"


@pytest.mark.parametrize("access", ["read-only", "", None, 1, ["read_only"]])
def test_an_access_level_that_there_is_not(api: httpx.Client, access: object) -> None:
    response = api.post(API_KEYS, json={"name": "x", "access": access})
    assert response.status_code == 422
    assert response.json()["errors"] == {"access": ["The selected access is invalid."]}


def test_current_is_the_key_that_calls_with_its_account(
    api: httpx.Client, store: Store, clock: Clock
) -> None:
    clock.move(hours=1)
    current = api.get(API_KEYS_CURRENT).json()["data"]
    account = store.account()
    assert current["name"] == "the tests' own"
    assert current["account"] == {"id": account.id, "name": account.name}
    assert current["last_used_at"] == "2026-11-23T10:30:00.000000Z"
    assert current["last_used_ip"] == "127.0.0.1"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Basic dXNlcjpwYXNz",
        "Bearer astalty_" + "0" * 46,
    ],
)
def test_without_a_working_key_it_is_401(anyone: httpx.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = anyone.get(API_KEYS, headers=headers)
    assert response.status_code == 401
    assert response.json() == {"message": "Unauthenticated."}


def test_rename_and_the_name_of_another(api: httpx.Client) -> None:
    key = create(api, "one")
    create(api, "two")
    assert api.patch(f"{API_KEYS}/{key['id']}", json={"name": "three"}).json()["data"]["name"] == "three"
    assert api.patch(f"{API_KEYS}/{key['id']}", json={"name": "three"}).status_code == 200
    response = api.patch(f"{API_KEYS}/{key['id']}", json={"name": "two"})
    assert response.status_code == 422
    assert response.json() == {
        "message": "The given data was invalid.",
        "errors": {"name": ["The name has already been taken."]},
    }


def test_the_name_of_a_revoked_key_is_free(api: httpx.Client) -> None:
    key = create(api, "again")
    assert api.post(API_KEYS, json={"name": "again"}).status_code == 422
    assert api.delete(f"{API_KEYS}/{key['id']}").status_code == 204
    assert create(api, "again")["id"] != key["id"]


@pytest.mark.parametrize(
    "name", ["\x1b[31mred\x1b[0m", "\u202ebidi", "[/x]", "=1+1", "🐦", "小鸟", "a\x00b", " ", "%_*?["]
)
def test_hostile_names_are_only_names(api: httpx.Client, name: str) -> None:
    key = create(api, name)
    assert key["name"] == name
    assert api.get(f"{API_KEYS}/{key['id']}").json()["data"]["name"] == name
    found = api.get(API_KEYS, params={"filter[name]": name, "page[size]": "100"}).json()["data"]
    assert key["id"] in [row["id"] for row in found]
    assert [row["name"] for row in found if name not in row["name"]] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "The name field is required."),
        ({"name": None}, "The name field is required."),
        ({"name": ""}, "The name field is required."),
        ({"name": 7}, "The name field must be a string."),
        ({"name": "x" * 101}, "The name field must not be greater than 100 characters."),
    ],
)
def test_a_name_that_cannot_be(api: httpx.Client, body: object, message: str) -> None:
    response = api.post(API_KEYS, json=body)
    assert response.status_code == 422
    assert response.json() == {"message": "The given data was invalid.", "errors": {"name": [message]}}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"grace_seconds": ["The grace seconds field is required."]}),
        ({"grace_seconds": "1"}, {"grace_seconds": ["The grace seconds field must be an integer."]}),
        ({"grace_seconds": True}, {"grace_seconds": ["The grace seconds field must be an integer."]}),
        ({"grace_seconds": 1.5}, {"grace_seconds": ["The grace seconds field must be an integer."]}),
        ({"grace_seconds": -1}, {"grace_seconds": ["The grace seconds field must be at least 0."]}),
        (
            {"grace_seconds": MAX_GRACE + 1, "if_rotation": -1},
            {
                "grace_seconds": ["The grace seconds field must not be greater than 604800."],
                "if_rotation": ["The if rotation field must be at least 0."],
            },
        ),
    ],
)
def test_a_grace_that_cannot_be(api: httpx.Client, body: object, errors: object) -> None:
    key = create(api)
    response = api.post(f"{API_KEYS}/{key['id']}/rotate", json=body)
    assert response.status_code == 422
    assert response.json()["errors"] == errors
    assert api.get(f"{API_KEYS}/{key['id']}").json()["data"]["rotation"] == 0


def test_several_secrets_in_grace_keep_their_own_ends(api: httpx.Client, clock: Clock) -> None:
    key = create(api)
    first = key["secret"]
    second = rotate(api, key["id"], 100).json()["data"]["secret"]
    rotated = rotate(api, key["id"], 50).json()["data"]
    third = rotated["secret"]
    assert (rotated["status"], rotated["rotation"], rotated["last_four"]) == ("expiring", 2, third[-4:])
    assert rotated["previous_expires_at"] == "2026-11-23T09:31:40.000000Z"
    clock.move(seconds=49)
    assert [works(api, secret) for secret in (first, second, third)] == [True, True, True]
    clock.move(seconds=1)
    assert [works(api, secret) for secret in (first, second, third)] == [True, False, True]
    clock.move(seconds=50)
    assert [works(api, secret) for secret in (first, second, third)] == [False, False, True]
    shown = api.get(f"{API_KEYS}/{key['id']}").json()["data"]
    assert (shown["status"], shown["previous_expires_at"]) == ("active", None)


def test_a_grace_of_nothing_ends_the_secret_at_once(api: httpx.Client) -> None:
    key = create(api)
    rotated = rotate(api, key["id"], 0).json()["data"]
    assert rotated["status"] == "active"
    assert rotated["rotated_at"] == NOW
    assert not works(api, key["secret"])
    assert works(api, rotated["secret"])


def test_a_key_may_rotate_and_revoke_itself(api: httpx.Client, secret: str) -> None:
    key_id = api.get(API_KEYS_CURRENT).json()["data"]["id"]
    new = rotate(api, key_id, 0).json()["data"]["secret"]
    assert not works(api, secret)
    headers = {"Authorization": f"Bearer {new}"}
    assert api.delete(f"{API_KEYS}/{key_id}", headers=headers).status_code == 204
    assert not works(api, new)


def test_if_rotation_lets_one_of_two_win(api: httpx.Client) -> None:
    key = create(api)
    assert rotate(api, key["id"], 60, if_rotation=0).status_code == 201
    shown = api.get(f"{API_KEYS}/{key['id']}").json()
    for response in (
        rotate(api, key["id"], 0, if_rotation=0),
        rotate(api, key["id"], 0, if_rotation=10**30),
        api.post(f"{API_KEYS}/{key['id']}/expire-previous", json={"within_seconds": 0, "if_rotation": 0}),
    ):
        assert response.status_code == 409
        assert list(response.json()) == ["message"]
    assert works(api, key["secret"])
    shown["data"]["last_used_at"] = NOW
    shown["data"]["last_used_ip"] = "127.0.0.1"
    assert api.get(f"{API_KEYS}/{key['id']}").json() == shown


def test_expire_previous_shortens_and_never_lengthens(api: httpx.Client, clock: Clock) -> None:
    key = create(api)
    second = rotate(api, key["id"], 1000).json()["data"]["secret"]
    third = rotate(api, key["id"], 10).json()["data"]["secret"]

    def expire(within: int) -> dict[str, Any]:
        response = api.post(f"{API_KEYS}/{key['id']}/expire-previous", json={"within_seconds": within})
        assert response.status_code == 200
        return dict(response.json()["data"])

    assert expire(100)["previous_expires_at"] == "2026-11-23T09:31:40.000000Z"
    assert expire(MAX_GRACE)["previous_expires_at"] == "2026-11-23T09:31:40.000000Z"
    clock.move(seconds=10)
    assert [works(api, secret) for secret in (key["secret"], second, third)] == [True, False, True]
    ended = expire(0)
    assert (ended["status"], ended["previous_expires_at"], ended["rotation"]) == ("active", None, 2)
    assert [works(api, secret) for secret in (key["secret"], second, third)] == [False, False, True]


def test_revoking_stops_every_secret_and_leaves_the_key_to_be_seen(api: httpx.Client, clock: Clock) -> None:
    key = create(api)
    new = rotate(api, key["id"], 1000).json()["data"]["secret"]
    assert api.delete(f"{API_KEYS}/{key['id']}").content == b""
    assert [works(api, key["secret"]), works(api, new)] == [False, False]
    shown = api.get(f"{API_KEYS}/{key['id']}").json()["data"]
    assert (shown["status"], shown["revoked_at"], shown["previous_expires_at"]) == ("revoked", NOW, None)
    for response in (
        api.patch(f"{API_KEYS}/{key['id']}", json={"name": "x"}),
        rotate(api, key["id"], 0),
        rotate(api, key["id"], 0, if_rotation=99),
        api.post(f"{API_KEYS}/{key['id']}/expire-previous", json={"within_seconds": 0}),
        api.delete(f"{API_KEYS}/{key['id']}"),
    ):
        assert response.status_code == 404


@pytest.mark.parametrize("key_id", ["5c9f9d2e-0000-4000-8000-000000000000", "nonsense", "%00", "é"])
def test_an_unknown_key_is_404(api: httpx.Client, key_id: str) -> None:
    for response in (
        api.get(f"{API_KEYS}/{key_id}"),
        api.patch(f"{API_KEYS}/{key_id}", json={"name": "x"}),
        rotate(api, key_id, 0),
        api.post(f"{API_KEYS}/{key_id}/expire-previous", json={"within_seconds": 0}),
        api.delete(f"{API_KEYS}/{key_id}"),
    ):
        assert response.status_code == 404
        assert list(response.json()) == ["message"]


def test_the_list_filters_and_sorts(api: httpx.Client, clock: Clock) -> None:
    clock.move(seconds=1)
    a, b = create(api, "Zz alpha"), create(api, "zz beta")
    rotate(api, b["id"], 60)
    c = create(api, "zz gamma")
    api.delete(f"{API_KEYS}/{c['id']}")

    def names(**parameters: str) -> list[str]:
        response = api.get(API_KEYS, params={"page[size]": "100", "filter[name]": "ZZ", **parameters})
        assert response.status_code == 200
        return [row["name"] for row in response.json()["data"]]

    assert names(sort="name") == ["Zz alpha", "zz beta", "zz gamma"]
    assert names(sort="-name") == ["zz gamma", "zz beta", "Zz alpha"]
    assert names(**{"filter[status]": "expiring"}) == ["zz beta"]
    assert names(**{"filter[status]": "revoked,active"}, sort="name") == ["Zz alpha", "zz gamma"]
    assert names(**{"filter[name]": "alpha,gamma"}, sort="name") == ["Zz alpha", "zz gamma"]
    ids = sorted(key["id"] for key in (a, b, c))
    by_time = api.get(API_KEYS, params={"filter[name]": "zz", "sort": "-created_at"}).json()["data"]
    assert [row["id"] for row in by_time] == ids[::-1]  # ties by id, in the same direction
