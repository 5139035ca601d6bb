"""`astalty doctor` on the way to the server, and on what the server says."""

import codecs
import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from astalty_cli.api import contract
from astalty_cli.base.times import utc_now
from tests.support.accounts import Account
from tests.support.check_ups import (
    CURRENT,
    DOCUMENT,
    HISTORY,
    KEYS,
    LIST,
    MINE,
    PARTICIPANTS,
    answering_by_call,
    document,
    examined,
    statuses,
)
from tests.support.encrypted import http, speaking_tls, tunnelling
from tests.support.hostile import ACCOUNT, CANARY, KEY, Answer, answering, at, one, speaking
from tests.support.shell import Shell

ALL = document(*((call.method.lower(), call.path) for call in contract.ASSUMED))
GONE = http(b'{"message": "Not found."}', "404 Not Found")
ENVIRONMENT = {"ASTALTY_API_KEY": CANARY}

# -- the way ---------------------------------------------------------------------------------------


def test_a_closed_port(shell: Shell) -> None:
    rows = examined(shell, "--base-url http://127.0.0.1:1", code=6, env=ENVIRONMENT)
    assert statuses(rows, "error") == {"tls"}
    assert "Cannot reach http://127.0.0.1:1" in rows["tls"]["found"]
    assert statuses(rows, "skipped") >= {"clock", "account", "endpoints", "rate-limit"}
    assert statuses(rows, "ok") >= {"version", "config", "profile", "base-url", "key"}
    assert rows["rate-limit"]["found"] == "Not checked: tls has failed."


def test_a_name_that_nobody_knows(shell: Shell) -> None:
    host = "nowhere.invalid"
    rows = examined(shell, f"--base-url https://{host}", code=6, env=ENVIRONMENT)
    assert statuses(rows, "error") == {"dns"}
    assert f"The name {host} cannot be looked up" in rows["dns"]["found"]
    assert rows["tls"]["found"] == rows["account"]["found"] == "Not checked: dns has failed."


def test_loopback_needs_no_tls(served: Account) -> None:
    rows = examined(served.shell)
    assert rows["tls"]["found"] == "None: plain http, which is allowed to this machine alone."
    assert rows["dns"]["found"] == "127.0.0.1 is an address: there is nothing to look up."


def test_tls_names_the_store_the_issuer_and_the_end(
    shell: Shell, authority: trustme.CA, ca_file: Path
) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_after=utc_now() + timedelta(days=100, hours=1))
    with speaking_tls(certificate, GONE) as url:
        row = examined(shell, f"--ca-file {ca_file}", code=6, env=at(url))["tls"]
    assert row["status"] == "ok"
    assert row["found"] == (
        f"TLSv1.3, trusted by the system's store and {ca_file}; "
        "the certificate, by Test authority, ends in 100 days"
    )


def test_tls_names_a_store_that_stands_in_for_the_systems(
    shell: Shell, authority: trustme.CA, ca_file: Path
) -> None:
    with speaking_tls(authority.issue_cert("127.0.0.1"), GONE) as url:
        row = examined(shell, code=6, env={**at(url), "SSL_CERT_FILE": str(ca_file)})["tls"]
    assert f"trusted by SSL_CERT_FILE={ca_file}; " in row["found"]


def test_a_certificate_that_ends_soon(shell: Shell, authority: trustme.CA, ca_file: Path) -> None:
    certificate = authority.issue_cert("127.0.0.1", not_after=utc_now() + timedelta(days=13))
    with speaking_tls(certificate, GONE) as url:
        row = examined(shell, f"--ca-file {ca_file}", code=6, env=at(url))["tls"]
    assert row["status"] == "warning"
    assert "ends in 12 days" in row["found"]


def test_a_certificate_that_has_ended(shell: Shell, authority: trustme.CA, ca_file: Path) -> None:
    past = utc_now() - timedelta(days=1)
    certificate = authority.issue_cert("127.0.0.1", not_before=past - timedelta(days=9), not_after=past)
    with speaking_tls(certificate, GONE) as url:
        rows = examined(shell, f"--ca-file {ca_file}", code=6, env=at(url))
    assert statuses(rows, "error") == {"tls"}
    assert "has to be renewed" in rows["tls"]["hint"]


def test_an_authority_that_nobody_named(shell: Shell, authority: trustme.CA) -> None:
    with speaking_tls(authority.issue_cert("127.0.0.1"), GONE) as url:
        row = examined(shell, code=6, env=at(url))["tls"]
    assert "--ca-file FILE" in row["hint"]


def test_another_servers_certificate(shell: Shell, authority: trustme.CA, ca_file: Path) -> None:
    with speaking_tls(authority.issue_cert("elsewhere.example"), GONE) as url:
        row = examined(shell, f"--ca-file {ca_file}", code=6, env=at(url))["tls"]
    assert "Check the base URL" in row["hint"]


