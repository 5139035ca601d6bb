"""What a service may do wrong: the exit code, one clear line, bounded time, and nothing sent elsewhere."""

import json
import socket
import time

import pytest

from astalty_cli import __version__
from tests.support.check_ups import answering_by_call
from tests.support.hostile import ACCOUNT, CANARY, ENTRY, KEY, Answer, answering, at, listing, one, speaking
from tests.support.shell import Result, Shell

OWN: Answer = ("200 OK", {}, one({**KEY, "account": ACCOUNT}))
KEYS: Answer = ("200 OK", {}, listing(KEY))
SAID = b'{"message": "said so"}'
NOTHING = "This says nothing about the key."


def ask(shell: Shell, url: str, line: str, code: int) -> Result:
    result = shell(line, env=at(url), code=code)
    assert CANARY not in result.out + result.err
    return result


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("400 Bad Request", 5, "said so"),
        ("401 Unauthorized", 4, "does not accept this key (said so)"),
        ("403 Forbidden", 4, "said so"),
        ("404 Not Found", 6, NOTHING),
        ("405 Method Not Allowed", 6, NOTHING),
        ("409 Conflict", 5, "said so"),
        ("408 Request Timeout", 6, "HTTP 408"),
        ("410 Gone", 5, "said so"),
        ("422 Unprocessable", 5, "said so"),
        ("451 Unavailable", 5, "said so"),
        ("500 Internal Server Error", 6, "HTTP 500"),
    ],
)
def test_each_status_has_its_exit_code(shell: Shell, status: str, code: int, told: str) -> None:
    with answering(KEYS, (status, {}, SAID)) as (_, url):
        ask(shell, url, "keys list", 0)
        assert told in ask(shell, url, "keys list", code).err


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "405 Method Not Allowed"])
def test_what_answers_everything_alike_decides_nothing(shell: Shell, status: str) -> None:
    with answering((status, {}, SAID)) as (_, url):
        for line in ("keys list", "history list", "auth status", "keys create x --plain"):
            assert NOTHING in ask(shell, url, line, 6).err


def test_validation_messages_are_shown_for_each_field(shell: Shell) -> None:
    body = b'{"message": "The given data was invalid.", "errors": {"name": ["Too plain.", "Too long."]}}'
    with answering(("422 No", {}, body)) as (_, url):
        told = ask(shell, url, "keys create x --plain", 5)
        assert "name: Too plain." in told.err
        assert "name: Too long." in told.err
        as_json = ask(shell, url, "keys create x --json", 5).error
        assert as_json["errors"] == {"name": ["Too plain.", "Too long."]}
        assert (as_json["code"], as_json["status"]) == ("refused", 422)


def test_what_a_server_says_is_kept_short(shell: Shell) -> None:
    words = "a" * 2_000_000
    said = json.dumps({"message": words, "errors": {words: [words] * 3}})
    with answering(("422 No", {"Location": words[:9000]}, said.encode())) as (_, url):
        for line in ("keys create x --plain", "keys create x --json", "api x -X POST"):
            told = ask(shell, url, line, 5)
            assert "aaa…" in told.err.replace(r"\u2026", "…")
            assert len(told.err) < 4000


def test_a_server_without_key_management_says_what_to_do(shell: Shell) -> None:
    with answering_by_call({}) as (_, env):
        told = shell("keys create x", env=env, code=2)
        assert "This service has no API for keys" in told.err
        assert "Settings → Developers → API Dashboard → Manage Keys" in told.err
        assert "This service does not list its keys. From the record:" in shell("keys list", env=env).err
        for line in ("history list", f"history show {ENTRY['id']}"):
            told = shell(line, env=env, code=3)
            assert "Settings → Developers → API Dashboard → the request history" in told.err


def test_a_redirect_is_never_followed(shell: Shell) -> None:
    with answering(("200 OK", {}, listing(KEY))) as (elsewhere, other):
        with answering(("302 Found", {"Location": f"{other}/x"}, b"")) as (_, url):
            for line in ("keys list", "keys create x --plain", "api participants"):
                assert f"redirects to {other}/x" in ask(shell, url, line, 6).err
        assert elsewhere.calls == []


def test_a_redirect_of_what_is_asked_without_a_key_speaks_of_none(shell: Shell) -> None:
    with answering(("301 Moved", {"Location": "https://login.example/"}, b"")) as (_, url):
        listed = ask(shell, url, "endpoints list", 0)
    assert "This is the built-in one" in listed.err
    assert "/public/v1/participants" in listed.out
    assert " key" not in listed.err


