"""Answers made to fill the memory: each is refused in one clear line while it is being read."""

import gzip
import json
import socket
import zlib
from collections.abc import Callable
from functools import lru_cache

import pytest

from tests.support.hostile import ENTRY, KEY, Answer, answering, at, listing, one, speaking
from tests.support.measured import measured
from tests.support.shell import Shell

MIB = 1024 * 1024
MOST = 320  # MiB that a command may have; without an answer it has about 45


def _offered(line: str) -> str:
    """A command that learns that the service offers what this one needs."""
    return "history list" if line.startswith("history") else "keys list"


def _good(line: str) -> Answer:
    """What it learns that from."""
    return "200 OK", {}, listing(ENTRY if line.startswith("history") else KEY)


def zeros(size: int) -> bytes:
    """So many MiB of zeros, as gzip."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(MIB)) for _ in range(size)), packer.flush()])


def twice(size: int) -> bytes:
    return gzip.compress(zeros(size))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", lambda: zeros(512)),
        ("gzip, gzip", lambda: twice(512)),
        ("gzip, identity, gzip", lambda: twice(512)),
        ("deflate", lambda: zlib.compress(bytes(256 * MIB))),
        ("br", lambda: b"\xcf\xff\xff\x7f\xf8'\x00\xe2\xb1\x40\x20\xf7\xfe\xff"),
        ("zstd", lambda: b"\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x54\x00\x00\x08\x00"),
        ("x" * 50_000, lambda: b"{}"),
    ],
    ids=["gzip", "gzip-twice", "with-identity", "deflate", "br", "zstd", "nonsense"],
)
def test_a_bomb_is_refused_before_it_is_in_memory(
    shell: Shell, encoding: str, body: Callable[[], bytes]
) -> None:
    with answering(("200 OK", {"Content-Encoding": encoding}, body())) as (app, url):
        result, peak = measured(shell, "api participants", at(url))
    assert (result.code, result.out) == (6, "")
    assert "32 MiB" in result.err or "was not asked for" in result.err
    assert len(result.err) < 500
    assert len(app.calls) == 1
    assert peak < MOST


def test_what_is_asked_for_is_understood(shell: Shell) -> None:
    for encoding in ("gzip", "x-gzip", "identity", "GZIP, identity"):
        body = gzip.compress(listing(KEY)) if "gzip" in encoding.lower() else listing(KEY)
        with answering(("200 OK", {"Content-Encoding": encoding}, body)) as (app, url):
            assert shell("keys list", env=at(url)).rows[0][1] == "ci"
            assert app.headers[0]["HTTP_ACCEPT_ENCODING"] == "gzip"


@pytest.mark.parametrize("body", [gzip.compress(listing(KEY))[:-9], b"not gzip"], ids=["cut", "none"])
def test_gzip_that_is_none_is_no_answer(shell: Shell, body: bytes) -> None:
    with answering(("200 OK", {"Content-Encoding": "gzip"}, body)) as (app, url):
        assert "cannot be decoded" in shell("keys list --timeout 9", env=at(url), code=6).err
        assert len(app.calls) > 1


def test_an_answer_without_a_body_is_not_decoded(shell: Shell) -> None:
    with answering(("204 No Content", {"Content-Encoding": "gzip, br"}, b"")) as (_, url):
        assert shell("api participants/1 -X DELETE", env=at(url), code=6).out == ""
    with answering(("204 No Content", {"Content-Encoding": "gzip"}, b"")) as (_, url):
        assert shell("api participants/1 -X DELETE", env=at(url)).out == ""


def many(text: str, size: int = 31 * MIB) -> bytes:
    return (text * (size // len(text))).encode().rstrip(b",")


def members() -> bytes:
    return b",".join(b'"%x":0' % number for number in range(2_000_000))


def in_meta(body: bytes) -> bytes:
    return b'{"data": [], "meta": {"current_page": 1, "last_page": 1, "per_page": 1, "total": 0, %s}}' % body


BODIES: dict[str, Callable[[], bytes]] = {
    "numbers": lambda: b'{"data": [%s], "meta": {}}' % many("0,"),
    "rows": lambda: listing(KEY).replace(b"[{", b"[" + many("{},", 20 * MIB) + b",{"),
    "members": lambda: b'{"data": {%s}, "meta": {}}' % members(),
    "members-of-a-row": lambda: listing(KEY).replace(b"[{", b"[{" + members() + b","),
    "beside-the-data": lambda: b'{%s, "data": [], "meta": {}}' % members(),
    "sorts": lambda: in_meta(b'"allowed_sorts": [%s]' % many('"ab",')),
    "lists": lambda: b'{"data": [%s], "meta": {}}' % many("[[[[[[[[]]]]]]]],"),
    "backslashes": lambda: b'{"data": "%s\x01"}' % many("\\\\", 30 * MIB),
    "half-characters": lambda: b'{"data": ["%s"]}' % many(r"\ud800", 10 * MIB),
    "slashes": lambda: b'{"data": ["%s"]}' % many(r"\/", 30 * MIB),
}


@lru_cache(1)  # the tests of one come one after the other, and all of them together are too large to keep
def made(name: str) -> bytes:
    return BODIES[name]()


@pytest.mark.parametrize(
    "line", ["keys list", "history list", "keys show 9ee9dc30-c869-4fb5-9871-b32850e68cad"]
)
@pytest.mark.parametrize("name", BODIES)
def test_json_of_millions_of_parts_is_refused(shell: Shell, line: str, name: str) -> None:
    with answering(_good(line), ("200 OK", {}, made(name))) as (_, url):
        shell(_offered(line), env=at(url))
        result, peak = measured(shell, line, at(url))
    assert result.code in {0, 6}
    assert (result.code == 6) == (result.out == "")
    assert len(result.err) < 1000
    assert peak < MOST


@pytest.mark.parametrize(
    "line",
    [
        "api participants",
        "api participants --query data[0]",
        "api participants --paginate",
        "keys list --query [0].name",
        "keys list --fields name",
        "endpoints list",
        "endpoints show GET /participants",
        "keys rename 9ee9dc30-c869-4fb5-9871-b32850e68cad x",
        "history list",
        "history export out.jsonl",
        "keys audit",
    ],
)
@pytest.mark.parametrize("name", ["numbers", "members-of-a-row"])
def test_no_command_takes_them_in(shell: Shell, line: str, name: str) -> None:
    with answering(("200 OK", {}, made(name))) as (_, url):
        result, peak = measured(shell, line, at(url))
    assert result.code in {0, 2, 3, 6}
    assert peak < MOST


@pytest.mark.parametrize("body", [many('"ab",'), members()], ids=["texts", "members"])
def test_a_refusal_of_millions_of_words_stays_small(shell: Shell, body: bytes) -> None:
    words = b'{"message": "no", "errors": {"name": [%s]}}' if body.startswith(b'"ab') else b'{"errors": {%s}}'
    with answering(("422 No", {}, words % body)) as (_, url):
        result, peak = measured(shell, "api participants -X POST", at(url))
    assert result.code in {5, 6}
    assert peak < MOST


@pytest.mark.parametrize(("name", "number"), [("total", -5), ("total", 10**400), ("last_page", -1)])
@pytest.mark.parametrize("line", ["keys list", "history list", "history list --all", "api x --paginate"])
def test_a_count_that_cannot_be_is_no_answer(shell: Shell, line: str, name: str, number: int) -> None:
    page = {**json.loads(listing()), "data": [{**KEY, **ENTRY}]}
    page["meta"][name] = number
    with answering(_good(line), ("200 OK", {}, json.dumps(page).encode())) as (_, url):
        shell(_offered(line), env=at(url))
        result = shell(line, env=at(url), code=6)
        assert "not what this API promises" in result.err or "not with JSON" in result.err
        assert len(result.err) < 500


def test_a_list_of_keys_ends_whatever_is_said_of_its_pages(shell: Shell) -> None:
    page = json.loads(listing(KEY))
    page["meta"] |= {"last_page": 10**9, "total": 10**11}
    with answering(("200 OK", {}, json.dumps(page).encode())) as (app, url):
        assert "more than" in shell("keys list", env=at(url), code=6).err
        assert len(app.calls) <= 2_000


def test_deep_json_is_not_indented_to_a_hundred_times_its_size(shell: Shell) -> None:
    deep = b"[" * 900 + b"]" * 900
    row = (
        one({**ENTRY, "request": None})[:-2]
        + b', "response": {"headers": {}, "body": [%s], "truncated": false}}}'
    )
    with answering(("200 OK", {}, row % b",".join([deep] * 100))) as (_, url):
        env = {**at(url), "COLUMNS": "80"}
        result, peak = measured(shell, f"history show {ENTRY['id']} -o table --reveal", env)
    assert result.code == 0
    assert peak < MOST


def test_long_texts_are_cut_for_people(shell: Shell) -> None:
    long = {**KEY, "name": "é\x1b" * 1_000_000, "last_used_ip": "a" * 9_000_000}
    with answering(("200 OK", {}, listing(long))) as (_, url):
        result, peak = measured(shell, "keys list -o table", at(url))
    assert (result.code, peak < MOST) == (0, True)
    assert len(result.out) < 10_000


def test_headers_are_bounded(shell: Shell) -> None:
    for head in (b"X: " + b"a" * 4096, b"X: a\r\n" * 1000, b" " * 4096):

        def speak(connection: socket.socket, head: bytes = head) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            for _ in range(20_000):
                connection.sendall(head)

        with speaking(speak) as url:
            result, peak = measured(shell, "keys list --timeout 20", at(url))
        assert (result.code, peak < MOST) == (6, True)
        assert len(result.err) < 1500


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified", "101 Switching Protocols"])
def test_a_body_that_may_not_be_there_is_not_read(shell: Shell, status: str) -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 99999999999\r\n\r\n".encode())
        for _ in range(500):
            connection.sendall(b"x" * MIB)

    with speaking(speak) as url:
        result, peak = measured(shell, "api participants/1 -X DELETE --timeout 20", at(url))
    assert result.code in {0, 6}
    assert peak < MOST


def test_digits_before_a_backslash_are_coloured_at_once(shell: Shell) -> None:
    body = {"a": "1" * 64_000 + "a\\"}
    entry = {**ENTRY, "response": {"headers": {}, "body": body, "truncated": False}}
    with answering(("200 OK", {}, one(entry))) as (_, url):
        line = f"history show {ENTRY['id']} -o table --reveal --timeout 9"
        assert "1111" in shell(line, env={**at(url), "CLICOLOR_FORCE": "1"}).out


@pytest.mark.parametrize("piece", [b" ", b"\\", b"(_ssl.c:", b"\xff"])
def test_a_reason_that_a_server_words_is_kept_short(shell: Shell, piece: bytes) -> None:
    first_line = b"HTTP/9 " + piece * (60_000 // len(piece)) + b"x\r\n\r\n"
    with speaking(lambda connection: connection.sendall(first_line)) as url:
        told = shell("api participants -X POST", env=at(url), code=6).err
    assert "broke off" in told
    assert len(told) < 1500


def test_a_catalogue_whose_paths_all_refer_to_one_large_object(shell: Shell) -> None:
    item = {
        "parameters": [{"name": "a", "in": "query"}] * 40_000,
        "get": {"summary": "s" * 100_000, "tags": ["t" * 100_000], "parameters": [{}] * 40_000},
        **{f"x-{number}": 0 for number in range(40_000)},
    }
    paths = {f"/p{number}": {"$ref": "#/components/pathItems/x"} for number in range(40_000)}
    document = {"openapi": "3.1.0", "info": {}, "paths": paths, "components": {"pathItems": {"x": item}}}
    with answering(("200 OK", {}, json.dumps(document).encode())) as (_, url):
        result, peak = measured(shell, "endpoints list", at(url))
    assert (result.code, len(result.rows), peak < MOST) == (0, 40_000, True)