def test_a_ca_file_that_is_none(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("not a certificate")
    line = f"--ca-file {tmp_path}/empty.pem --base-url https://127.0.0.1:1"
    rows = examined(shell, line, code=2, env=ENVIRONMENT)
    assert statuses(rows, "error") == {"tls"}


def test_behind_a_proxy_its_name_is_looked_up_and_the_way_through_it_is_tried(
    shell: Shell, authority: trustme.CA, ca_file: Path
) -> None:
    heard: list[bytes] = []
    with (
        speaking_tls(authority.issue_cert("astalty.invalid"), GONE) as url,
        tunnelling(url, heard) as proxy,
    ):
        env = {**at("https://astalty.invalid"), "HTTPS_PROXY": f"http://me:{CANARY}@{proxy}"}
        rows = examined(shell, f"--ca-file {ca_file}", code=6, env=env)
    assert rows["proxy"]["found"] == f"http://…@{proxy} (HTTPS_PROXY)"
    assert rows["dns"]["status"] == "ok"
    assert "Test authority" in rows["tls"]["found"]
    assert heard[0].startswith(b"CONNECT astalty.invalid:443 ")
    assert [each for each in shell.printed if CANARY in each.out + each.err] == []


@pytest.mark.parametrize(
    "proxy", ["me:secretword@host:3128", "ftp://me:secretword@host", "http://me:secretword@h:x"]
)
def test_a_proxy_that_is_none(shell: Shell, proxy: str) -> None:
    result = shell(
        "doctor --json --base-url https://a.invalid", code=2, env={"HTTPS_PROXY": proxy, **ENVIRONMENT}
    )
    rows = {row["check"]: row for row in result.json}
    assert statuses(rows, "error") == {"proxy"}
    assert rows["dns"]["found"] == "Not checked: proxy has failed."
    assert "secretword" not in result.out + result.err


def test_a_server_that_never_answers_hangs_nobody(shell: Shell) -> None:
    ended = threading.Event()

    def hang(_: socket.socket) -> None:
        ended.wait(30)

    with speaking(hang) as url:
        rows = examined(shell, "--timeout 2", code=6, env=at(url))
        ended.set()
    assert "did not answer in time" in rows["account"]["found"]
    assert "--timeout SECONDS changes it." in rows["account"]["hint"]
    assert "The OpenAPI document could not be read: http://127.0.0.1" in rows["endpoints"]["found"]
    assert statuses(rows, "error") == {"account"}
    assert rows["journal"]["status"] == "ok"


# -- what the server says --------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "side"), [(10, "behind"), (-10, "ahead of")])
def test_a_clock_that_is_wrong(shell: Shell, minutes: int, side: str) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with answering_by_call(
        {PARTICIPANTS: (LIST[0], {"Date": date}, LIST[2]), DOCUMENT: ("200 OK", {"Date": date}, ALL[2])}
    ) as (_, env):
        row = examined(shell, env=env)["clock"]
    assert row["status"] == "warning"
    assert f"{side} the server's" in row["found"]


@pytest.mark.parametrize("date", ["junk", "", "Mon, 23 Nov 2026 10:00:00 +99999999999999999999", "9" * 400])
def test_a_date_that_is_none(shell: Shell, date: str) -> None:
    answers = {DOCUMENT: ("200 OK", {"Date": date}, ALL[2]), PARTICIPANTS: (LIST[0], {"Date": date}, LIST[2])}
    with answering_by_call(answers) as (_, env):
        row = examined(shell, env=env)["clock"]
    assert (row["status"], row["found"]) == ("skipped", "The server did not say what time it is.")


@pytest.mark.parametrize(
    ("status", "calls", "code"), [("401 No", 1, 4), ("403 No", 2, 6), ("429 Slow", 1, 6), ("500 Oh", 2, 6)]
)
def test_a_key_that_is_not_seen_to_work(shell: Shell, status: str, calls: int, code: int) -> None:
    no: Answer = (status, {}, b'{"message": "No."}')
    with answering_by_call({DOCUMENT: ALL, PARTICIPANTS: no, CURRENT: MINE}) as (server, env):
        rows = examined(shell, code=code, env=env)
    assert statuses(rows, "error") == {"account"}
    assert rows["endpoints"]["status"] == "ok"
    assert server.calls == [DOCUMENT, *[PARTICIPANTS] * calls]
    assert ("This says nothing about the key." in rows["account"]["found"]) == (code == 6)


@pytest.mark.parametrize("status", ["401 No", "403 No", "404 No", "429 Slow", "500 Oh"])
def test_no_assumed_call_decides_about_the_key(shell: Shell, status: str) -> None:
    with answering_by_call({DOCUMENT: ALL, CURRENT: (status, {}, b'{"message": "No."}')}) as (_, env):
        rows = examined(shell, env=env)
    assert rows["account"]["found"].startswith("The key works.")


def test_a_key_without_a_call_that_names_it(shell: Shell) -> None:
    with answering_by_call({DOCUMENT: ALL}) as (_, env):
        rows = examined(shell, env=env)
    assert "The key works." in rows["account"]["found"]
    assert rows["endpoints"]["status"] == "warning"
    assert "but /public/v1/api-keys/current is not there" in rows["endpoints"]["found"]


def test_an_old_secret(shell: Shell) -> None:
    mine: Answer = (
        "200 OK",
        {},
        one({**KEY, "created_at": "2020-01-01T00:00:00.000000Z", "account": ACCOUNT}),
    )
    with answering_by_call({CURRENT: mine, DOCUMENT: ALL}) as (_, env):
        row = examined(shell, env={**env, "ASTALTY_API_KEY": "astalty_00000000abcd"})["account"]
    assert row["status"] == "warning"
    assert "the limit is 90 days" in row["found"]
    assert "astalty keys rotate" in row["hint"]


def test_a_secret_that_was_rotated_away(served: Account) -> None:
    earlier = served.home.secret().reveal()
    served.shell("keys rotate 'sandbox cli' --grace 2h --plain --allow-self")
    row = examined(served.shell, env={"ASTALTY_API_KEY": earlier})["account"]
    assert row["status"] == "warning"
    assert "the secret used here works until 20" in row["found"]


def test_endpoints_that_the_document_does_not_name(shell: Shell) -> None:
    some = document(
        *(
            (each.method.lower(), each.path.replace("{id}", "{any}").removeprefix("/public/v1"))
            for each in contract.ASSUMED[1:-1]
        )
    )
    with answering_by_call({DOCUMENT: some, CURRENT: MINE}) as (_, env):
        row = examined(shell, env=env)["endpoints"]
    assert row["status"] == "ok"
    assert "GET /public/v1/api-keys (for keys list)" in row["found"]
    assert "GET /public/v1/api-requests/{id} (for history show)" in row["found"]
    assert row["found"].count("(for ") == 2
    assert f"are web pages here: {contract.API_DASHBOARD}." in row["found"]


def test_without_a_document_the_lists_are_asked_for(shell: Shell) -> None:
    with answering_by_call({CURRENT: MINE, KEYS: LIST}) as (server, env):
        row = examined(shell, env=env)["endpoints"]
    assert (row["status"], row["found"]) == (
        "ok",
        (
            f"The request history is on a web page here: {contract.REQUEST_HISTORY}. "
            "There is no OpenAPI document here, which is normal."
        ),
    )
    addresses = [f"GET {address}" for address in contract.CATALOGUES]
    assert server.calls == [DOCUMENT, PARTICIPANTS, CURRENT, *addresses[1:], KEYS, HISTORY]
    with answering_by_call({CURRENT: MINE, KEYS: LIST, HISTORY: LIST}) as (_, env):
        row = examined(shell, env=env)["endpoints"]
    assert (row["status"], row["found"]) == (
        "ok",
        (
            "Keys and the request history were tried and are there. "
            "There is no OpenAPI document here, which is normal."
        ),
    )


@pytest.mark.parametrize(("status", "code"), [("500 No", 6), ("429 No", 6), ("422 No", 5)])
def test_a_list_that_fails_is_not_there(shell: Shell, status: str, code: int) -> None:
    lists: dict[str, Answer] = {KEYS: LIST, HISTORY: (status, {}, b'{"message": "No."}')}
    with answering_by_call({CURRENT: MINE, **lists}) as (_, env):
        row = examined(shell, code=code, env=env)["endpoints"]
    assert row["status"] == "error"


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("401 No", "There is no OpenAPI document here, which is normal."),
        ("429 Slow", "There is no endpoint catalogue at {url}/docs/openapi.json now (HTTP 429)."),
    ],
)
def test_nothing_is_said_of_a_key_that_was_not_sent(shell: Shell, status: str, found: str) -> None:
    document: Answer = (status, {}, b'{"message": "No."}')
    with answering_by_call({DOCUMENT: document, CURRENT: MINE, KEYS: LIST, HISTORY: LIST}) as (_, env):
        row = examined(shell, env=env)["endpoints"]
    assert row["found"].endswith(found.format(url=env["ASTALTY_BASE_URL"]))
    assert "key" not in row["found"]


