"""What the web pages of `sandbox serve` show and do, without a browser and so without a script."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from astalty_cli.api.models import ApiRequest, KeyReference, User
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Access, KeyStatus, Surface
from astalty_cli.sandbox.history import insert_entry, logged_side
from astalty_cli.sandbox.pages import entries, json_view
from astalty_cli.sandbox.store import Store
from tests.support.histories import entry
from tests.support.serving import Clock
from tests.support.visitor import Page, Visitor, visitor

HISTORY, KEYS, CREATE = "/dashboard/requests", "/dashboard/keys", "/dashboard/keys/create"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt;${x}\u202e"


@pytest.fixture
def owner(store: Store) -> Iterator[Visitor]:
    with visitor(store) as someone:
        yield someone


@pytest.fixture
def empty(store: Store) -> Store:
    """A store without requests."""
    with store.database.write() as connection:
        connection.execute("DELETE FROM api_requests")
    return store


def add(store: Store, request: ApiRequest, sent: bytes = b"", answer: bytes = b"", **headers: str) -> str:
    with store.database.write() as connection:
        insert_entry(connection, request, logged_side(headers, sent), logged_side({}, answer))
    return request.id


# -- keys ----------------------------------------------------------------------------------------


def test_the_way_to_a_new_key_is_the_real_one(owner: Visitor) -> None:
    home = owner.client.get("/", follow_redirects=True)
    page = Page(home.text)
    assert "Settings → Developers → API Dashboard" in page.text
    keys = page.link("Manage Keys")
    assert keys == KEYS
    create = owner.see(keys).link("Create API Key")
    assert create == CREATE
    text = owner.see(create).text
    assert "Name" in text
    assert text.index("Access Level") < text.index("Read Only") < text.index("Full Access")
    assert "API Key Created" in owner.create("ci").text


@pytest.mark.parametrize("access", Access)
def test_a_key_has_the_access_level_that_was_chosen(owner: Visitor, store: Store, access: Access) -> None:
    created = owner.create("ci", access).text
    secret = re.findall(r"astalty_\w{46}", created)[0]
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"first_name": "Karri", "last_name": "Galah"}
    written = owner.client.post("/public/v1/participants", headers=headers, json=body)
    assert written.status_code == (403 if access is Access.READ_ONLY else 201)
    key_id = store.keys.holder(Secret(secret))
    assert key_id is not None
    assert store.keys.get(key_id).created_by == store.owner()


def test_the_list_tells_what_is_known_of_each_key(owner: Visitor, store: Store) -> None:
    text = owner.see(KEYS).text
    for name in ("Rostering sync", "Read Only", "Full Access", "Never", "Expiring", "Active"):
        assert name in text
    assert "Old CRM bridge" not in text
    deleted = owner.see(f"{KEYS}?show=deleted").text
    assert "Old CRM bridge" in deleted
    assert "Rostering sync" not in deleted


def test_many_keys_come_in_pages(owner: Visitor, store: Store) -> None:
    for number in range(30):
        store.keys.create(f"key {number}", store.owner().id)
    first = owner.see(KEYS)
    older = first.link("Older")
    assert older is not None
    second = owner.see(older)
    assert "Rostering sync" in second.text
    assert second.link("Newer") is not None
    assert owner.client.get(f"{KEYS}?page=x").status_code == 422


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"name": "", "access": "read_only"}, "The name field is required."),
        ({"name": "   ", "access": "read_only"}, "The name field is required."),
        ({"name": "x" * 101, "access": "read_only"}, "must not be greater than 100 characters"),
        ({"name": "Rostering sync", "access": "read_only"}, "The name has already been taken."),
        ({"name": "ci", "access": ""}, "Choose an access level."),
        ({"name": "ci", "access": "owner"}, "Choose an access level."),
        ({"name": "ci"}, "Choose an access level."),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_can_be_sent_again(
    owner: Visitor, entered: dict[str, str], said: str
) -> None:
    form = owner.form(CREATE)
    wrong = owner.send(form, None, **entered)
    assert wrong.status_code == 422
    assert said in wrong.text
    assert not re.search(r"astalty_\w{46}", wrong.text)
    assert "API Key Created" in owner.send(form, name="right", access="read_only").text


def test_deleting_asks_first_and_then_ends_every_secret(owner: Visitor, store: Store) -> None:
    secret = re.findall(r"astalty_\w{46}", owner.create("ci").text)[0]
    key_id = store.keys.holder(Secret(secret))
    page = f"{KEYS}/{key_id}/delete"
    asked = owner.see(page)
    assert "ci" in asked.text
    assert store.keys.accepts(Secret(secret))
    form = owner.form(page)
    assert owner.send(form).status_code == 303
    assert not store.keys.accepts(Secret(secret))
    assert store.keys.get(str(key_id)).status is KeyStatus.REVOKED
    assert f"Deleted the key “ci” (ends in {secret[-4:]})." in owner.see(KEYS).text
    assert "Deleted the key" not in owner.see(KEYS).text
    assert owner.send(form).status_code == 404
    assert owner.client.get(page).status_code == 404


def test_no_page_is_a_page_too(owner: Visitor) -> None:
    for path in ("/dashboard/nowhere", f"{HISTORY}/00000000-0000-0000-0000-000000000000", f"{KEYS}/x/delete"):
        answer = owner.client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert Page(answer.text).link("Manage Keys") == KEYS


# -- the request history -------------------------------------------------------------------------


def test_an_entry_shows_all_that_the_real_page_does(owner: Visitor, empty: Store, clock: Clock) -> None:
    user = User("8a119b9e-16bc-4732-8f7b-7676d015b0dc", "Tobias Ironbark", "tobias@example.com")
    request = entry(clock(), status=422, method="POST", user=user, api_key=KeyReference("1", "CI"))
    add(empty, request, b'{"first_name":"Jarrah"}', b'{"message":"No."}', Accept="application/json")
    text = owner.see(f"{HISTORY}/{request.id}").text
    for name, value in {
        "Status": "422",
        "ID": request.id,
        "Time": "23 Nov 2026, 09:30:00 UTC",
        "IP Address": "203.0.113.9",
        "User": "Tobias Ironbark",
        "User ID": user.id,
        "Email": user.email,
        "API key": "CI",
        "Accept": "application/json",
    }.items():
        assert f"{name}{value}" in text
    assert '"first_name": "Jarrah"' in text
    assert '"message": "No."' in text


def test_an_entry_of_nobody_without_bodies_is_shown_too(owner: Visitor, empty: Store, clock: Clock) -> None:
    request = entry(clock(), status=401, ip_address=None, user_agent=None)
    add(empty, request)
    text = owner.see(f"{HISTORY}/{request.id}").text
    assert "EmailNone" in text
    assert "No request body." in text
    assert "No key" in owner.see(HISTORY).text


def test_older_and_newer_meet_each_entry_once(owner: Visitor, empty: Store, clock: Clock) -> None:
    """Many have the same moment, and some came late."""
    count = entries.PAGE_SIZE * 3 + 7
    times = [clock() - timedelta(seconds=number * 7 % 40) for number in range(count)]
    added = {add(empty, entry(at)): at for at in times}
    pages, where = [], HISTORY
    while where:
        page = owner.see(where)
        pages.append(page.ids)
        where = page.link("Older") or ""
    seen = [each for page in pages for each in page]
    assert len(seen) == count
    assert set(seen) == set(added)
    assert [(added[each], each) for each in seen] == sorted(
        ((added[each], each) for each in seen), reverse=True
    )
    assert page.link("Newest") == HISTORY
    for expected in reversed(pages[:-1]):
        page = owner.see(page.link("Newer") or "")
        assert page.ids[-len(expected) :] == expected[-len(page.ids) :]
    oldest = owner.see(owner.see(HISTORY).link("Oldest") or "")
    assert oldest.ids == seen[-entries.PAGE_SIZE :]
    assert oldest.link("Older") is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=404", {"missing"}),
        ("status=4xx,5xx", {"missing", "broken"}),
        ("failed=1", {"missing", "broken"}),
        ("method=POST", {"broken"}),
        ("path=/users", {"missing"}),
        ("path=users", {"missing"}),
        ("path=*goals", {"broken"}),
        ("key=k1", {"fine"}),
        ("from=2026-11-23T08:30", {"fine"}),
        ("to=2026-11-23T08:30:00", {"missing", "broken"}),
        ("from=2026-11-23T08:00&to=2026-11-23T08:30&failed=1", {"missing"}),
        ("status=&path=++&method=", {"fine", "missing", "broken"}),
        ("status=418", set()),
    ],
)
def test_filters(owner: Visitor, empty: Store, clock: Clock, query: str, found: set[str]) -> None:
    hour = timedelta(hours=1)
    goals = "/public/v1/participants/1/goals"
    ids = {
        add(empty, entry(clock(), api_key=KeyReference("k1", "CI"))): "fine",
        add(empty, entry(clock() - hour * 1.5, status=404, path="/public/v1/users")): "missing",
        add(empty, entry(clock() - hour * 3, status=500, method="POST", path=goals)): "broken",
    }
    assert {ids[each] for each in owner.see(f"{HISTORY}?{query}").ids} == found


@pytest.mark.parametrize(
    "query", ["status=9", "status=4xx,x", "from=soon", "to=2026-13-01T00:00", "path=" + "x" * 2001]
)
def test_a_wrong_filter_is_said_beside_its_field(owner: Visitor, query: str) -> None:
    answer = owner.client.get(f"{HISTORY}?{query}")
    assert answer.status_code == 422
    page = Page(answer.text)
    name = query.partition("=")[0]
    field = next(attrs for tag, attrs in page.elements if tag == "input" and attrs.get("name") == name)
    assert field["aria-invalid"] == "true"
    assert any(attrs.get("id") == field["aria-describedby"] for _, attrs in page.elements)
    assert page.ids == []


def test_filters_stay_while_leafing(owner: Visitor, empty: Store, clock: Clock) -> None:
    for number in range(entries.PAGE_SIZE * 2):
        add(empty, entry(clock() - timedelta(seconds=number), status=200 + number % 2))
    older = owner.see(f"{HISTORY}?status=201").link("Older")
    assert older is None
    older = owner.see(f"{HISTORY}?status=2xx").link("Older") or ""
    assert "status=2xx" in older
    assert len(owner.see(older).ids) == entries.PAGE_SIZE


def test_behind_a_rare_filter_a_page_looks_only_so_far(
    owner: Visitor, empty: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "LOOKED_AT", 10)
    rare = {add(empty, entry(clock() - timedelta(seconds=number), status=500)) for number in (5, 35)}
    for number in range(45):
        add(empty, entry(clock() - timedelta(seconds=number)))
    found: list[str] = []
    where, pages = f"{HISTORY}?status=500", 0
    while where:
        page = owner.see(where)
        found += page.ids
        where, pages = page.link("Keep looking") or "", pages + 1
    assert set(found) == rare
    assert len(found) == 2
    assert pages == 5
    assert page.ids == []
    back = owner.see(page.link("Newer") or "")
    assert "Looked at" in back.text
    assert back.link("Keep looking") is not None
    assert back.link("Older") is not None
    assert "Looked at" in owner.see(f"{HISTORY}?status=500").text


# -- text from elsewhere -------------------------------------------------------------------------


def test_hostile_text_is_text_wherever_it_is_shown(owner: Visitor, empty: Store, clock: Clock) -> None:
    body = json.dumps({HOSTILE: [HOSTILE, {HOSTILE: None}]}).encode()
    request = entry(
        clock(), method="<B>", path=f"/public/v1/{HOSTILE}", user_agent=HOSTILE, ip_address=HOSTILE,
        user=User(HOSTILE, HOSTILE, HOSTILE), api_key=KeyReference("1", HOSTILE),
    )  # fmt: skip
    add(empty, request, body, HOSTILE.encode(), **{HOSTILE: HOSTILE})
    key = empty.keys.create(HOSTILE, empty.owner().id)
    pages = [
        owner.client.get(path).text
        for path in (
            HISTORY, f"{HISTORY}/{request.id}", KEYS, f"{KEYS}/{key.id}/delete",
            f"{HISTORY}?path={HOSTILE}&status={HOSTILE}", f"{HISTORY}?before={HOSTILE}",
            f"/dashboard/{HOSTILE}", f"/sign-in/{HOSTILE}",
        )
    ]  # fmt: skip
    pages += [owner.create(HOSTILE).text, owner.create(HOSTILE + "2").text]
    for text in pages:
        page = Page(text)
        scripts = [attrs for tag, attrs in page.elements if tag == "script"]
        assert scripts == [{"src": "/dashboard/script.js", "defer": None}]
        assert not [tag for tag, _ in page.elements if tag in {"img", "b", "style", "iframe", "base"}]
        assert not [name for _, attrs in page.elements for name in attrs if name.startswith(("on", "style"))]
    assert HOSTILE in Page(pages[1]).text


def test_pages_name_no_other_address(owner: Visitor, store: Store) -> None:
    request = Page(owner.client.get(HISTORY).text).ids[0]
    for path in (HISTORY, f"{HISTORY}/{request}", KEYS, CREATE):
        for tag, attrs in owner.see(path).elements:
            for name in ("href", "src", "action"):
                address = attrs.get(name) or "/"
                assert address.startswith(("/", "#", "data:")), (tag, address)
                assert not address.startswith("//")


# -- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[1,-2.5e3,true,false,null,"x: \\"y\\",",{},[]],"b: {":{"c":"]"}}',
        b"[]",
        b"12",
        b'"a text"',
        b"[" * 200 + b"]" * 200,
        json.dumps(["\u00e9\n\t\u2028", "{", "[", "}"]).encode(),
        json.dumps(list(range(5000))).encode(),
    ],
)
def test_a_body_is_shown_whole_whatever_its_shape(body: bytes) -> None:
    raw = msgspec.Raw(body)
    shown = Page(json_view.view(raw))
    opened = [tag for tag, _ in shown.elements].count("details")
    assert json_view.view(raw).count("</details>") == opened <= 200
    text = "".join(shown.text.split())
    assert text == "".join(json_view.pretty(raw).split())
    if not body.startswith(b'"'):
        assert json.loads(json_view.pretty(raw)) == json.loads(body)


# -- the surface ---------------------------------------------------------------------------------


def test_with_the_documented_calls_alone_keys_are_created_on_the_page(store: Store) -> None:
    with visitor(store, Surface.DOCUMENTED) as owner:
        secret = re.findall(r"astalty_\w{46}", owner.create("ci").text)[0]
        headers: dict[str, Any] = {"Authorization": f"Bearer {secret}"}
        assert owner.client.get("/public/v1/participants", headers=headers).status_code == 200
        assert owner.client.get("/public/v1/api-keys", headers=headers).status_code == 404
        newest = owner.see(f"{HISTORY}?path=/api-keys").ids[0]
        assert "404" in owner.see(f"{HISTORY}/{newest}").text
