"""`astalty history show`: one entry with both sides, what is hidden in it, and how to make the call again."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from tests.support.accounts import Account
from tests.support.hostile import ENTRY, answering, one
from tests.support.shell import Result, Shell


@pytest.fixture
def refused_id(sandbox: Account) -> str:
    return sandbox.shell("history list --status 422 --method POST -L 1 --query '[0].id'").out.strip()


def test_show_has_the_dashboards_fields_and_both_sides(sandbox: Account, refused_id: str) -> None:
    lines = dict(line.split("\t", 1) for line in sandbox.shell(f"history show {refused_id}").out.splitlines())
    assert lines["id"] == refused_id
    assert lines["status"] == "422"
    for name in ("created_at", "ip_address", "user.name", "user.id", "user.email"):
        assert lines[name]
    assert json.loads(lines["response"])["body"]["message"]
    assert json.loads(lines["request"])["headers"]["Authorization"].startswith("Bearer …")


def test_one_side_alone(sandbox: Account, refused_id: str) -> None:
    whole = sandbox.shell(f"history show {refused_id} --json").json
    assert sandbox.shell(f"history show {refused_id} --request --json").json == whole["request"]
    assert sandbox.shell(f"history show {refused_id} --response --json").json == whole["response"]


def test_panes_stand_beside_each_other_only_where_there_is_room(sandbox: Account, refused_id: str) -> None:
    line = f"history show {refused_id} -o table"
    wide = sandbox.shell(line, env={"COLUMNS": "120"}).out
    narrow = sandbox.shell(line, env={"COLUMNS": "119"}).out
    assert any("Request" in text and "Response" in text for text in wide.splitlines())
    assert not any("Request" in text and "Response" in text for text in narrow.splitlines())
    assert max(map(len, narrow.splitlines())) <= 119


def test_an_unknown_entry_is_not_found(sandbox: Account) -> None:
    missing = sandbox.shell("history show 9ee9dc30-c869-4fb5-9871-b32850e68cad", code=3)
    assert "no entry" in missing.err


def test_one_side_alone_in_a_pipe(sandbox: Account, refused_id: str) -> None:
    shown = dict(
        line.split("\t", 1)
        for line in sandbox.shell(f"history show {refused_id} --response").out.splitlines()
    )
    assert json.loads(shown["body"])["message"]
    both = sandbox.shell(f"history show {refused_id} --request --response").rows
    assert [row[0] for row in both] == ["request", "response"]


# -- what is hidden ------------------------------------------------------------------------------

CANARY = "canary-8f3e11"
SHAPES = [
    "astalty_" + "0aZ" * 15 + "1",
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "AKIA" + "Z9" * 8,
    "sk_live_" + "a1" * 12,
    "whsec_" + "a1B2" * 8,
    "xoxb-" + "12-ab" * 4,
    "AIza" + "aB-4_" * 7,
    "glpat-" + "aB-4_" * 4,
    "npm_" + "aB42" * 9,
    "pypi-" + "aB-4_" * 20,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----",
    "Bearer a1b2c3d4e5",
    "Basic am86cGFzcw==",
    "postgres://jo:hunter22@db.example/x",
]
SECRET_PARTS = [*SHAPES[:13], "a1b2c3d4e5", "am86cGFzcw", "hunter22"]


def side(body: object = None, headers: object = None, *, truncated: bool = False) -> dict[str, object]:
    return {"headers": headers or {}, "body": body, "truncated": truncated}


def show(shell: Shell, entry: dict[str, Any], flags: str, *, code: int = 0, raw: bytes = b"") -> Result:
    with answering(("200 OK", {}, raw or one(entry))) as (_, url):
        env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url, "COLUMNS": "200"}
        return shell(f"history show {ENTRY['id']} {flags}", env=env, code=code)


def secretive() -> dict[str, Any]:
    headers = {
        "Authorization": "Bearer …abcd",
        "Cookie": f"session={CANARY}",
        "X-Auth-Token": [CANARY, CANARY],
        "Accept": "*/*",
    }
    body = {
        "userPassword": CANARY,
        "deep": [
            {"new_password_confirmation": {"a": [CANARY]}, "note": f"see https://x.example/?token={CANARY}"}
        ],
        "token_count": 3,
        "secretary": "Kim",
        "texts": SHAPES,
    }
    return {
        **ENTRY,
        "path": f"/public/v1/participants?api_key={CANARY}&page[size]=5",
        "user_agent": f"x {SHAPES[0]}",
        "api_key": {"id": ENTRY["id"], "name": "Payroll"},
        "request": side(body, headers),
        "response": side(f'{{"pin": 1, "password": "{CANARY}'),
    }


EVERY_FORM = [
    *(f"-o {form}" for form in ("table", "tsv", "json", "jsonl", "csv")),
    "--request", "--response", "--request --json", "--response -o table", "--request --response",
    "--fields path,user_agent,request.body,request.headers,response", "--query [path,request,response]",
    "-v", "-q",
]  # fmt: skip


@pytest.mark.parametrize("form", EVERY_FORM)
def test_secrets_are_hidden_in_every_form_of_output(shell: Shell, form: str) -> None:
    result = show(shell, secretive(), form)
    for secret in (CANARY, *SECRET_PARTS):
        assert json.dumps(secret)[1:-1] not in result.out + result.err
        assert secret not in result.out + result.err
    assert "[redacted]" in result.out
    assert ("--reveal shows" in result.err) == (form != "-q")


def test_what_is_no_secret_stays_as_it_was(shell: Shell) -> None:
    shown = show(shell, secretive(), "--json")
    entry, expected = shown.json, secretive()
    assert entry["api_key"] == expected["api_key"]
    assert entry["path"] == "/public/v1/participants?api_key=[redacted]&page[size]=5"
    assert entry["request"]["headers"] == {
        "Authorization": "Bearer …abcd",
        "Cookie": "[redacted]",
        "X-Auth-Token": "[redacted]",
        "Accept": "*/*",
    }
    body = entry["request"]["body"]
    assert body["token_count"] == 3
    assert body["secretary"] == "Kim"
    assert body["deep"][0]["note"] == "see https://x.example/?token=[redacted]"
    assert body["texts"][-1] == "postgres://jo:[redacted]@db.example/x"
    assert shown.err == f"{shown.out.count('[redacted]')} values are hidden; --reveal shows them.\n"


def test_reveal_shows_all_as_the_service_gave_it(shell: Shell) -> None:
    shown = show(shell, secretive(), "--json --reveal")
    assert shown.json == secretive()
    assert shown.err == ""


def test_the_note_counts_what_is_shown_alone(shell: Shell) -> None:
    assert show(shell, secretive(), "--fields id,status").err == ""
    assert show(shell, secretive(), "--fields path").err == "1 value is hidden; --reveal shows it.\n"
    assert show(shell, secretive(), "--response").err == "2 values are hidden; --reveal shows them.\n"


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ("Bearer …abcd", True), (["Bearer …abcd"], True), ("[secret]", True),
        ("Bearer …abcde", False), ("Bearer abcd", False), ("bearer …abcd", False), ("…abcd", False),
        ("Bearer …abcd, Bearer x", False), (["Bearer …abcd", "x"], False), (5, False),
    ],
)  # fmt: skip
def test_of_a_secret_that_made_a_call_the_last_four_stay(shell: Shell, stored: object, kept: bool) -> None:
    entry = {**ENTRY, "request": side(headers={"authorization": stored}), "response": side()}
    shown = show(shell, entry, "--request --json").json["headers"]["authorization"]
    assert shown == (stored if kept else "[redacted]")


def test_a_spoilt_body_neither_fails_nor_leaks(shell: Shell) -> None:
    bodies = [
        b'{"n": 1e99999, "x": "\\ud800", "password": "%s", "big": 123456789012345678901234567890.50}',
        b'{"a": "\\ud800 password=%s"}',
        b'{"x": "\xff", "password": "%s"}',
        b'{"password": {"password": "%s"}, "password": ["%s"]}',
        b"[" * 400 + b'{"token": "%s"}' + b"]" * 400,
    ]
    for body in bodies:
        spoilt = body.replace(b"%s", CANARY.encode())
        raw = one(ENTRY)[:-2] + (
            b', "request": {"headers": {}, "body": %s, "truncated": false}'
            b', "response": {"headers": {}, "body": null, "truncated": false}}}' % spoilt
        )
        forms = ("-o table", "-o json", "-o tsv", "-o csv", "--request", "--request -o json")
        for form in forms if body is bodies[0] else forms[:2]:
            shown = show(shell, ENTRY, form, raw=raw)
            assert CANARY not in shown.out + shown.err, body
            assert "[redacted]" in shown.out, body
            if b"1e99999" in body and "json" in form:
                assert '"n":1e99999' in shown.out
                assert '"big":123456789012345678901234567890.50' in shown.out


def test_an_answer_that_issues_a_key_is_hidden_whatever_it_looks_like(shell: Shell) -> None:
    for path in ("/public/v1/api-keys", f"/public/v1/api-keys/{ENTRY['id']}/rotate"):
        issued = side({"data": {"id": ENTRY["id"], "secret": "plain words", "last_four": "ords"}})
        entry = {**ENTRY, "method": "POST", "path": path, "request": side(), "response": issued}
        data = show(shell, entry, "--json").json["response"]["body"]["data"]
        assert data == {"id": ENTRY["id"], "secret": "[redacted]", "last_four": "ords"}


def test_health_data_in_a_body_is_not_in_the_talk(shell: Shell) -> None:
    entry = {**ENTRY, "request": side({"diagnosis": CANARY}), "response": side()}
    for flags in ("-v", "--as curl -v"):
        shown = show(shell, entry, flags)
        assert CANARY in shown.out
        assert CANARY not in shown.err


# -- made again ----------------------------------------------------------------------------------

NASTY = "it's \"q\" $(id) `id` ${HOME} !! \\n \\ 😀 é\n@file\n::error::x ##[x] -d %41 'end"
LANGUAGES = ("curl", "httpie", "python")


def run(account: Account, language: str, command: str) -> None:
    """Run what was printed, as its reader would: paste it into bash, or into a file for Python."""
    words = [sys.executable, "-c", command] if language == "python" else ["bash", "-c", command]
    env = {**account.shell.environ, "ASTALTY_API_KEY": account.home.secret().reveal()}
    done = subprocess.run(
        words, env=env, cwd=account.shell.home, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, command + done.stderr


def newest(account: Account, method: str) -> dict[str, Any]:
    """What the service has logged of the last such call."""
    query = f"filter[method]={method}&filter[path]=/public/v1/participants*&page[size]=1&include=bodies"
    headers = {"Authorization": f"Bearer {account.home.secret().reveal()}"}
    answer = httpx.get(f"{account.base_url}/public/v1/api-requests?{query}", headers=headers)
    entry: dict[str, Any] = answer.json()["data"][0]
    return entry


@pytest.mark.parametrize(
    "made",
    [
        ("GET", "/participants?page[size]=5&filter[name]=a'b*{c}", None, None),
        ("GET", "/participants?q=%23%20%26", None, None),
        ("POST", "/participants", json.dumps({"first_name": NASTY}, ensure_ascii=False), "application/json"),
        ("POST", "/participants", json.dumps({"first_name": NASTY}), "application/json"),
        ("POST", "/participants?x=$(id)`id`;!", NASTY, "text/plain"),
        ("POST", "/participants", "@/etc/hostname", "application/json"),
        ("POST", "/participants", "--help", None),
        ("PATCH", f"/participants/{ENTRY['id']}", '{"email": "-x"}', "application/json"),
        ("DELETE", f"/participants/{ENTRY['id']}", None, None),
    ],
)  # fmt: skip
def test_a_printed_command_makes_the_same_request(
    served: Account, made: tuple[str, str, str | None, str | None]
) -> None:
    method, path, body, kind = made
    served.clock.move(seconds=1)  # after what signing in asked for
    secret = served.home.secret().reveal()
    headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json", "X-Mine": "a 'b' \"c\" $d"}
    headers |= {"Content-Type": kind} if kind else {}
    url = f"{served.base_url}/public/v1{path}"
    httpx.request(method, url, headers=headers, content=body and body.encode())
    first = newest(served, method)
    assert {"Authorization", "Accept", "X-Mine"} <= first["request"]["headers"].keys()
    for language in LANGUAGES:
        served.clock.move(seconds=1)
        command = served.shell(f"history show {first['id']} --as {language}").out
        assert command.isascii()
        assert secret not in command
        run(served, language, command)
        assert_same(first, newest(served, method), language)


def assert_same(first: dict[str, Any], again: dict[str, Any], language: str) -> None:
    assert again["id"] != first["id"], language
    assert unquote(again["path"]) == unquote(first["path"])  # httpie encodes brackets
    assert language == "httpie" or again["path"] == first["path"]
    for same in ("method", "status", "api_key"):
        assert again[same] == first[same], language
    assert again["request"]["body"] == first["request"]["body"], language
    for name in ("Authorization", "Accept", "X-Mine", "Content-Type"):
        assert again["request"]["headers"].get(name) == first["request"]["headers"].get(name), name


NOT_REPEATED = [
    "Host", "Cookie", "Content-Length", "User-Agent", "Connection", "Accept-Encoding", "Forwarded",
    "X-Forwarded-For", "X-Forwarded-Proto", "Transfer-Encoding", "TE", "Proxy-Authorization",
    "idempotency-key", "Via",
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_belongs_to_one_call_is_not_repeated(shell: Shell, language: str) -> None:
    left_out = dict.fromkeys(NOT_REPEATED, "left-out")
    headers = left_out | {"Authorization": "Bearer …abcd", "Accept": ["text/csv", "text/html"]}
    command = show(shell, {**ENTRY, "request": side(headers=headers)}, f"--as {language}").out
    assert "left-out" not in command
    assert "abcd" not in command
    assert "text/csv, text/html" in command
    assert "ASTALTY_API_KEY" in command
    without = show(shell, {**ENTRY, "request": side()}, f"--as {language}").out
    assert "ASTALTY_API_KEY" not in without


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_hidden_is_hidden_in_the_command_too(shell: Shell, language: str) -> None:
    entry = {
        **ENTRY,
        "path": f"/public/v1/participants?token={CANARY}",
        "request": side({"password": CANARY}, {"X-Api-Key": CANARY, "Cookie": CANARY}),
    }
    hidden = show(shell, entry, f"--as {language}")
    assert CANARY not in hidden.out + hidden.err
    assert hidden.err == "3 values are hidden; --reveal shows them.\n"
    revealed = show(shell, entry, f"--as {language} --reveal")
    assert revealed.out.count(CANARY) == 3
    assert revealed.err == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"request": side("x" * 9, truncated=True)}, "cut by the service"),
        ({"request": side("not \ufffd text")}, "not text"),
        ({"request": side("nul \0")}, "not text"),
        ({"path": "@evil.example/x"}, "its path is none"),
        ({"path": ".evil.example/x"}, "its path is none"),
        ({"path": "/public/../x"}, "its path is none"),
        ({"method": "GET /x"}, "its method is none"),
        ({"method": "$(id)"}, "its method is none"),
        ({"request": side(headers={"X": "a\r\nb: c"})}, "one of its headers"),
        ({"request": side(headers={"X y": "a"})}, "one of its headers"),
    ],
)
def test_what_cannot_be_said_is_refused(shell: Shell, change: dict[str, Any], why: str) -> None:
    for language in LANGUAGES:
        refused = show(shell, {**ENTRY, "request": side(), **change}, f"--as {language}", code=5)
        assert why in refused.err
        assert refused.out == ""


def test_a_header_that_names_a_file_reads_none(served: Account) -> None:
    (served.shell.home / "private").write_text("canary-of-a-file")
    headers = {"Authorization": "Bearer …abcd", "Accept": "@private", "X-Other": "=@private"}
    for language in LANGUAGES:
        command = show(served.shell, {**ENTRY, "request": side(headers=headers)}, f"--as {language}").out
        with answering(("200 OK", {}, b"{}")) as (app, url):
            run(served, language, command.replace(command.split("http://")[1].split("/")[0], url[7:]))
            assert app.headers[0]["HTTP_ACCEPT"] == "@private"
            assert app.headers[0]["HTTP_X_OTHER"] == "=@private"


@pytest.mark.parametrize(
    "other", ["--request", "--response", "--fields id", "--query id", "-o table", "--json"]
)
def test_as_goes_with_no_other_choice_of_output(shell: Shell, other: str) -> None:
    with answering(("200 OK", {}, one(ENTRY))) as (app, url):
        env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url}
        refused = shell(f"history show {ENTRY['id']} --as curl {other}", env=env, code=2)
        assert "--as goes with no other choice of output." in refused.err
        assert app.calls == []


def test_the_sandboxes_requests_are_repeated_where_it_is_served(sandbox: Account, refused_id: str) -> None:
    shown = sandbox.shell(f"history show {refused_id} --as curl")
    assert "http://127.0.0.1:8787/public/v1/participants" in shown.out
    assert "astalty sandbox serve" in shown.err


def test_the_key_is_not_among_the_arguments_of_a_printed_command(served: Account) -> None:
    """The programs are replaced by ones that tell what they were called with, and what came by the pipe."""
    folder = served.shell.home / "bin"
    folder.mkdir()
    for name in ("curl", "http"):
        (folder / name).write_text('#!/bin/sh\nprintf "%s\\n" "$@"\necho --\ncat\n')
        (folder / name).chmod(0o755)
    entry = served.shell("history list -L 1 --query [0].id -q").out.strip()
    for language in ("curl", "httpie"):
        command = served.shell(f"history show {entry} --as {language}").out
        env = {**served.shell.environ, "ASTALTY_API_KEY": CANARY}
        env["PATH"] = f"{folder}:{env['PATH']}"
        told = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, check=True)
        arguments, _, piped = told.stdout.partition("\n--\n")
        assert CANARY not in arguments
        assert piped.endswith(f"Bearer {CANARY}")
