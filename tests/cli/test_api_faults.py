"""`astalty api` against servers that fail or lie: sent once, said as unknown, pages bounded."""

import json
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.support.accounts import Account
from tests.support.hostile import Answer, answering, at, listing, speaking
from tests.support.serving import serving
from tests.support.shell import Shell
from tests.support.terminal import Terminal

WRITES = ("POST", "PUT", "PATCH", "DELETE")


# -- once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    ("status", "unknown"),
    [
        ("429 Slow", False), ("500 No", True), ("502 No", True), ("503 Down", True), ("504 No", True),
        ("400 <html>", True), ("200 <html>", True),
    ],
)  # fmt: skip
def test_what_is_not_a_get_is_sent_once(shell: Shell, method: str, status: str, *, unknown: bool) -> None:
    body = b"<html>" if "<" in status else b"{}"
    with answering((status, {"Retry-After": "0"}, body)) as (app, url):
        told = shell(f"api x -X {method} -f a=b", env=at(url), code=6)
        assert app.calls == [(method, "/public/v1/x")]
        assert told.out == ""
        assert (f"Whether the {method} was done is unknown." in told.err) is unknown
        assert ("Look before you send it again." in told.err) is unknown


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 20", b"junk\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"]
)
def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(shell: Shell, method: str, said: bytes) -> None:
    heard: list[bytes] = []
    with speaking(lambda connection: connection.sendall(said), heard) as url:
        told = shell(f"api x -X {method} -f a=b --json", env=at(url), code=6).error
        assert f"Whether the {method} was done is unknown." in told["message"]
        assert len(heard) == 1


def test_a_late_answer_leaves_the_outcome_unknown(shell: Shell) -> None:
    heard: list[bytes] = []
    arrived = threading.Event()

    def hang(connection: socket.socket) -> None:
        arrived.set()
        connection.recv(1)

    with speaking(hang, heard) as url:
        told = shell("api x -X DELETE --timeout 1", env=at(url), code=6).err
        assert "did not answer in time. Whether the DELETE was done is unknown." in told
        assert arrived.wait(30)
        assert len(heard) == 1


def test_an_interrupt_leaves_the_outcome_unknown(shell: Shell) -> None:
    arrived = threading.Event()

    def hang(connection: socket.socket) -> None:
        arrived.set()
        connection.recv(1)

    with speaking(hang) as url:
        shell.environ |= at(url)
        for line, told in (("-X DELETE", "Whether the DELETE was done is unknown."), ("", "Interrupted.")):
            arrived.clear()
            terminal = Terminal(shell, f"api x {line}")
            assert arrived.wait(30)
            terminal.interrupt()
            assert terminal.ends(130).endswith(told)


def test_what_was_never_sent_is_not_unknown(shell: Shell) -> None:
    told = shell("api x -f a=b", env=at("http://127.0.0.1:1"), code=6).err
    assert "Cannot reach" in told
    assert "unknown" not in told


def test_a_path_that_is_not_there_is_said_once_with_where_the_others_are(sandbox: Account) -> None:
    missing = sandbox.shell("api nope", code=3).err.splitlines()
    assert missing == [
        "astalty: The route public/v1/nope could not be found.",
        "See which calls there are: astalty endpoints list",
    ]


def test_a_get_is_asked_again(shell: Shell) -> None:
    with answering(("503 Down", {"Retry-After": "0"}, b""), ("200 OK", {}, b"{}")) as (app, url):
        assert shell("api x", env=at(url)).out == "{}\n"
        assert len(app.calls) == 2


# -- pages ---------------------------------------------------------------------------------------


class Pages:
    """Answers page after page by a function of its number; keeps the queries."""

    def __init__(self, page: Callable[[int], Answer]) -> None:
        self.page = page
        self.queries: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.queries.append(environ["QUERY_STRING"])
        status, headers, body = self.page(int(parse_qs(environ["QUERY_STRING"])["page[number]"][0]))
        start_response(status, [("Content-Type", "application/json"), *headers.items()])
        return [body]


def page(number: int, last: int, *rows: object) -> Answer:
    body = json.loads(listing(*rows))
    body["meta"] |= {"current_page": number, "last_page": last, "total": last * len(rows)}
    return "200 OK", {}, json.dumps(body, ensure_ascii=False).encode()


def paginated(
    shell: Shell, answer: Callable[[int], Answer], line: str = "", code: int = 0
) -> tuple[str, str, list[str]]:
    app = Pages(answer)
    with serving(app) as url:
        result = shell(f"api x --paginate {line}", env=at(url), code=code)
    return result.out, result.err, app.queries


