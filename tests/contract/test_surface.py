"""What a sandbox with only the documented calls offers."""

import re
from collections.abc import Iterator

import httpx
import msgspec
import pytest

from astalty_cli.api import contract
from astalty_cli.api.contract import API_KEYS, API_REQUESTS, ENDPOINT_DASHBOARD, OPENAPI, PARTICIPANTS, USERS
from astalty_cli.base.vocabulary import Surface
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.openapi import document
from astalty_cli.sandbox.store import Store


@pytest.fixture
def documented(store: Store, secret: str) -> Iterator[httpx.Client]:
    app = create_app(store, rate_limit=0, surface=Surface.DOCUMENTED)
    with httpx.Client(
        transport=httpx.WSGITransport(app=app),
        base_url="http://sandbox.test",
        headers={"Authorization": f"Bearer {secret}"},
    ) as client:
        yield client


def test_the_documented_calls_answer(documented: httpx.Client, api: httpx.Client) -> None:
    person = documented.get(PARTICIPANTS, params={"filter[status]": "active"}).json()["data"][0]
    for path in (
        USERS,
        PARTICIPANTS,
        f"{PARTICIPANTS}/{person['id']}",
        f"{PARTICIPANTS}/{person['id']}/goals",
    ):
        answer = documented.get(path)
        assert answer.status_code == 200
        assert answer.json() == api.get(path).json()


@pytest.mark.parametrize(
    "path", [OPENAPI, "/public/v1/nothing", *(call.path.format(id="x") for call in contract.ASSUMED)]
)
def test_any_other_path_is_404_in_json_with_and_without_a_key(documented: httpx.Client, path: str) -> None:
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            answer = documented.request(method, path, headers=headers)
            assert answer.status_code == 404
            assert answer.json() == {"message": f"The route {path[1:]} could not be found."}


def test_participants_can_only_be_read(documented: httpx.Client) -> None:
    person = documented.get(PARTICIPANTS).json()["data"][0]
    for method, path in (("POST", PARTICIPANTS), ("PATCH", f"{PARTICIPANTS}/{person['id']}")):
        answer = documented.request(method, path, json={"first_name": "Myrtle", "last_name": "Heron"})
        assert answer.status_code == 405
        assert method not in answer.headers["Allow"]


def test_without_a_key_a_documented_call_is_401(documented: httpx.Client) -> None:
    answer = documented.get(PARTICIPANTS, headers={"Authorization": "Bearer nonsense"})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthenticated."})


def test_its_calls_are_in_the_history_that_it_does_not_offer(documented: httpx.Client, store: Store) -> None:
    documented.get(PARTICIPANTS, params={"mark": "here"})
    documented.get(API_REQUESTS, params={"mark": "here"})
    rows, _ = store.history.page(parse_query("filter[path]=*mark=here", REQUESTS))
    assert sorted(row.status for row in rows) == [200, 404]


def test_the_endpoint_dashboard_shows_what_there_is(documented: httpx.Client, api: httpx.Client) -> None:
    offered = msgspec.json.decode(document(Surface.DOCUMENTED))["paths"]
    assert PARTICIPANTS in offered
    assert {method for operations in offered.values() for method in operations} == {"get"}
    page = documented.get(ENDPOINT_DASHBOARD)
    assert page.status_code == 200
    assert f">{len(offered)} endpoints<" in page.text
    assert re.findall(rf"{API_KEYS}|{API_REQUESTS}|{OPENAPI}", page.text) == []
    assert OPENAPI in api.get(ENDPOINT_DASHBOARD).text
