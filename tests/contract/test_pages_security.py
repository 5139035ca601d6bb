"""The web pages of `sandbox serve`, closed: who may see them, what they take, and what they never tell."""

import logging
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import KeyStyle
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock, serving
from tests.support.visitor import ADDRESS, Form, Page, Visitor, visitor

PAGES = ["/", "/dashboard/requests", "/dashboard/keys", "/dashboard/keys/create", "/dashboard/nowhere"]
FROM_OUR_PAGE = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def stranger(store: Store) -> Iterator[Visitor]:
    with visitor(store, signed_in=False) as someone:
        yield someone


@pytest.fixture
def owner(store: Store) -> Iterator[Visitor]:
    with visitor(store) as someone:
        yield someone


def names(store: Store) -> list[str]:
    return [key.name for key in store.keys.page(parse_query("page[size]=100", KEYS))[0]]


def entries(store: Store) -> int:
    return store.history.page(parse_query("", REQUESTS))[1].total


# -- the sign-in link ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_without_the_cookie_a_page_says_how_to_sign_in_and_nothing_else(
    stranger: Visitor, store: Store, path: str
) -> None:
    answer = stranger.client.get(path)
    assert answer.status_code == 403
    assert "astalty sandbox serve" in answer.text
    assert not [name for name in names(store) if name in answer.text]


def test_a_link_signs_in_once(stranger: Visitor) -> None:
    answer = stranger.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"astalty-8787=[\w-]{43}; Path=/; HttpOnly; SameSite=Strict", cookie)
    assert stranger.client.get("/dashboard/keys").status_code == 200
    stranger.client.cookies.clear()
    again = stranger.sign_in()
    assert again.status_code == 403
    assert "Set-Cookie" not in again.headers
    assert "used already" in again.text


def test_a_wrong_link_signs_nobody_in_and_leaves_the_right_one_alone(stranger: Visitor) -> None:
    for token in ("", "x", stranger.links[0].rpartition("/")[2][:-1], "new-link", "é"):
        assert stranger.client.get(f"/sign-in/{token}").status_code == 403
    assert stranger.sign_in().status_code == 303


def test_a_browser_that_only_guesses_uses_up_no_link(stranger: Visitor) -> None:
    for header in ("Sec-Purpose", "Purpose"):
        ahead = stranger.client.get(stranger.links[0], headers={header: "prefetch;prerender"})
        assert ahead.status_code == 403
    assert stranger.client.head(stranger.links[0]).status_code == 403
    assert stranger.sign_in().status_code == 303


def test_a_new_link_is_shown_in_the_terminal_and_not_on_the_page(stranger: Visitor) -> None:
    (form,) = Page(stranger.client.get("/").text).forms
    answer = stranger.send(form)
    assert answer.status_code == 200
    first, second = stranger.links
    assert second not in answer.text
    assert stranger.client.get(first).status_code == 403
    assert stranger.client.get(second).status_code == 303


def test_another_site_cannot_have_links_shown(stranger: Visitor) -> None:
    form = Form("/sign-in/new-link", "post")
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert stranger.send(form, headers).status_code == 403
    assert len(stranger.links) == 1


def test_signing_out_ends_the_session_on_the_server(owner: Visitor) -> None:
    cookies = dict(owner.client.cookies)
    (out,) = [form for form in owner.see("/dashboard/keys").forms if form.action == "/sign-out"]
    answer = owner.send(out)
    assert answer.status_code == 303
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    owner.client.cookies.update(cookies)
    assert owner.client.get("/dashboard/keys").status_code == 403


def test_a_session_ends_after_twelve_hours(owner: Visitor, clock: Clock) -> None:
    clock.move(hours=11, minutes=59)
    assert owner.client.get("/dashboard/keys").status_code == 200
    clock.move(minutes=1)
    assert owner.client.get("/dashboard/keys").status_code == 403


def test_sessions_of_two_servers_are_apart(owner: Visitor) -> None:
    with serving(owner.app) as url:
        cookie = f"astalty-8787={owner.client.cookies['astalty-8787']}"
        assert httpx.get(f"{url}/dashboard/keys", headers={"Cookie": cookie}).status_code == 403


# -- where a request comes from ------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8787",
        "127.0.0.1",
        "127.0.0.1:9999",
        "127.0.0.1.evil.example:8787",
        "127.0.0.1:8787, evil.example",
        "evil.example@127.0.0.1:8787",
        "localhost.evil.example:8787",
        "127.0.0.1:8787/",
        "",
    ],
)
def test_a_foreign_host_gets_nothing(owner: Visitor, host: str) -> None:
    for path in (*PAGES, "/dashboard/style.css"):
        answer = owner.client.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787"])
