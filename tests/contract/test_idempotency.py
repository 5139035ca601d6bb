"""`Idempotency-Key`, with all its answers."""

import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from astalty_cli.api.contract import API_KEYS, API_KEYS_CURRENT, IDEMPOTENCY_TTL, PARTICIPANTS
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.store import Store
from tests.contract.conftest import BASE_URL
from tests.support.serving import Clock


def post(api: httpx.Client, body: object, key: str = "K-1", path: str = API_KEYS) -> httpx.Response:
    return api.post(path, json=body, headers={"Idempotency-Key": key})


def total(api: httpx.Client) -> int:
    return int(api.get(API_KEYS).json()["meta"]["total"])


def test_a_replay_answers_without_the_secret_and_makes_no_second_key(api: httpx.Client) -> None:
    before = total(api)
    first = post(api, {"name": "once"})
    replay = post(api, {"name": "once"})
    assert replay.status_code == first.status_code == 201
    expected = first.json()["data"]
    del expected["secret"]
    assert replay.json() == {"data": expected | {"secret_already_shown": True}}
    assert post(api, {"name": "once"}).content == replay.content
    assert total(api) == before + 1


def test_a_replayed_rotation_rotates_once(api: httpx.Client) -> None:
    key = post(api, {"name": "turn"}).json()["data"]
    path = f"{API_KEYS}/{key['id']}/rotate"
    first = post(api, {"grace_seconds": 5}, "K-2", path).json()["data"]
    replay = post(api, {"grace_seconds": 5}, "K-2", path).json()["data"]
    assert replay["rotation"] == first["rotation"] == 1
    assert "secret" not in replay
    assert api.get(f"{API_KEYS}/{key['id']}").json()["data"]["rotation"] == 1


def test_the_same_key_for_another_request_is_422(api: httpx.Client) -> None:
    key = post(api, {"name": "once"}).json()["data"]
    for response in (
        post(api, {"name": "other"}),
        api.post(API_KEYS, content=b'{"name": "once" }', headers={"Idempotency-Key": "K-1"}),
        post(api, {"name": "once"}, path=PARTICIPANTS),
        post(api, {"grace_seconds": 0}, path=f"{API_KEYS}/{key['id']}/rotate"),
        post(api, {"grace_seconds": 0}, path=f"{API_KEYS}/no-such-key/rotate"),
    ):
        assert response.status_code == 422
        assert list(response.json()["errors"]) == ["idempotency_key"]


def test_refusals_are_kept_too(api: httpx.Client) -> None:
    taken = api.post(API_KEYS, json={"name": "taken"}).json()["data"]
    refused = post(api, {"name": "taken"})
    api.delete(f"{API_KEYS}/{taken['id']}")
    again = post(api, {"name": "taken"})
    assert (again.status_code, again.json()) == (refused.status_code, refused.json()) == (422, refused.json())
    missing = post(api, {}, "K-2", f"{API_KEYS}/x/rotate")
    assert post(api, {}, "K-2", f"{API_KEYS}/x/rotate").json() == missing.json()
    other = post(api, {"grace_seconds": 0}, "K-2", f"{API_KEYS}/x/rotate")
    assert list(other.json()["errors"]) == ["idempotency_key"]
    assert post(api, {}, "K-3", "/public/v1/nothing").status_code == 404


def test_a_key_is_forgotten_after_24_hours(api: httpx.Client, clock: Clock) -> None:
    assert post(api, {"name": "day"}).status_code == 201
    clock.move(seconds=IDEMPOTENCY_TTL - 1)
    assert post(api, {"name": "day"}).json()["data"]["secret_already_shown"]
    clock.move(seconds=1)
    assert post(api, {"name": "day"}).json()["errors"] == {"name": ["The name has already been taken."]}


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
def test_an_idempotency_key_that_cannot_be(api: httpx.Client, key: str) -> None:
    response = post(api, {"name": "x"}, key)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == ["idempotency_key"]


@pytest.mark.parametrize("key", ["x", "x" * 255, "a b~!"])
def test_an_idempotency_key_that_can_be(api: httpx.Client, key: str) -> None:
    assert post(api, {"name": "x"}, key).status_code == 201


def test_other_methods_take_no_notice(api: httpx.Client) -> None:
    headers = {"Idempotency-Key": "K-1"}
    for _ in range(2):
        assert api.get(API_KEYS_CURRENT, headers=headers).status_code == 200


def test_a_refused_key_is_not_kept(anyone: httpx.Client, secret: str) -> None:
    assert post(anyone, {"name": "x"}).status_code == 401
    anyone.headers["Authorization"] = f"Bearer {secret}"
    assert "secret" in post(anyone, {"name": "x"}).json()["data"]


def test_a_call_over_the_rate_limit_is_not_kept(store: Store, secret: str, clock: Clock) -> None:
    transport = httpx.WSGITransport(app=create_app(store, rate_limit=1))
    with httpx.Client(
        transport=transport, base_url=BASE_URL, headers={"Authorization": f"Bearer {secret}"}
    ) as api:
        assert api.get(API_KEYS).status_code == 200
        assert post(api, {"name": "x"}).status_code == 429
        clock.move(minutes=1)
        assert "secret" in post(api, {"name": "x"}).json()["data"]


def test_a_failure_is_not_kept_and_undoes_the_change(api: httpx.Client, store: Store, caplog: Any) -> None:
    with store.database.write() as connection:
        connection.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON key_secrets BEGIN SELECT raise(FAIL, 'disk trouble'); END"
        )
    before = total(api)
    response = post(api, {"name": "x"})
    assert (response.status_code, response.json()) == (500, {"message": "Server Error"})
    assert total(api) == before
    with store.database.write() as connection:
        connection.execute("DROP TRIGGER fail")
    assert "secret" in post(api, {"name": "x"}).json()["data"]


def test_no_record_holds_a_secret(api: httpx.Client, store: Store, tmp_path: Path) -> None:
    secret = post(api, {"name": "x"}).json()["data"]["secret"]
    with sqlite3.connect(tmp_path / "data" / "sandbox.db") as connection:
        bodies = b"".join(row[0] for row in connection.execute("SELECT body FROM idempotency"))
    connection.close()
    assert b"secret_already_shown" in bodies
    assert secret.encode() not in bodies
