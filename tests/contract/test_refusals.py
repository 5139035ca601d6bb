"""Requests that make no sense: always an answer in the API's shape, never a failure of ours."""

import sys
from io import BytesIO
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astalty_cli.api.contract import API_KEYS, API_REQUESTS, PARTICIPANTS
from astalty_cli.sandbox.exchange import MAX_BODY
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.secret_format import is_well_formed, new_secret
from astalty_cli.sandbox.store import Store

JSON_TYPE = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "message"),
    [
        (b"{", JSON_TYPE, 400, "The body is not valid JSON."),
        (b'{"name": "\\ud800"}', JSON_TYPE, 400, "The body is not valid JSON."),
        (b'{"name": "\xff"}', JSON_TYPE, 400, "The body is not valid JSON."),
        (b"[" * 100_000, JSON_TYPE, 400, "The body is not valid JSON."),
        (
            b"name=x",
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "The body must be application/json.",
        ),
        (b" " * (MAX_BODY + 1), JSON_TYPE, 413, f"The body must not be greater than {MAX_BODY} bytes."),
        (b"{}", JSON_TYPE | {"Content-Length": "many"}, 400, "The Content-Length header is not a number."),
        (b"[]", JSON_TYPE, 422, "The given data was invalid."),
        (b"", JSON_TYPE, 422, "The given data was invalid."),
    ],
)
def test_bodies(
    api: httpx.Client, content: bytes, headers: dict[str, str], status: int, message: str
) -> None:
    response = api.post(API_KEYS, content=content, headers=headers)
    assert (response.status_code, response.json()["message"]) == (status, message)


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8"])
def test_json_by_any_of_its_names(api: httpx.Client, content_type: str) -> None:
    response = api.post(API_KEYS, content=b'{"name": "x"}', headers={"Content-Type": content_type})
    assert response.status_code == 201


def test_a_body_without_a_type_is_json(api: httpx.Client) -> None:
    assert api.post(API_KEYS, content=b'{"name": "x"}').status_code == 201


def test_a_wrong_method_is_told_which_are_right(api: httpx.Client) -> None:
    response = api.put(API_KEYS)
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
    assert response.json() == {"message": "The PUT method is not supported for route public/v1/api-keys."}


@pytest.mark.parametrize("path", ["nothing", "api-keys/x/y", "participants/x/y"])
def test_an_unknown_path_is_404_before_the_key_is_looked_at(
    api: httpx.Client, anyone: httpx.Client, store: Store, path: str
) -> None:
    for client in (anyone, api):
        for method in ("GET", "POST"):
            response = client.request(method, f"/public/v1/{path}")
            assert response.status_code == 404
            assert response.json() == {"message": f"The route public/v1/{path} could not be found."}
            assert "X-RateLimit-Limit" not in response.headers
    rows, meta = store.history.page(parse_query(f"filter[path]=/public/v1/{path}", REQUESTS))
    assert (meta.total, {row.status for row in rows}, {row.user for row in rows}) == (4, {404}, {None})


def test_without_a_limit_it_tells_one_that_nobody_reaches(api: httpx.Client, anyone: httpx.Client) -> None:
    told = api.get(API_KEYS).headers
    assert told["X-RateLimit-Limit"] == "1000000"
    assert "X-RateLimit-Remaining" not in told
    assert "X-RateLimit-Limit" not in anyone.get(API_KEYS).headers


_ANY = st.characters() | st.sampled_from("\ud800\x00\xff%[]*")  # and what is likely to hurt
_PATHS = [API_KEYS, API_REQUESTS, PARTICIPANTS, "/public/v1", ""]
_QUERIES = ["", "filter[path]=", "filter[name]=", "sort=", "page[size]=", "filter[created_to]="]
_ODD_ENVIRONS = st.fixed_dictionaries(
    {
        "REQUEST_METHOD": st.sampled_from(["GET", "POST", "PATCH", "DELETE", "OPTIONS", "HEAD", "BREW", ""]),
        "PATH_INFO": st.tuples(st.sampled_from(_PATHS), st.text(_ANY, max_size=20)).map("".join),
        "QUERY_STRING": st.tuples(st.sampled_from(_QUERIES), st.text(_ANY, max_size=30)).map("".join),
        "wsgi.input": st.binary(max_size=50).map(BytesIO),
    },
    optional={
        "CONTENT_LENGTH": st.text(_ANY, max_size=5) | st.integers().map(str),
        "HTTP_IDEMPOTENCY_KEY": st.text(_ANY, max_size=20),
        "HTTP_X_ODD": st.text(_ANY, max_size=20),
        "HTTP_USER_AGENT": st.text(_ANY, max_size=20),
    },
)


@given(odd=_ODD_ENVIRONS)
@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_no_client_would_send_never_fails(
    app: Any, secret: str, odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    environ = odd | {
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }
    started: list[str] = []
    answer = b"".join(app(environ, lambda status, _headers: started.append(status)))
    assert started[0] < "500"
    assert not caplog.records  # such as an entry that could not be written
    if answer:
        assert isinstance(msgspec.json.decode(answer), dict)


@given(st.data())
@settings(max_examples=50, derandomize=True, database=None)
def test_a_secret_with_a_typing_error_is_seen(data: st.DataObject) -> None:
    secret = new_secret().reveal()
    assert is_well_formed(secret)
    place = data.draw(st.integers(0, len(secret) - 1))
    typed = data.draw(st.sampled_from("09azAZ_"))
    mistaken = secret[:place] + typed + secret[place + 1 :]
    assert is_well_formed(mistaken) is (mistaken == secret)
    assert not is_well_formed(secret[:-1])
    assert not is_well_formed(secret + "\n")