def test_a_get_is_tried_again(shell: Shell) -> None:
    down = ("503 Down", {"Retry-After": "0"}, b"")
    with answering(down, down, ("200 OK", {}, listing(KEY))) as (app, url):
        assert ask(shell, url, "keys list", 0).rows[0][1] == "ci"
        assert len(app.calls) == 3


def test_a_call_that_makes_a_secret_is_asked_again_only_with_its_idempotency_key(shell: Shell) -> None:
    with answering(OWN, ("503 Down", {"Retry-After": "0"}, b"")) as (app, url):
        told = ask(shell, url, "keys create x --plain", 7).err
        assert "The key 'x' may exist" in told
        assert "astalty keys recover" in told
        assert app.calls[1:] == [("POST", "/public/v1/api-keys")] * 4
        assert len({each["HTTP_IDEMPOTENCY_KEY"] for each in app.headers[1:]}) == 1


def test_what_is_sent_without_an_idempotency_key_is_sent_once(shell: Shell) -> None:
    with answering(("200 OK", {}, one(KEY)), ("503 Down", {"Retry-After": "0"}, b"")) as (app, url):
        ask(shell, url, f"keys rename {KEY['id']} other", 6)
        assert [method for method, _ in app.calls] == ["GET", "PATCH"]


@pytest.mark.parametrize("after", ["9999999999", "Fri, 31 Dec 2399 23:59:59 GMT"])
def test_a_wait_beyond_the_time_out_fails_at_once(shell: Shell, after: str) -> None:
    limited = ("429 Slow", {"Retry-After": after}, b'{"message": "Too Many Attempts."}')
    with answering(limited) as (app, url):
        assert "Rate limited" in ask(shell, url, "keys list", 6).err
        assert len(app.calls) == 1


@pytest.mark.parametrize("after", ["-5", "junk", "", "1e3", "Wed, 21 Oct 2015 07:28:00 GMT", "٣"])
def test_a_useless_retry_after_is_ignored(shell: Shell, after: str) -> None:
    limited = ("429 Slow", {"Retry-After": after.encode().decode("latin-1")}, b"")
    with answering(limited, ("200 OK", {}, listing(KEY))) as (app, url):
        ask(shell, url, "keys list", 0)
        assert len(app.calls) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"<html>login</html>",
        b"",
        b"[",
        b'{"data": 5, "meta": {}}',
        b'{"data": [], "meta": {}}',
        listing({**KEY, "name": 5}),
        listing({**KEY, "created_at": "yesterday"}),
        listing({**KEY, "status": "sleeping"}),
        listing({**KEY, "rotation": -1}),
        listing("a string"),
        b"\xff\xfe",
        b"[" * 100_000,
        rb'{"data": [], "meta": {"allowed_sorts": ["\ud800"], "x": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_the_promised_answer_is_one_clear_line(shell: Shell, body: bytes) -> None:
    with answering(KEYS, ("200 OK", {}, body)) as (_, url):
        ask(shell, url, "keys list", 0)
        told = ask(shell, url, "keys list", 6)
        assert told.out == ""
        assert told.err.startswith("astalty: ")
        assert len(told.err.splitlines()) <= 2


def test_an_answer_over_the_limit_is_cut_off(shell: Shell) -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
        for _ in range(40):
            connection.sendall(b" " * 1024 * 1024)

    with speaking(speak) as url:
        assert "32 MiB" in ask(shell, url, "api participants --timeout 30", 6).err


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n["])
def test_a_server_that_drips_bytes_does_not_outlive_the_time_out(shell: Shell, head: bytes) -> None:
    def speak(connection: socket.socket) -> None:
        connection.settimeout(0.2)
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(b" " if head.endswith(b"[") else b"x" if head else b"H")
            try:
                if connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue

    with speaking(speak) as url:
        started = time.monotonic()
        told = ask(shell, url, "keys list --timeout 1.5", 6)
        assert time.monotonic() - started < 20
        assert "did not answer in time" in told.err


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"garbage\r\n\r\n"]
)
def test_a_connection_that_breaks_off(shell: Shell, sent: bytes) -> None:
    with speaking(lambda connection: connection.sendall(sent)) as url:
        assert "broke off" in ask(shell, url, "keys list", 6).err


def test_nobody_listens(shell: Shell) -> None:
    told = ask(shell, "http://127.0.0.1:1", "keys create x --plain", 6)
    assert "Cannot reach" in told.err
    assert "nothing was sent" in told.err


