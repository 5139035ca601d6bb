"""`astalty api` and secrets: whatever a server answers, a pipe gets none that nobody asked for."""

import json

import pytest

from tests.hostile import answering, listing
from tests.shell import Shell
from tests.terminal import Terminal

KEY = "astalty_canary/0123456789"  # the caller's
NEW = f"astalty_{'N3w' * 15}x"  # of the shape of a secret
OK = "200 OK"


def at(url: str) -> dict[str, str]:
    return {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": KEY}


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


@pytest.mark.parametrize(
    "spelled",
    [
        KEY,
        escaped(KEY),
        escaped(KEY).upper().replace("\\U", "\\u"),
        KEY.replace("/", "\\/"),
        escaped(KEY[:9]) + KEY[9:].replace("/", "\\/"),
    ],
)
@pytest.mark.parametrize("flags", ["", "--query *", "--query k", "-i", "-X POST -f a=b"])
def test_a_key_that_is_echoed_is_hidden_however_it_is_spelled(shell: Shell, spelled: str, flags: str) -> None:
    with answering((OK, {}, f'{{"k": "{spelled}", "other": "caf\\u00e9"}}'.encode())) as (_, url):
        out = shell(f"api x {flags}", env=at(url)).out
    assert "[secret]" in out
    assert KEY not in out
    assert KEY not in out.replace("\\/", "/")
    assert escaped(KEY)[:30] not in out.lower()


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"id": "1", "secret": NEW}},
        {"data": {"id": "1", "secret": "some other shape"}},
        {"data": [{"note": f"see {NEW}"}], "meta": {}},
    ],
)
@pytest.mark.parametrize("flags", ["", "--query *", "-o jsonl", "-i"])
def test_a_secret_that_is_read_is_hidden_in_a_pipe(shell: Shell, body: object, flags: str) -> None:
    with answering((OK, {}, json.dumps(body).encode())) as (_, url):
        told = shell(f"api x {flags}", env=at(url))
    assert NEW not in told.out
    assert "some other shape" not in told.out
    assert "[secret]" in told.out
    assert "hidden" in told.err


def test_a_secret_in_the_rows_of_all_pages_is_hidden_in_a_pipe(shell: Shell) -> None:
    with answering((OK, {}, listing({"a": NEW}, {"a": 2}))) as (_, url):
        told = shell("api x --paginate", env=at(url))
    assert told.json == [{"a": "[secret]"}, {"a": 2}]


def test_a_secret_in_a_head_is_hidden_in_a_pipe(shell: Shell) -> None:
    with answering((OK, {"X-New": NEW}, b"{}")) as (_, url):
        assert "x-new: [secret]" in shell("api x -i", env=at(url)).out


def test_on_a_terminal_what_was_asked_for_is_shown(shell: Shell) -> None:
    shell.environ |= at("")
    with answering((OK, {}, json.dumps({"data": {"secret": NEW}}).encode())) as (_, url):
        assert NEW in Terminal(shell, "api x", env={"ASTALTY_BASE_URL": url}).ends()


def test_a_secret_that_was_made_is_an_error_in_a_pipe(shell: Shell) -> None:
    with answering(("201 Created", {}, json.dumps({"data": {"id": "1", "secret": NEW}}).encode())) as (
        _,
        url,
    ):
        told = shell("api x -f a=b", env=at(url), code=7)
    assert NEW not in told.out + told.err
    assert "astalty keys rotate KEY" in told.err
