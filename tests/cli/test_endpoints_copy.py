"""The copy of the endpoint catalogue: when the service is asked, and what stands in where it fails."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.documents import age, copies, offering, openapi
from tests.support.hostile import Hostile, answering
from tests.support.serving import free_port, serving
from tests.support.shell import Shell

FIRST = openapi({"/first": {"get": {}}})
SECOND = openapi({"/second": {"get": {}}})
LONG_AGO = "2026-01-01T00:00:00Z"
PATHS = "endpoints list --query [].path"


def test_within_an_hour_the_copy_is_used_and_said(shell: Shell) -> None:
    with offering(shell, FIRST, SECOND) as service:
        assert shell(PATHS).err == ""
        again = shell(PATHS)
        assert again.out == "/first\n"
        assert again.err.startswith("From a copy, ")
        assert "--refresh" in again.err
        assert len(service.calls) == 1
        assert shell(f"{PATHS} -q").err == ""


def test_refresh_asks_in_any_case(shell: Shell) -> None:
    with offering(shell, FIRST, SECOND, headers={"ETag": '"1"'}) as service:
        shell(PATHS)
        renewed = shell(f"{PATHS} --refresh")
        assert (renewed.out, renewed.err) == ("/second\n", "")
        assert "HTTP_IF_NONE_MATCH" not in service.headers[1]
        assert shell(PATHS).out == "/second\n"


@pytest.mark.parametrize("checked_at", [LONG_AGO, "2999-01-01T00:00:00Z"])
def test_a_copy_of_another_time_is_asked_about(shell: Shell, checked_at: str) -> None:
    document = json.dumps(FIRST).encode()
    with answering(("200 OK", {"ETag": 'W/"1"'}, document), ("304 Not Modified", {}, b"")) as (service, url):
        shell.environ["ASTALTY_BASE_URL"] = url
        shell(PATHS)
        age(shell, checked_at)
        renewed = shell(PATHS)
        assert (renewed.out, renewed.err) == ("/first\n", "")
        assert service.headers[1]["HTTP_IF_NONE_MATCH"] == 'W/"1"'
        assert shell(PATHS).err.startswith("From a copy, ")
        assert len(service.calls) == 2


def test_a_changed_document_takes_its_place(shell: Shell) -> None:
    with offering(shell, FIRST, SECOND):
        shell(PATHS)
        age(shell, LONG_AGO)
        assert shell(PATHS).out == "/second\n"


@pytest.mark.parametrize(
    "answer",
    [
        ("500 Internal Server Error", {}, b""),
        ("400 Bad Request", {}, b'{"message": "no"}'),
        ("304 Not Modified", {}, b""),
        ("200 OK", {}, b"<html>Sign in</html>"),
        ("200 OK", {}, b'{"swagger": "2.0"}'),
        ("302 Found", {"Location": "https://login.example/"}, b""),
    ],
)
def test_where_the_service_fails_the_copy_stands_in(
    shell: Shell, answer: tuple[str, dict[str, str], bytes]
) -> None:
    with answering(("200 OK", {}, json.dumps(FIRST).encode()), answer) as (_, url):
        shell.environ["ASTALTY_BASE_URL"] = url
        shell(PATHS)
        age(shell, LONG_AGO)
        done = shell(PATHS)
        assert done.out == "/first\n"
        assert "This is from a copy, 2026-01-01." in done.err
        assert shell(PATHS).out == "/first\n"
        assert shell(f"{PATHS} --refresh", code=6).out == ""


def test_where_nobody_answers_the_copy_stands_in(shell: Shell) -> None:
    with free_port() as port:
        with serving(Hostile([("200 OK", {}, json.dumps(FIRST).encode())]), port) as url:
            shell.environ["ASTALTY_BASE_URL"] = url
            shell(PATHS)
            age(shell, LONG_AGO)
        done = shell(PATHS)
    assert done.out == "/first\n"
    assert "Cannot reach" in done.err


def _cut(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:-20])


def _open_to_others(copy: Path) -> None:
    copy.chmod(0o644)


def _of_another_service(copy: Path) -> None:
    copy.write_text(json.dumps(json.loads(copy.read_text()) | {"origin": "https://other.example"}))


def _no_document(copy: Path) -> None:
    copy.write_text(json.dumps(json.loads(copy.read_text()) | {"document": {"openapi": 7}}))


def _without_a_zone(copy: Path) -> None:
    copy.write_text(json.dumps(json.loads(copy.read_text()) | {"checked_at": "2026-01-01T00:00:00"}))


def _before_all_time(copy: Path) -> None:
    copy.write_text(json.dumps(json.loads(copy.read_text()) | {"checked_at": "0001-01-01T00:00:00+14:00"}))


def _with_an_etag_of_two_lines(copy: Path) -> None:
    old = {"checked_at": LONG_AGO, "etag": '"a\r\nX: y"'}
    copy.write_text(json.dumps(json.loads(copy.read_text()) | old))


def _nested(copy: Path) -> None:
    copy.write_text("[" * 100_000)


@pytest.mark.parametrize(
    "spoil",
    [
        _cut,
        _open_to_others,
        _of_another_service,
        _no_document,
        _without_a_zone,
        _before_all_time,
        _with_an_etag_of_two_lines,
        _nested,
    ],
)
def test_a_damaged_copy_is_as_none(shell: Shell, spoil: Callable[[Path], None]) -> None:
    with offering(shell, FIRST, SECOND) as service:
        shell(PATHS)
        spoil(copies(shell)[0])
        renewed = shell(PATHS)
        assert (renewed.out, renewed.err) == ("/second\n", "")
        assert "HTTP_IF_NONE_MATCH" not in service.headers[1]
        assert shell(PATHS).out == "/second\n"


def test_a_copy_is_private_and_of_one_service(shell: Shell) -> None:
    for document in (FIRST, SECOND):
        with offering(shell, document):
            shell(PATHS)
    assert [copy.stat().st_mode & 0o777 for copy in copies(shell)] == [0o600, 0o600]
    assert copies(shell)[0].parent.stat().st_mode & 0o777 == 0o700


def test_without_a_place_for_a_copy_the_service_is_asked_each_time(shell: Shell) -> None:
    (shell.home / ".cache").write_text("no folder")
    with offering(shell, FIRST) as service:
        assert [shell(PATHS).out for _ in range(2)] == ["/first\n"] * 2
        assert len(service.calls) == 2


def test_an_etag_that_is_none_is_never_sent(shell: Shell) -> None:
    with offering(shell, FIRST, headers={"ETag": "not quoted"}) as service:
        shell(PATHS)
        age(shell, LONG_AGO)
        shell(PATHS)
        assert "HTTP_IF_NONE_MATCH" not in service.headers[1]


def test_an_unasked_304_is_no_document(shell: Shell) -> None:
    with answering(("304 Not Modified", {}, b"")) as (_, url):
        assert "HTTP 304" in shell("endpoints list", code=6, env={"ASTALTY_BASE_URL": url}).err


def test_the_sandbox_answers_304_in_the_process_and_over_http(account: Account) -> None:
    shell = account.shell
    shell("endpoints list")
    age(shell, LONG_AGO)
    log = shell("endpoints list -v").err
    assert "GET /docs/openapi.json 304" in log
    assert shell("endpoints list").err.startswith("From a copy, ")
