"""The lines to run of `astalty endpoints show`: what they send, and where there is none."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.support.accounts import Account
from tests.support.documents import Json, answering_with, described, openapi, taking
from tests.support.encrypted import http, speaking_tls
from tests.support.hostile import at
from tests.support.shell import Shell

PERSON = "9ee9dc30-c869-4fb5-9871-b32850e68cad"


def test_the_line_for_astalty_runs(served: Account) -> None:
    shown = served.shell("endpoints show GET participants --json").json
    assert served.shell(shown["astalty"].removeprefix("astalty ")).json["meta"]["per_page"] == 5


@pytest.mark.parametrize("form", ["--query curl", "--fields curl", "--json", "-o table"])
def test_the_line_for_curl_runs_and_reads_the_key_from_the_environment(served: Account, form: str) -> None:
    shell = served.shell
    secret = served.home.secret().reveal()
    shown = shell(f"endpoints show POST participants {form}").out
    assert secret not in shown
    line = json.loads(shown)["curl"] if form == "--json" else shown[shown.index("printf ") :]
    done = subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, **shell.environ, "ASTALTY_API_KEY": secret},
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert json.loads(done.stdout)["data"]["first_name"] == "text"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("GET participants/{participant_id}", "astalty api participants/PARTICIPANT_ID"),
        (f"DELETE api-keys/{PERSON}", f"astalty api -X DELETE api-keys/{PERSON}"),
        ("POST api-keys", "astalty keys create NAME"),
        ("POST api-keys/{key_id}/rotate", "astalty keys rotate KEY"),
        (f"POST /public/v1/api-keys/{PERSON}/rotate", f"astalty keys rotate {PERSON}"),
    ],
)
def test_lines_name_the_ids_and_the_commands_that_guard_secrets(
    sandbox: Account, words: str, line: str
) -> None:
    shown = sandbox.shell(f"endpoints show {words} --json").json
    assert shown["astalty"] == line
    assert (shown["curl"] is None) == ("astalty keys" in line)


def test_lines_are_for_the_account_that_was_named(sandbox: Account) -> None:
    line = sandbox.shell("endpoints show GET participants -p sandbox --query astalty").out
    assert line == "astalty api 'participants?page[size]=5' -p sandbox\n"


def test_lines_trust_the_authority_that_was_named(shell: Shell, tmp_path: Path) -> None:
    authority, ca_file = trustme.CA(), tmp_path / "the ca's.pem"
    authority.cert_pem.write_to_path(ca_file)
    document = json.dumps(openapi({"/public/v1/x": {"get": {"security": []}}})).encode()
    with speaking_tls(authority.issue_cert("127.0.0.1"), http(document)) as url:
        shell.environ |= {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": "x"}
        shown = shell(f"endpoints show GET x --ca-file {shlex.quote(str(ca_file))} --json").json
        done = subprocess.run(["bash", "-c", shown["curl"]], capture_output=True, check=True)
        assert done.stdout == document
        assert shell(shown["astalty"].removeprefix("astalty ")).json["openapi"]


def number(example: float) -> Json:
    return {"properties": {"n": {"type": "number", "example": example}}}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {
                "required": ["n", "s", "t"],
                "properties": {
                    "n": {"type": "integer"},
                    "s": {"type": "string", "example": "it's"},
                    "t": {"type": "boolean"},
                    "o": {"type": "string"},
                },
            },
            ["-F", "n=1", "-f", "s=it's", "-F", "t=true"],
        ),
        ({"properties": {"o": {"type": "string"}, "p": {"type": "string"}}}, ["-f", "o=text"]),
        (number(1.5), ["--input", "body.json"]),
        ({"required": ["deep"], "properties": {"deep": {"type": "object"}}}, ["--input", "body.json"]),
        ({"type": "array", "items": {"type": "string"}}, ["--input", "body.json"]),
        (number(2**63 - 1), ["-F", "n=9223372036854775807"]),
        (number(2**63), ["--input", "body.json"]),
    ],
)
def test_a_body_is_said_by_its_required_members(shell: Shell, schema: Json, words: list[str]) -> None:
    line = described(shell, taking(schema), "POST x")["astalty"]
    assert shlex.split(line) == ["astalty", "api", "-X", "POST", "x", *words]


def sent(shell: Shell, line: str) -> Any:
    """The call that a line for astalty makes, as a dry run tells it."""
    (call,) = shell(f"{line.removeprefix('astalty ')} --dry-run --json", env=at("http://127.0.0.1:1")).json
    return call


def test_a_line_sends_each_field_as_its_type(shell: Shell) -> None:
    types = {
        "n": {"type": "integer"},
        "s": {"type": "string", "example": "@it's"},
        "t": {"type": "boolean"},
    }
    line = described(shell, taking({"required": [*types], "properties": types}), "POST x")["astalty"]
    assert sent(shell, line)["body"] == {"n": 1, "s": "@it's", "t": True}


def test_required_parameters_are_in_the_lines(shell: Shell) -> None:
    given = [
        {"name": "filter[a b]", "in": "query", "required": True, "schema": {"enum": ["x&y"]}},
        {"name": "X-Team", "in": "header", "required": True, "schema": {"type": "string", "default": "a\nb"}},
    ]
    shown = described(shell, answering_with({}, parameters=given, security=[]))
    assert shlex.split(shown["astalty"]) == ["astalty", "api", "x?filter[a%20b]=x%26y", "-H", "X-Team: ab"]
    assert "X-Team: ab" in shown["curl"]
    assert "ASTALTY_API_KEY" not in shown["curl"]


FILTER: Json = {
    "required": ["status"],
    "properties": {"name": {"type": "string"}, "status": {"type": "string"}},
}


@pytest.mark.parametrize(
    ("more", "query"),
    [
        ({"style": "deepObject", "schema": FILTER}, "filter[status]=text"),
        ({"schema": FILTER}, "status=text"),
        ({"content": {"application/json": {"schema": {"enum": [{"a": 1}]}}}}, "filter=%7B%22a%22:%201%7D"),
    ],
)
def test_an_object_in_the_query_is_spelt_as_the_document_says(shell: Shell, more: Json, query: str) -> None:
    given = {"name": "filter", "in": "query", "required": True, **more}
    shown = described(shell, answering_with({}, parameters=[given]))
    assert shlex.split(shown["astalty"]) == ["astalty", "api", f"x?{query}"]
    assert f"/public/v1/x?{query}" in shown["curl"]


def test_a_required_cookie_is_for_curl_alone(shell: Shell) -> None:
    given = [
        {"name": "session", "in": "cookie", "required": True, "schema": {"example": "a;b"}},
        {"name": "team", "in": "cookie", "required": True, "schema": {"type": "integer"}},
        {"name": "seen", "in": "cookie", "schema": {"type": "integer"}},
    ]
    shown = described(shell, answering_with({}, parameters=given))
    assert shown["astalty"] is None
    assert "--header 'Cookie: session=a%3Bb; team=1'" in shown["curl"]


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-ndjson", "application/json-seq"])
def test_a_body_that_is_not_json_has_no_line(shell: Shell, kind: str) -> None:
    form = {"requestBody": {"content": {kind: {"schema": {"type": "object"}}}}}
    shown = described(shell, openapi({"/public/v1/x": {"post": form}}), "POST x")
    assert (shown["astalty"], shown["curl"]) == (None, None)


def test_a_call_beside_the_api_is_for_curl_alone(shell: Shell) -> None:
    shown = described(shell, openapi({"/health": {"get": {}}}), "GET /health")
    assert shown["astalty"] is None
    assert "/health" in shown["curl"]


@pytest.mark.parametrize("schema", [{"type": "object"}, {}])
def test_a_required_body_of_which_nothing_is_known_is_in_both_lines(shell: Shell, schema: Json) -> None:
    content = {"required": True, "content": {"application/json": {"schema": schema}}}
    shown = described(shell, openapi({"/public/v1/x": {"post": {"requestBody": content}}}), "POST x")
    assert shown["astalty"] == "astalty api -X POST x --input body.json"
    assert shown["curl"].endswith("--header 'Content-Type: application/json' --data-raw '{}'")


@pytest.mark.parametrize("schema", [{"type": "object"}, {}])
def test_an_optional_body_of_which_nothing_is_known_is_in_no_line(shell: Shell, schema: Json) -> None:
    shown = described(shell, taking(schema), "POST x")
    assert shown["astalty"] == "astalty api -X POST x"
    assert not {"Content-Type", "--data-raw"} & set(re.findall(r"[\w-]+", shown["curl"]))


@pytest.mark.parametrize("kind", ["application/merge-patch+json", "application/json; charset=utf-8"])
def test_a_body_is_sent_as_what_the_document_says(shell: Shell, kind: str) -> None:
    schema = {"properties": {"o": {"type": "string"}}}
    patch = {"requestBody": {"content": {"text/plain": {}, kind: {"schema": schema}}}}
    shown = described(shell, openapi({"/public/v1/x": {"patch": patch}}), "PATCH x")
    words = ["astalty", "api", "-X", "PATCH", "x", "-H", f"Content-Type: {kind}", "-f", "o=text"]
    assert shlex.split(shown["astalty"]) == words
    assert f"--header 'Content-Type: {kind}' --data-raw" in shown["curl"]


def test_a_path_is_never_taken_for_a_flag(shell: Shell) -> None:
    document = openapi({"/public/v1/--help": {"get": {}}})
    line = described(shell, document, "GET /--help")["astalty"]
    assert line == "astalty api /--help"
    assert sent(shell, line)["url"] == "http://127.0.0.1:1/public/v1/--help"


def line_for_astalty(shell: Shell, path: str, method: str = "get", **operation: Any) -> Any:
    """The line of a call that has one for curl in any case; None where that is the only one."""
    shown = described(shell, openapi({path: {method: operation}}), f"{method} '{path}'")
    assert shown["curl"]
    return shown["astalty"]


SEARCH = {"content": {"application/json": {"schema": {"properties": {"q": {"type": "string"}}}}}}


def test_a_get_with_a_body_is_for_curl_alone(shell: Shell) -> None:
    shown = described(shell, openapi({"/public/v1/x": {"get": {"requestBody": SEARCH}}}))
    assert shown["astalty"] is None
    assert "curl --request GET" in shown["curl"]
    assert """--data-raw '{"q": "text"}'""" in shown["curl"]


def test_a_head_is_for_curl_alone_and_has_no_body(shell: Shell) -> None:
    shown = described(shell, openapi({"/public/v1/x": {"head": {"requestBody": SEARCH}}}), "HEAD x")
    assert shown["astalty"] is None
    assert "curl --head" in shown["curl"]
    assert "--data-raw" not in shown["curl"]


@pytest.mark.parametrize("method", ["options", "trace"])
def test_what_astalty_api_has_no_method_for_is_for_curl_alone(shell: Shell, method: str) -> None:
    assert line_for_astalty(shell, "/public/v1/x", method) is None


@pytest.mark.parametrize("path", ["users/@me", "a;x/%40", "/docs/x", "public/v1/x", "a:b"])
def test_a_path_that_astalty_api_refuses_or_changes_is_for_curl_alone(shell: Shell, path: str) -> None:
    assert line_for_astalty(shell, f"/public/v1/{path}") is None


@pytest.mark.parametrize("path", ["x/../api-keys", "x/.", "api-keys/x/%2E.", "..;/x"])
def test_a_path_that_clients_shorten_has_no_line(shell: Shell, path: str) -> None:
    shown = described(shell, openapi({f"/public/v1/{path}": {"post": {}}}), f"POST '{path}'")
    assert shown["curl"] is None


def header(name: str) -> Json:
    return {"parameters": [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}}]}


@pytest.mark.parametrize("name", ["Authorization", "accept", "Content-Type"])
def test_headers_that_openapi_says_to_ignore_are_in_no_line(shell: Shell, name: str) -> None:
    assert line_for_astalty(shell, "/public/v1/x", **header(name)) == "astalty api x"
    shown = described(shell, openapi({"/public/v1/x": {"get": header(name)}}))
    assert ": text" not in shown["curl"]


@pytest.mark.parametrize("name", ["Cookie", "host", "X-HTTP-Method-Override"])
def test_a_header_that_astalty_api_refuses_is_for_curl_alone(shell: Shell, name: str) -> None:
    assert line_for_astalty(shell, "/public/v1/x", **header(name)) is None


def test_a_field_that_astalty_api_refuses_is_for_curl_alone(shell: Shell) -> None:
    shown = described(shell, taking({"properties": {"_method": {"type": "string"}}}), "POST x")
    assert shown["astalty"] is None


@pytest.mark.parametrize("path", ["api-keys/", "API-KEYS", "api-keys;v=1", "team/api-keys/{id}/Rotate"])
def test_a_secret_is_printed_by_no_line_however_its_call_is_spelt(shell: Shell, path: str) -> None:
    shown = described(shell, openapi({f"/public/v1/{path}": {"post": {}}}), f"POST '{path}'")
    assert shown["astalty"].startswith("astalty keys ")
    assert shown["curl"] is None


AT_V1: list[Json] = [{"url": "/public/{version}", "variables": {"version": {"default": "v1"}}}]
ELSEWHERE: list[Json] = [{"url": "https://files.example/v3"}]


@pytest.mark.parametrize(
    ("item", "path", "line"),
    [
        ({"get": {}}, "/public/v1/x/{id}", "astalty api x/ID"),
        ({"get": {"servers": []}}, "/public/v1/x/{id}", "astalty api x/ID"),
        (
            {"get": {"servers": [{"url": "/public/v1/more/"}]}},
            "/public/v1/more/x/{id}",
            "astalty api more/x/ID",
        ),
        ({"get": {}, "servers": ELSEWHERE}, "/v3/x/{id}", None),
        ({"get": {"servers": ELSEWHERE}, "servers": AT_V1}, "/v3/x/{id}", None),
        ({"get": {"servers": AT_V1}, "servers": ELSEWHERE}, "/public/v1/x/{id}", "astalty api x/ID"),
    ],
)
def test_a_call_is_at_the_server_that_is_named_nearest_to_it(
    shell: Shell, item: Json, path: str, line: str | None
) -> None:
    shown = described(shell, openapi({"/x/{id}": item}, servers=AT_V1), f"GET '{path}'")
    assert (shown["path"], shown["astalty"]) == (path, line)
    if line:
        assert path.replace("{id}", "ID") + " " in shown["curl"]
    else:
        assert shown["curl"] is None