def test_all_pages_are_one_array(account: Account) -> None:
    shell = account.shell
    everyone = shell("api participants --paginate").json
    assert len({each["id"] for each in everyone}) == len(everyone) == 60
    before = account.calls()
    small = shell("api 'participants?page[size]=7&filter[status]=active' --paginate").json
    assert small == [each for each in everyone if each["status"] == "active"]
    assert account.calls() - before == -(-len(small) // 7)
    lines = shell("api participants -X GET -f page[size]=25 -f page[number]=2 --paginate -o jsonl").out
    assert [json.loads(line) for line in lines.splitlines()] == everyone[25:]
    assert shell("api participants --paginate --query 'length(@)'").out == "60\n"
    assert shell("api 'participants?page[number]=99' --paginate").out == "[]\n"


def test_rows_are_the_servers_own(shell: Shell) -> None:
    rows = [{"n": 12345678901234567890123, "é": "\u202e"}, "text", None, [1.50]]
    out, _, queries = paginated(
        shell, lambda number: page(number, 2, rows[number * 2 - 2], rows[number * 2 - 1])
    )
    assert json.loads(out) == rows
    assert out.isascii()
    assert queries == ["page[size]=100&page[number]=1", "page[size]=100&page[number]=2"]


@pytest.mark.parametrize(
    ("form", "there"), [("", '[\n{"n":1},\n{"n":2}\n'), ("--json", '[\n{"n":1},\n{"n":2}\n'),
                        ("-o jsonl", '{"n":1}\n{"n":2}\n'), ("--query [].n", "")],
)  # fmt: skip
@pytest.mark.parametrize(
    ("broken", "code"),
    [(("500 No", {}, b"{}"), 6), (("404 No", {}, b"{}"), 3), (("401 No", {}, b"{}"), 4),
     (("422 No", {}, b"{}"), 5), (("200 OK", {}, b"<html>"), 6)],
)  # fmt: skip
def test_a_page_that_fails_leaves_nothing_that_looks_complete(
    shell: Shell, form: str, there: str, broken: Answer, code: int
) -> None:
    out, err, _ = paginated(
        shell, lambda number: page(number, 4, {"n": number}) if number < 3 else broken, form, code
    )
    assert out == there
    assert err.startswith(("astalty: ", '{"error"'))


@pytest.mark.parametrize(
    "answer",
    [
        lambda number: page(number, number + 1, {}),  # one more, for ever
        lambda number: page(number, 10**9 * number, {}) if number > 1 else page(1, 2, {}),
        lambda number: page(1, 5, {}),  # the first one, for ever
        lambda number: page(number, 0, {}),
        lambda number: page(number, -1, {}),
        lambda number: ("200 OK", {}, b'{"data": {"id": 1}}'),
        lambda number: ("200 OK", {}, b'{"data": []}'),
        lambda number: ("200 OK", {}, b'{"data": {}, "meta": {}}'),
        lambda number: ("200 OK", {}, b"[]"),
        lambda number: ("200 OK", {}, b""),
    ],
)
def test_pages_that_do_not_add_up_to_a_list(shell: Shell, answer: Callable[[int], Answer]) -> None:
    out, err, queries = paginated(shell, answer, code=6)
    assert not out.endswith("]\n")
    assert len(queries) <= 4
    assert len(err.splitlines()) <= 2


def test_a_list_may_grow_while_it_is_read(shell: Shell) -> None:
    out, _, _ = paginated(shell, lambda number: page(number, 3 if number == 1 else 4, number))
    assert json.loads(out) == [1, 2, 3, 4]


@pytest.mark.parametrize("empty", [1, 2])
def test_an_empty_page_before_the_last_one_is_no_end(shell: Shell, empty: int) -> None:
    _, err, queries = paginated(
        shell, lambda number: page(number, 5, *([] if number == empty else [number])), "--json", code=6
    )
    assert f"Page {empty} is empty" in json.loads(err)["error"]["message"]
    assert len(queries) == empty


def test_a_list_that_has_become_shorter_ends(shell: Shell) -> None:
    out, _, _ = paginated(shell, lambda number: page(1, 2, "one") if number == 1 else page(2, 1))
    assert json.loads(out) == ["one"]


def test_a_reader_that_leaves_ends_it_quietly(served: Account) -> None:
    piped = served.shell("auth exec -- sh -c 'astalty api participants --paginate -o jsonl | head -n 1'")
    assert piped.out.count("\n") == 1
    assert piped.err == ""