def test_every_name_of_this_machine_is_its_own(owner: Visitor, host: str) -> None:
    assert owner.client.get("/dashboard/keys", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://127.0.0.1:8787"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "cross-site"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "same-site"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_form_from_elsewhere_changes_nothing(owner: Visitor, store: Store, headers: dict[str, str]) -> None:
    form = owner.form("/dashboard/keys/create")
    answer = owner.send(form, headers, name="theirs", access="full_access")
    assert answer.status_code == 403
    assert "theirs" not in names(store)


@pytest.mark.parametrize("headers", [FROM_OUR_PAGE, {"Origin": ADDRESS}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_form_of_our_page_is_taken(owner: Visitor, store: Store, headers: dict[str, str]) -> None:
    form = owner.form("/dashboard/keys/create")
    assert owner.send(form, headers, name="mine", access="full_access").status_code == 200
    assert "mine" in names(store)


def test_a_form_needs_the_token_of_its_own_session(owner: Visitor, store: Store) -> None:
    with visitor(store) as other:
        others = other.form("/dashboard/keys/create").fields["csrf"]
    form = owner.form("/dashboard/keys/create")
    for token in ("", "x", others, "é"):
        assert owner.send(form, name="theirs", access="full_access", csrf=token).status_code == 403
    del form.fields["csrf"]
    assert owner.send(form, name="theirs", access="full_access").status_code == 403
    key = store.keys.create("kept", store.owner().id)
    delete = Form(f"/dashboard/keys/{key.id}/delete", "post")
    assert owner.send(delete).status_code == 403
    assert "theirs" not in names(store)
    assert store.keys.get(key.id).revoked_at is None


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/sign-out", "POST"),
        ("PUT", "/dashboard/keys", "GET"),
        ("DELETE", "/dashboard/keys/create", "GET, POST"),
        ("OPTIONS", "/dashboard/requests", "GET"),
    ],
)
def test_a_page_takes_only_its_own_methods(owner: Visitor, method: str, path: str, allowed: str) -> None:
    answer = owner.client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize("path", ["/dashboard/keys", "/dashboard/style.css", "/dashboard/nowhere"])
def test_head_says_what_get_would(owner: Visitor, path: str) -> None:
    got, head = (owner.client.request(method, path) for method in ("GET", "HEAD"))
    assert head.content == b""
    assert head.status_code == got.status_code
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


def test_a_form_of_any_size_is_answered(owner: Visitor, store: Store) -> None:
    answer = owner.send(owner.form("/dashboard/keys/create"), name="x" * 20_000, access="read_only")
    assert answer.status_code == 413


# -- what an answer tells ------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/sign-in/x", "/dashboard/style.css", "/dashboard/script.js"])
def test_every_answer_is_closed_to_the_outside_and_kept_by_nobody(owner: Visitor, path: str) -> None:
    headers = owner.client.get(path).headers
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_secret_is_shown_once_and_sending_the_form_again_creates_nothing(
    owner: Visitor, store: Store
) -> None:
    form = owner.form("/dashboard/keys/create")
    created = owner.send(form, name="ci", access="read_only")
    assert created.status_code == 200
    (secret,) = re.findall(r"astalty_\w{46}", created.text)
    assert store.keys.accepts(Secret(secret))
    before = len(names(store))
    again = owner.send(form, name="ci again", access="read_only")
    assert again.status_code == 409
    assert len(names(store)) == before
    for path in PAGES[1:]:
        assert secret not in owner.client.get(path).text
    assert secret not in again.text


def test_nothing_done_on_the_pages_is_in_the_request_history(owner: Visitor, store: Store) -> None:
    before = entries(store)
    owner.create("ci")
    owner.see("/dashboard/requests")
    owner.client.get("/sign-in/x")
    assert entries(store) == before


def test_no_log_has_a_link_a_cookie_or_a_secret(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the client's own
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    with (
        visitor(store, signed_in=False) as someone,
        serving(someone.app) as url,
        httpx.Client(base_url=url) as client,
    ):
        someone.client = client
        wrong = client.get(someone.links[0] + "x")
        assert someone.sign_in().status_code == 303
        secret = re.findall(r"astalty_\w{46}", someone.create("ci").text)[0]
        monkeypatch.setattr(someone.pages, "_sessions", None)
        failed = client.get(someone.links[0])
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    logging.getLogger("httpcore").setLevel(logging.NOTSET)
    assert (wrong.status_code, failed.status_code) == (403, 500)
    assert "AttributeError" in caplog.text
    for private in (someone.links[0].rpartition("/")[2], secret, *client.cookies.values()):
        assert private not in caplog.text
        assert private not in failed.text


def test_keys_have_the_style_of_the_server(tmp_path: Path, clock: Clock) -> None:
    with (
        closing(Store.open(tmp_path / "s.db", clock=clock, key_style=KeyStyle.SANCTUM)) as store,
        visitor(store) as owner,
    ):
        assert re.search(r">1\|[0-9A-Za-z]{48}<", owner.create("ci").text)


def test_the_api_takes_no_cookie_and_the_pages_take_no_key(owner: Visitor, secret: str) -> None:
    assert owner.client.get("/public/v1/participants").status_code == 401
    headers = {"Authorization": f"Bearer {secret}"}
    assert owner.client.get("/public/v1/participants", headers=headers).status_code == 200
    owner.client.cookies.clear()
    assert owner.client.get("/dashboard/keys", headers=headers).status_code == 403
    assert owner.client.get("/docs").status_code == 200