BROKEN = [
    b"[]",
    b"null",
    b'{"swagger": "2.0", "paths": {}}',
    b'{"openapi": "3.1.0", "paths": []}',
    b'{"openapi": "3.1.0", "paths": ' + b'{"a":' * 5000,
    b'{"openapi": "3.1.0", "paths": {"\xff": {}}}',
]


@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
def test_a_document_that_is_none_is_none_to_endpoints_as_well(shell: Shell, broken: bytes) -> None:
    answers: dict[str, Answer] = {DOCUMENT: ("200 OK", {}, broken), CURRENT: MINE, KEYS: LIST, HISTORY: LIST}
    with answering_by_call(answers) as (_, env):
        row = examined(shell, env=env)["endpoints"]
        refused = shell("endpoints list --json", code=6, env=env).error
    assert row["found"] == (
        "Keys and the request history were tried and are there. "
        f"The OpenAPI document could not be read: {refused['message']}"
    )


def test_the_other_known_addresses_are_asked_too(shell: Shell) -> None:
    answers = {"GET /docs/openapi.json": ("200 OK", {}, b"<html>"), "GET /docs/api.json": ALL, CURRENT: MINE}
    with answering_by_call(answers) as (_, env):
        assert examined(shell, env=env)["endpoints"]["found"] == "All 10 are in the OpenAPI document."


