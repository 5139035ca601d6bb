"""Secrets as Laravel Sanctum makes them, beside those of the sandbox's own style in one database."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from astalty_cli.api.contract import API_KEYS, API_REQUESTS, PARTICIPANTS
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import KeyStyle
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.secret_format import is_well_formed, new_secret, without_secrets
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock


@pytest.fixture
def sanctum(store: Store, tmp_path: Path, clock: Clock, secret: str) -> Iterator[httpx.Client]:
    """The same database, served with Sanctum's style, and called with a key of the other."""
    path = tmp_path / "data" / "sandbox.db"
    with closing(Store.open(path, clock=clock, key_style=KeyStyle.SANCTUM)) as styled:
        transport = httpx.WSGITransport(app=create_app(styled, rate_limit=0))
        headers = {"Authorization": f"Bearer {secret}"}
        with httpx.Client(transport=transport, base_url="http://sandbox.test", headers=headers) as client:
            yield client


def status(client: httpx.Client, secret: str) -> int:
    return client.get(PARTICIPANTS, headers={"Authorization": f"Bearer {secret}"}).status_code


def create(client: httpx.Client, name: str) -> str:
    return str(client.post(API_KEYS, json={"name": name}).json()["data"]["secret"])


def test_both_styles_work_on_either_server(api: httpx.Client, sanctum: httpx.Client, secret: str) -> None:
    first, ours, second = create(sanctum, "a"), create(api, "b"), create(sanctum, "c")
    assert re.fullmatch(r"1\|[0-9A-Za-z]{48}", first)
    assert re.fullmatch(r"2\|[0-9A-Za-z]{48}", second)
    assert ours.startswith("astalty_")
    for client in (api, sanctum):
        assert {status(client, each) for each in (secret, first, ours, second)} == {200}


def test_the_part_behind_the_bar_works_alone_and_not_with_another_number(sanctum: httpx.Client) -> None:
    first, second = create(sanctum, "a"), create(sanctum, "b")
    token = first.partition("|")[2]
    assert status(sanctum, token) == 200
    assert {status(sanctum, each) for each in (f"2|{token}", f"0|{token}", f"|{token}", f"1||{token}")} == {
        401
    }
    assert {status(sanctum, each) for each in (first[:-1], first.swapcase(), f"{10**30}|{token}")} == {401}
    assert status(sanctum, second) == 200


def test_a_number_before_a_secret_of_the_other_style_is_not_accepted(
    sanctum: httpx.Client, secret: str
) -> None:
    assert status(sanctum, f"1|{secret}") == 401


def test_a_rotation_gives_the_style_of_the_server_and_both_work_in_grace(
    api: httpx.Client, sanctum: httpx.Client
) -> None:
    key = api.post(API_KEYS, json={"name": "moves"}).json()["data"]
    rotated = sanctum.post(f"{API_KEYS}/{key['id']}/rotate", json={"grace_seconds": 60}).json()["data"]
    assert rotated["secret"].startswith("1|")
    assert rotated["last_four"] == rotated["secret"][-4:]
    assert status(api, key["secret"]) == status(api, rotated["secret"]) == 200
    assert sanctum.delete(f"{API_KEYS}/{key['id']}").status_code == 204
    assert status(api, rotated["secret"]) == status(api, rotated["secret"].partition("|")[2]) == 401


def test_no_part_of_one_is_in_an_entry(sanctum: httpx.Client) -> None:
    secret = create(sanctum, "a")
    token = secret.partition("|")[2]
    for spelt in (secret, token, secret.replace("|", "%7C"), secret.replace("|", "%7c")):
        sanctum.get(f"{PARTICIPANTS}?token={spelt}", headers={"X-Token": spelt, "User-Agent": f"x {spelt}"})
        sanctum.post(f"{PARTICIPANTS}?{spelt}", json={"first_name": f"<{spelt}>", "last_name": spelt})
    status(sanctum, secret)
    status(sanctum, token)
    listed = sanctum.get(API_REQUESTS, params={"include": "bodies", "page[size]": "100"}).text
    assert listed.count("[secret]") >= 20
    assert token[:40] not in listed


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a 12|" + "x" * 30 + ".", "a [secret]."),
        ("a 12|" + "x" * 29, "a 12|" + "x" * 29),
        ("f" * 48, "f" * 48),  # as long as one, and its check tail is wrong
        ("9" * 100_000, "9" * 100_000),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_what_is_taken_for_a_secret_in_a_text(text: str, clean: str) -> None:
    assert without_secrets(text.encode()) == clean.encode()


@pytest.mark.parametrize("style", KeyStyle)
def test_a_secret_with_a_typing_error_is_seen(style: KeyStyle) -> None:
    secret = new_secret(style, 7).reveal()
    assert is_well_formed(secret)
    assert without_secrets(f"<{secret}>".encode()) == b"<[secret]>"
    for place in range(secret.find("|") + 1, len(secret)):
        typed = "0" if secret[place] != "0" else "1"
        assert not is_well_formed(secret[:place] + typed + secret[place + 1 :])


def test_the_sandbox_s_own_key_has_the_style_in_which_it_was_created(tmp_path: Path) -> None:
    database = tmp_path / "sandbox" / "sandbox.db"
    own = Home(database, KeyStyle.SANCTUM).secret()
    assert own.reveal().startswith("1|")
    assert Home(database).secret() == own
    with closing(Home(database).open()) as store:
        key_id = store.keys.holder(own)
        assert key_id is not None
        assert Home(database).holding(key_id) == ["sandbox"]
        assert store.keys.holder(Secret("nonsense|")) is None
        store.keys.revoke(key_id)
    assert Home(database).secret().reveal().startswith("astalty_")