def test_one_spoilt_body_spoils_itself_alone(shell: Shell) -> None:
    spoilt = one(ENTRY)[:-2] + (
        b', "request": {"headers": {}, "body": "\\ud800", "truncated": false}'
        b', "response": {"headers": {}, "body": 1e99999, "truncated": false}}}'
    )
    with answering(("200 OK", {}, spoilt)) as (_, url):
        shown = ask(shell, url, f"history show {ENTRY['id']} --json", 0)
        assert '"body":"\\ufffd"' in shown.out
        assert '"body":1e99999' in shown.out
        assert "1e99999" in ask(shell, url, f"history show {ENTRY['id']} -o table", 0).out
        assert ask(shell, url, f"history show {ENTRY['id']} --query response.body", 0).out == "1e99999\n"


def test_fields_that_we_do_not_know_are_kept_in_json(shell: Shell) -> None:
    with answering(("200 OK", {}, listing({**KEY, "colour": "blue"}))) as (_, url):
        assert ask(shell, url, "keys list --json", 0).json[0]["colour"] == "blue"


def test_the_key_goes_out_as_a_bearer_token_and_our_name_with_it(shell: Shell) -> None:
    with answering(("200 OK", {}, listing())) as (app, url):
        ask(shell, url, "keys list", 0)
        assert app.headers[0]["HTTP_AUTHORIZATION"] == f"Bearer {CANARY}"
        assert app.headers[0]["HTTP_USER_AGENT"] == f"astalty-cli/{__version__}"
        assert app.headers[0]["HTTP_ACCEPT"] == "application/json"


def test_what_makes_a_secret_carries_an_idempotency_key_of_its_own(shell: Shell) -> None:
    refused: Answer = ("422 No", {}, b"{}")
    with answering(OWN, refused, OWN, refused) as (app, url):
        for _ in range(2):
            ask(shell, url, "keys create x --plain", 5)
        first, second = (app.headers[index]["HTTP_IDEMPOTENCY_KEY"] for index in (1, 3))
        assert first != second


def test_login_goes_by_a_documented_call(shell: Shell) -> None:
    missing: Answer = ("404 Not Found", {}, b'{"message": "Not Found"}')
    with answering(("200 OK", {}, listing()), missing) as (app, url):
        shell(f"auth login --with-token --storage file --base-url {url}", stdin=CANARY)
        assert [path for _, path in app.calls] == ["/public/v1/participants", "/public/v1/api-keys/current"]
    with answering(("401 No", {}, b"{}")) as (app, url):
        line = f"auth login -p other --with-token --storage file --base-url {url}"
        assert "does not accept this key" in shell(line, stdin=CANARY, code=4).err
        assert [path for _, path in app.calls] == ["/public/v1/participants"] * 2


def test_a_key_in_a_redirects_target_is_not_repeated(shell: Shell) -> None:
    target = f"https://evil.example/?token={CANARY}"
    with answering(("302 Found", {"Location": target}, b"")) as (_, url):
        assert "token=[secret]" in ask(shell, url, "keys list", 6).err


def test_a_long_read_does_not_wait_for_years(shell: Shell) -> None:
    limited: Answer = ("429 Slow", {"Retry-After": "9999999999"}, b"{}")
    with answering(limited) as (app, url):
        assert "Rate limited" in ask(shell, url, "history list --all", 6).err
        assert len(app.calls) == 1


def test_pages_without_an_entry_end_a_read(shell: Shell) -> None:
    meta = {"current_page": 1, "last_page": 10**9, "per_page": 100, "total": 10**11}
    empty = json.dumps({"data": [], "meta": meta}).encode()
    with answering(("200 OK", {}, empty)) as (app, url):
        assert ask(shell, url, "history list --all --json", 0).json == []
        assert ask(shell, url, "keys list --json", 0).json == []
        plain_list = 1  # an empty list under a filter says nothing
        assert len(app.calls) == 2 + plain_list


@pytest.mark.parametrize(
    "line", ["keys list", "api participants", f"history show {ENTRY['id']} --query request"]
)
def test_json_that_is_nested_too_deeply_is_one_clear_line(shell: Shell, line: str) -> None:
    deep = b"[" * 50_000 + b"]" * 50_000
    bodies = [
        b'{"data": %s, "meta": {}}' % deep,
        one(ENTRY)[:-2] + b', "request": {"headers": {}, "body": %s, "truncated": false}}}' % deep,
    ]
    for body in bodies:
        with answering(("200 OK", {}, body)) as (_, url):
            told = ask(shell, url, line, 6)
            assert told.out == ""
            assert told.err.startswith(
                ("astalty: The server answered with", "astalty: The answer is not what")
            )
            assert len(told.err.splitlines()) <= 2


