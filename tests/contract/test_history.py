"""The request history: everything is logged, nothing secret is in it, and it can be searched."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from astalty_cli.api.contract import API_KEYS, API_KEYS_CURRENT, API_REQUESTS, MAX_LOGGED_BODY, PARTICIPANTS
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.exchange import MAX_BODY
from astalty_cli.sandbox.store import Store
from tests.contract.conftest import BASE_URL
from tests.support.serving import Clock


class TickingClock(Clock):
    """Moves on a little at each look, so that entries have an order."""

    def __call__(self) -> datetime:
        self.move(milliseconds=1)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return TickingClock()


@pytest.fixture(autouse=True)
def _later(clock: Clock, store: Store) -> None:
    clock.move(seconds=10)  # past the seeded entries


def newest(api: httpx.Client) -> dict[str, Any]:
    """Return the last entry with its bodies (the look itself is logged only afterwards)."""
    params = {"page[size]": "1", "include": "bodies", "filter[created_from]": "2026-11-23T09:30:05Z"}
    return dict(api.get(API_REQUESTS, params=params).json()["data"][0])


def test_an_entry_has_all_its_fields(api: httpx.Client, store: Store) -> None:
    sent = {"first_name": "Myrtle", "last_name": "Heron"}
    response = api.post(f"{PARTICIPANTS}?x=%5B", json=sent, headers={"User-Agent": "tests/1"})
    entry = newest(api)
    owner = store.owner()
    key = api.get(API_KEYS_CURRENT).json()["data"]
    assert entry.pop("duration_ms") >= 0
    assert re.fullmatch(r"2026-11-23T09:30:10\.\d{6}Z", entry["created_at"])
    request, answer = entry.pop("request"), entry.pop("response")
    assert entry == {
        "id": entry["id"],
        "status": 201,
        "method": "POST",
        "path": "/public/v1/participants?x=%5B",
        "created_at": entry["created_at"],
        "ip_address": "127.0.0.1",
        "user_agent": "tests/1",
        "user": {"id": owner.id, "name": owner.name, "email": owner.email},
        "api_key": {"id": key["id"], "name": "the tests' own"},
    }
    assert (request["body"], request["truncated"]) == (sent, False)
    assert request["headers"]["Content-Type"] == "application/json"
    assert request["headers"]["Authorization"] == f"Bearer …{key['last_four']}"
    assert (answer["body"], answer["truncated"]) == (response.json(), False)
    assert answer["headers"]["Content-Type"] == "application/json"


def test_the_single_form_has_bodies_and_a_list_only_if_asked(api: httpx.Client) -> None:
    api.get(API_KEYS_CURRENT)
    entry = newest(api)
    assert api.get(f"{API_REQUESTS}/{entry['id']}").json() == {"data": entry}
    plain = api.get(API_REQUESTS).json()["data"]
    assert not any("request" in row or "response" in row for row in plain)
    assert api.get(f"{API_REQUESTS}/unknown").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/public/v1/nothing-here", 404),
        ("GET", "/public/v1", 404),
        ("GET", "/public/v1/é/%00%ff", 404),
        ("PUT", API_KEYS, 405),
        ("TRACE", API_KEYS, 405),
        ("GET", f"{API_KEYS}?sort=x", 400),
    ],
)
def test_refusals_are_logged(api: httpx.Client, method: str, path: str, status: int) -> None:
    response = api.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["message"]
    entry = newest(api)
    assert (entry["method"], entry["status"]) == (method, status)
    assert entry["response"]["body"] == response.json()
    assert entry["path"].isascii()


def test_a_401_is_logged_without_a_user(anyone: httpx.Client, api: httpx.Client) -> None:
    guessed = "astalty_guess-of-a-stranger-WXYZ"
    for path in (API_KEYS, PARTICIPANTS):
        assert anyone.get(path, headers={"Authorization": f"Bearer {guessed}"}).status_code == 401
        entry = newest(api)
        assert (entry["status"], entry["path"], entry["user"], entry["api_key"]) == (401, path, None, None)
        assert entry["request"]["headers"]["Authorization"] == "Bearer …WXYZ"


def test_what_is_outside_of_the_api_is_not_logged(anyone: httpx.Client, store: Store) -> None:
    with store.database.read() as connection:
        before = connection.execute("SELECT count(*) FROM api_requests").fetchone()[0]
    for path in ("/", "/docs/openapi.json", "/public/v10/x"):
        anyone.get(path)
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM api_requests").fetchone()[0] == before


def test_secrets_are_in_no_file_and_in_no_entry(api: httpx.Client, secret: str, tmp_path: Path) -> None:
    created = api.post(API_KEYS, json={"name": "canary"}, headers={"Idempotency-Key": "K"}).json()["data"]
    rotated = api.post(f"{API_KEYS}/{created['id']}/rotate", json={"grace_seconds": 60}).json()["data"]
    assert newest(api)["response"]["body"]["data"]["secret"] == "[secret]"
    known = [secret, created["secret"], rotated["secret"]]
    for value in known:
        headers = {"Authorization": f"Bearer {value}", "User-Agent": f"agent {value}", "X-Key": value}
        api.get(f"{API_KEYS_CURRENT}?key={value}", headers=headers)
        api.post(PARTICIPANTS, content=value + "x" * 100_000, headers=headers)
        api.get(API_KEYS, headers={"Authorization": value})
        api.get(API_KEYS, headers={"Authorization": f"Basic {value}"})
    entries = api.get(API_REQUESTS, params={"include": "bodies", "page[size]": "100"}).text
    files = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    assert {"sandbox.db", "sandbox.db-wal"} <= set(files)
    for value in known:
        assert value not in entries
        for content in files.values():
            assert value.encode() not in content
            assert value[8:-6].encode() not in content


def test_a_long_body_is_cut(api: httpx.Client) -> None:
    fits = '"' + "é" * (MAX_LOGGED_BODY // 2 - 1) + '"'
    for content, truncated in ((fits, False), (fits + " ", True)):
        api.post(PARTICIPANTS, content=content.encode())
        request = newest(api)["request"]
        assert request["truncated"] is truncated
    assert request["body"] == fits
    assert api.post(PARTICIPANTS, content=b"[" + b"0," * MAX_BODY + b"0]").status_code == 413


@pytest.mark.parametrize(
    ("content", "status", "logged"),
    [
        (b"", 422, None),
        (b"not json", 400, "not json"),
        (b"\xff\xfe", 400, "\ufffd\ufffd"),
        (b'"\\ud800"', 400, '"\\ud800"'),
        (b"[" * 5000, 400, "[" * 5000),
        (b"[1, 2]", 422, [1, 2]),
        (b"null", 422, None),
        (b"1e999", 400, "1e999"),
    ],
)
def test_bodies_of_any_kind(api: httpx.Client, content: bytes, status: int, logged: object) -> None:
    assert api.post(PARTICIPANTS, content=content).status_code == status
    assert newest(api)["request"]["body"] == logged


def test_answers_of_the_history_are_logged_without_their_body(api: httpx.Client) -> None:
    api.get(API_REQUESTS)
    entry = newest(api)
    assert entry["path"] == API_REQUESTS
    assert entry["response"]["body"] is None
    assert entry["response"]["headers"]["Content-Type"] == "application/json"


def test_an_entry_that_cannot_be_written_does_not_cost_the_answer(
    api: httpx.Client, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with store.database.write() as connection:
        connection.execute("ALTER TABLE api_request_bodies RENAME TO gone")
    assert api.get(API_KEYS_CURRENT).status_code == 200
    assert "could not write its request history" in caplog.text


def test_the_rate_limit_is_told_and_its_refusals_are_logged(store: Store, secret: str, clock: Clock) -> None:
    transport = httpx.WSGITransport(app=create_app(store, rate_limit=3))
    headers = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(transport=transport, base_url=BASE_URL, headers=headers) as api:
        left = [api.get(API_KEYS_CURRENT).headers["X-RateLimit-Remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        clock.move(seconds=20.5)
        refused = api.get(API_KEYS_CURRENT)
        assert (refused.status_code, refused.json()) == (429, {"message": "Too Many Attempts."})
        assert refused.headers["Retry-After"] == "40"
        assert refused.headers["X-RateLimit-Limit"] == "3"
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        clock.move(seconds=40)
        response = api.get(API_REQUESTS, params={"page[size]": "1"})
        assert response.headers["X-RateLimit-Remaining"] == "2"
        assert response.json()["data"][0]["status"] == 429
        assert response.json()["data"][0]["api_key"]["name"] == "the tests' own"


def test_each_key_has_a_limit_of_its_own(store: Store, secret: str) -> None:
    with httpx.Client(
        transport=httpx.WSGITransport(app=create_app(store, rate_limit=1)), base_url=BASE_URL
    ) as api:
        other = store.keys.create("other", created_by=store.owner().id).secret
        assert other is not None
        for value, status in ((secret, 200), (secret, 429), (other.reveal(), 200)):
            assert api.get(API_KEYS, headers={"Authorization": f"Bearer {value}"}).status_code == status


class TestSearch:
    """Over the seeded month."""

    @staticmethod
    def find(api: httpx.Client, **filters: str) -> list[dict[str, Any]]:
        params = {f"filter[{name}]": value for name, value in filters.items()}
        params |= {
            "page[size]": "100",
            "filter[created_to]": filters.get("created_to", "2026-11-23T09:30:00Z"),
        }
        response = api.get(API_REQUESTS, params=params)
        assert response.status_code == 200
        return list(response.json()["data"])

    def test_by_status(self, api: httpx.Client) -> None:
        assert {row["status"] for row in self.find(api, status="404")} == {404}
        assert {row["status"] for row in self.find(api, status="4xx")} == {401, 404, 422, 429}
        assert {row["status"] for row in self.find(api, status="5xx,201")} == {500, 201}

    def test_by_method_address_and_whom(self, api: httpx.Client) -> None:
        assert {row["method"] for row in self.find(api, method="POST,PATCH")} == {"POST", "PATCH"}
        row = next(row for row in self.find(api) if row["user"])
        assert {found["ip_address"] for found in self.find(api, ip_address=row["ip_address"])} == {
            row["ip_address"]
        }
        assert {found["user"]["id"] for found in self.find(api, user_id=row["user"]["id"])} == {
            row["user"]["id"]
        }
        assert {found["user"]["email"] for found in self.find(api, email=row["user"]["email"])} == {
            row["user"]["email"]
        }
        key_id = row["api_key"]["id"]
        assert {found["api_key"]["id"] for found in self.find(api, api_key_id=key_id)} == {key_id}
        assert self.find(api, email="nobody@wattle-and-wren.example") == []

    @pytest.mark.parametrize(
        ("pattern", "path", "fits"),
        [
            ("/public/v1/part", "/public/v1/participants", True),
            ("*/goals", "/public/v1/participants/x/goals", True),
            ("/public/*/goals", "/public/v1/participants/x/goals?page=1", True),
            ("participants", "/public/v1/participants", False),
            ("/public/v1/x_", "/public/v1/xy", False),
            ("/public/v1/x?", "/public/v1/xy", False),
            ("/public/v1/x?y", "/public/v1/x?y", True),
            ("/public/v1/x%", "/public/v1/xy", False),
            ("/public/v1/x?a[b]", "/public/v1/x?a[b]=1", True),
            ("/public/v1/[x]", "/public/v1/x", False),
            ("/PUBLIC", "/public/v1/x", False),
            ("*" * 2000, "/public/v1/x", True),
        ],
    )
    def test_by_path(self, api: httpx.Client, clock: Clock, pattern: str, path: str, fits: bool) -> None:
        api.get(httpx.URL(BASE_URL, raw_path=path.encode()))
        params = {"filter[path]": pattern, "filter[created_from]": "2026-11-23T09:30:05Z"}
        found = api.get(API_REQUESTS, params=params).json()["data"]
        assert [row["path"] for row in found] == ([path] if fits else [])

    def test_by_time_from_inclusive_to_exclusive(self, api: httpx.Client) -> None:
        first, *_, last = rows = self.find(api)
        between = self.find(api, created_from=last["created_at"], created_to=first["created_at"])
        assert between == rows[1:]
        in_brisbane = "2026-11-23T19:30:00+10:00"
        assert self.find(api, created_to=in_brisbane) == rows

    def test_sorts(self, api: httpx.Client) -> None:
        for sort in ("created_at", "status", "duration_ms"):
            up = api.get(API_REQUESTS, params={"sort": sort, "page[size]": "100", "filter[status]": "2xx"})
            values = [row[sort] for row in up.json()["data"]]
            assert len(values) == 100
            assert values == sorted(values)
            ties = [(row[sort], row["id"]) for row in up.json()["data"]]
            assert ties == sorted(ties)
        times = [row["created_at"] for row in api.get(API_REQUESTS).json()["data"]]
        assert times == sorted(times, reverse=True)
