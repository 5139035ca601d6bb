"""`astalty api` and secrets: whatever a server answers, a pipe gets none that nobody asked for."""

import json

import pytest

from tests.support.accounts import Account
from tests.support.hostile import CANARY, KEY, Answer, answering, at, listing, one, speaking
from tests.support.shell import Shell
from tests.support.terminal import Terminal

NEW = f"astalty_{'N3w' * 15}x"  # of the shape of a secret
OK = "200 OK"


# -- the caller's own key ------------------------------------------------------------------------


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in text)


SLASH, QUOTE = "astalty_canary/0123456789", 'astalty_k/K"_0123456789'


@pytest.mark.parametrize(
    ("key", "spelled"),
    [
        (SLASH, SLASH),
        (SLASH, SLASH.replace("/", "\\/")),
        (SLASH, escaped(SLASH)),
        (SLASH, escaped(SLASH).upper().replace("\\U", "\\u")),
        (SLASH, escaped(SLASH[:9]) + SLASH[9:].replace("/", "\\/")),
        (
            SLASH,
            r"\\u0061stalty_canary\\\/0123456789",
        ),  # as the history has another answer
        (SLASH, r"\\\\u0061stalty_canary\\\\/0123456789"),
        (QUOTE, r"\u0061stalty_k/K\u0022_0123456789"),
    ],
)
def test_a_key_that_is_echoed_is_hidden_however_it_is_spelled(shell: Shell, key: str, spelled: str) -> None:
    told = rf'{{"data": {{"a": "x {spelled}", "b": "\u00e9\"\\"}}}}'
    with answering((OK, {}, told.encode())) as (_, url):
        shell.environ |= at(url, key)
        for flags in ("", "-i", "-X POST -f a=b", "-o jsonl", "--query @"):
            body = shell(f"api x {flags}").out.rpartition("\n\n")[2]
            assert json.loads(body) == {"data": {"a": "x [secret]", "b": 'é"\\'}}
        assert shell("api x --query data.a").out == "x [secret]\n"


def test_the_key_is_in_no_output(account: Account) -> None:
    shell, secret = account.shell, account.home.secret().reveal()
    for line, code in (
        ("participants -i -v", 0),
        ("participants -f first_name=A -i -v", 5),
        ("participants -f first_name=A --dry-run --json", 0),
        ("participants --paginate -v", 0),
        ("nothing -i -v", 3),
    ):
        result = shell(f"api {line}", code=code)
        assert secret not in result.out + result.err


def test_a_server_that_echoes_the_key_in_its_head(shell: Shell) -> None:
    with speaking(lambda connection: connection.sendall(
        f"HTTP/1.1 422 No\r\nX-Debug: {CANARY}\r\nX-B: \x9b[31m\x85x-c: d\r\n\r\n{{}}".encode("latin-1"))
    ) as url:  # fmt: skip
        shown = shell("api x -i", env=at(url), code=5)
        assert "x-debug: [secret]" in shown.out
        assert r"x-b: \x9b[31m\x85x-c: d" in shown.out.splitlines()
        assert "\x9b" not in shown.out


# -- a secret in an answer -----------------------------------------------------------------------


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


def test_a_secret_in_a_head_is_hidden_in_a_pipe(shell: Shell) -> None:
    with answering((OK, {"X-New": NEW}, b"{}")) as (_, url):
        assert "x-new: [secret]" in shell("api x -i", env=at(url)).out


def test_all_pages_hide_a_secret_and_say_so_once(shell: Shell) -> None:
    row = {"id": 1, "note": "astalty_" + "s" * 46}
    with answering(("200 OK", {}, listing(row, row))) as (_, url):
        for form in ("", "--json", "-o jsonl", "--query [].note"):
            told = shell(f"api x --paginate {form}", env=at(url))
            assert told.out.count("[secret]") == 2
            assert "sss" not in told.out
            assert told.err.count("A secret in the answer is hidden") == 1


def test_on_a_terminal_what_was_asked_for_is_shown(shell: Shell) -> None:
    with answering((OK, {}, listing({"secret": NEW}))) as (_, url):
        for line in ("api x", "api x --paginate", "api x -f a=b --query data[0].secret"):
            assert NEW in Terminal(shell, line, env=at(url)).ends()


def test_a_new_secret_is_not_printed_where_nobody_sits(shell: Shell) -> None:
    made: Answer = ("201 Created", {}, one({**KEY, "secret": "astalty_" + "s" * 46}))
    with answering(made) as (_, url):
        shell.environ |= at(url)
        for form in ("", "--json", "-i", "--query data.secret", "-q"):
            told = shell(f"api /somewhere-else -f name=x {form}", code=7)
            assert "[secret]" in told.out
            assert "s" * 10 not in told.out + told.err
            assert f"astalty keys rotate --to DESTINATION {KEY['id']}" in told.err


def test_a_refusal_has_made_no_secret(shell: Shell) -> None:
    with answering(("422 No", {}, one({**KEY, "secret": "astalty_" + "s" * 46}))) as (_, url):
        told = shell("api x -f name=y -i", env=at(url), code=5)
        assert '"secret":"[secret]"' in told.out