def test_an_answer_that_is_too_long_or_not_trusted_is_not_asked_for_again(shell: Shell) -> None:
    heard: list[bytes] = []

    def speak(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(40):
            connection.sendall(b" " * 1024 * 1024)

    with speaking(speak, heard) as url:
        ask(shell, url, "keys list", 6)
    assert len(heard) == 1


def test_a_list_that_fails_leaves_nothing_on_stdout(shell: Shell) -> None:
    with answering(("500 No", {}, b"{}")) as (_, url):
        for form in ("json", "jsonl", "csv", "tsv", "table"):
            assert ask(shell, url, f"keys list -o {form}", 6).out == ""


@pytest.mark.parametrize(
    "proxy",
    [
        "foo",
        "socks5://127.0.0.1:1",
        "http://",
        "ftp://127.0.0.1",
        "http://a..b",
        f"http://{'a' * 64}",
        "http://.",
    ],
)
def test_a_proxy_that_is_none_is_said(shell: Shell, proxy: str) -> None:
    env = {**at("https://astalty.example"), "HTTPS_PROXY": proxy}
    told = "HTTPS_PROXY is not the address of a proxy that can be used."
    assert told in shell("keys list --timeout 3", env=env, code=2).err


def test_a_path_that_cannot_be_asked_for_is_said(shell: Shell) -> None:
    with answering(("200 OK", {}, b"{}")) as (app, url):
        assert "cannot be asked for" in ask(shell, url, f"api {'x' * 70_000}", 2).err
        assert app.calls == []


def test_the_log_is_safe_too(shell: Shell) -> None:
    hostile = {**KEY, "id": "x%1b]52;c;aGk=%07%0a::error::x"}
    with answering(("200 OK", {}, listing(hostile)), ("200 OK", {}, one(hostile))) as (_, url):
        told = ask(shell, url, "keys rename ci other -v", 0).err
        assert "PATCH /public/v1/api-keys/x%1b]52;c;aGk=%07%0a::error::x 200" in told
        assert "\x1b" not in told
        assert "\n::error" not in told


def test_names_forge_no_lines_of_ours(shell: Shell) -> None:
    first = {**KEY, "id": "9ee9aaaa" + KEY["id"][8:], "name": "a\n  9ee9cccc  harmless"}
    with answering(("200 OK", {}, listing(first, KEY))) as (_, url):
        told = ask(shell, url, "keys show 9ee9", 2).err
        assert r"'a\n  9ee9cccc  harmless' (9ee9aaaa" in told
        assert not any(line.strip().startswith("9ee9cccc") for line in told.splitlines())


@pytest.mark.parametrize("flags", ["", "-o table", "-o csv", "--json", "--query [].name"])
def test_a_name_that_is_no_text_hides_no_other(shell: Shell, flags: str) -> None:
    with answering(("200 OK", {}, listing({**KEY, "Q": 1}).replace(b'"Q"', b'"\xff"'))) as (_, url):
        assert "ci" in ask(shell, url, f"keys list {flags}", 0).out


@pytest.mark.parametrize(
    ("status", "body", "code", "told"),
    [
        ("422 X", b'{"message": "\xff"}', 5, "The server refused (HTTP 422)."),
        ("422 X", b'{"\xff": 1}', 6, "The server answered with something else, not with JSON."),
        ("409 X", b'{"\xff": 1}', 6, "The server answered with something else, not with JSON."),
        ("500 X", b'{"message": "\xff"}', 6, "The service failed (HTTP 500)."),
        ("401 X", b'{"message": "\xff"}', 4, "The server does not accept this key (401)."),
    ],
)
def test_words_that_are_no_text_are_left_out(
    shell: Shell, status: str, body: bytes, code: int, told: str
) -> None:
    with answering((status, {}, body)) as (_, url):
        result = ask(shell, url, "keys list", code)
        assert result.out == ""
        assert result.err.splitlines()[0] == f"astalty: {told}"


def test_a_redirect_is_one_whatever_its_target_holds(shell: Shell) -> None:
    heard: list[bytes] = []
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/evil\x1b[31m\r\nContent-Length: 0\r\n\r\n"
    with speaking(lambda connection: connection.sendall(answer), heard) as url:
        told = shell(f"keys list --base-url {url}", env={"ASTALTY_API_KEY": "x" * 20}, code=6).err
    assert all(b"127.0.0.1:9" not in each for each in heard)
    assert r"redirects to http://127.0.0.1:9/evil\x1b[31m" in told