@pytest.mark.parametrize(
    "spelled",
    [codecs.BOM_UTF8 + ALL[2], ALL[2].replace(b"{", rb'{"x-half": "\ud800", ', 1)],
    ids=["byte order mark", "half a character"],
)
def test_a_document_that_endpoints_reads_is_one(shell: Shell, spelled: bytes) -> None:
    with answering_by_call({DOCUMENT: ("200 OK", {}, spelled), CURRENT: MINE}) as (_, env):
        assert examined(shell, env=env)["endpoints"]["found"] == "All 10 are in the OpenAPI document."
        assert len(shell("endpoints list", env=env).rows) == 10


@pytest.mark.parametrize(
    ("headers", "status", "says"),
    [
        ({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "9"}, "warning", "9 of 60 requests are left"),
        ({"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "10"}, "ok", "10 of 60"),
        ({"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "5"}, "ok", "5 of 5"),
        ({"X-RateLimit-Limit": "many", "X-RateLimit-Remaining": "-3"}, "skipped", "does not say"),
        ({}, "skipped", "does not say"),
    ],
)
def test_the_room_under_the_rate_limit(shell: Shell, headers: dict[str, str], status: str, says: str) -> None:
    limited: Answer = (LIST[0], headers, LIST[2])
    with answering_by_call({DOCUMENT: ALL, PARTICIPANTS: limited, CURRENT: MINE}) as (_, env):
        row = examined(shell, env=env)["rate-limit"]
    assert row["status"] == status
    assert says in row["found"]


@pytest.mark.parametrize(
    "answer",
    [
        ("200 OK", {}, b"<html>Sign in</html>"),
        ("200 OK", {}, b"\xff\x00"),
        ("422 No", {}, b'{"\xff": "not a name"}'),
        ("200 OK", {}, json.dumps({"data": {"name": "\x1b]0;x\x07" + CANARY}}).encode()),
        ("302 Found", {"Location": "https://elsewhere.example/\x1b[31m"[:27]}, b""),
        ("503 Busy", {"Retry-After": "9999999999"}, b"busy"),
    ],
)
def test_garbage_from_the_server(shell: Shell, answer: Answer) -> None:
    with answering(answer) as (_, url):
        rows = examined(shell, code=6, env=at(url))
        shown = shell("doctor -o table", code=6, env=at(url))
    assert statuses(rows, "error") == {"account"}
    assert rows["endpoints"]["status"] == "skipped"
    assert "\x1b" not in shown.out


def test_what_a_server_says_cannot_drive_the_terminal(shell: Shell) -> None:
    named = one({**json.loads(MINE[2])["data"], "name": "\x1b]0;pwned\x07[/x]\u202e\n::error::"})
    with answering_by_call({DOCUMENT: ALL, CURRENT: ("200 OK", {}, named)}) as (_, env):
        for form in ("table", "tsv", "csv", "json"):
            printed = shell(f"doctor -o {form}", env={**env, "GITHUB_ACTIONS": "true"}).out
            assert "pwned" in printed
            assert not {"\x1b", "\x07", "\u202e"} & set(printed)
            assert not any(line.lstrip().startswith("::") for line in printed.splitlines())


def test_the_key_is_in_nothing_that_is_printed(shell: Shell) -> None:
    """Also where the server says it back, and where it stands in the wrong variable."""
    echo = ("200 OK", {"X-RateLimit-Limit": CANARY}, json.dumps({"message": CANARY}).encode())
    for answer in (echo, ("401 No", {}, echo[2]), ("302 Found", {"Location": f"/{CANARY}"}, b"")):
        with answering(answer) as (_, url):
            for form in ("table", "tsv", "csv", "json"):
                code = 4 if answer[0].startswith("401") else 6
                shell(f"doctor -v -o {form}", code=code, env=at(url))
    assert [each for each in shell.printed if CANARY in each.out + each.err] == []
