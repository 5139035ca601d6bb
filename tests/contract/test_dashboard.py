"""The Endpoint Dashboard as the server gives it: whole without a script, closed to the outside, in step."""

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest

from astalty_cli.api.contract import ENDPOINT_DASHBOARD, OPENAPI, expire_previous
from astalty_cli.base.secret_patterns import SANDBOX_SECRET
from astalty_cli.openapi.examples import of_schema
from astalty_cli.openapi.references import References
from astalty_cli.sandbox.dashboard.endpoint import Endpoint
from astalty_cli.sandbox.dashboard.lines import KEY_COMMANDS, ready
from astalty_cli.sandbox.dashboard.markup import Html, join, prose, tag
from astalty_cli.sandbox.dashboard.samples import with_samples
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.openapi import document
from astalty_cli.sandbox.participants import PARTICIPANTS
from astalty_cli.sandbox.store import Store
from tests.support.serving import serving
from tests.support.shell import Shell

DOCUMENT: dict[str, Any] = msgspec.json.decode(document())
SAMPLED = with_samples(msgspec.json.decode(document()))
ENDPOINTS = [
    Endpoint(method.upper(), path, References(SAMPLED).resolved(operation))
    for path, operations in SAMPLED["paths"].items()
    for method, operation in operations.items()
]


class Page(HTMLParser):
    """What a parser sees of it: attributes, texts, and the blocks of code under their captions."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open, data))

    def text(self, element: str | None = None) -> str:
        return "".join(text for tag, text in self.texts if element in (None, tag))


@pytest.fixture
def page(anyone: httpx.Client) -> Page:
    return Page(anyone.get(ENDPOINT_DASHBOARD).text)


# -- how it is served ----------------------------------------------------------------------------


def test_it_needs_no_key_and_leaves_no_entry(anyone: httpx.Client, store: Store) -> None:
    before = store.history.page(parse_query("", REQUESTS))[1].total
    for path in (ENDPOINT_DASHBOARD, ENDPOINT_DASHBOARD + "/"):
        answer = anyone.get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.text.startswith("<!doctype html>")
    assert store.history.page(parse_query("", REQUESTS))[1].total == before


def test_head_says_what_get_would(app: Any) -> None:
    with serving(app) as url:
        got, head = (httpx.request(method, url + ENDPOINT_DASHBOARD) for method in ("GET", "HEAD"))
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers == got.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused_as_everywhere(anyone: httpx.Client, method: str) -> None:
    answer = anyone.request(method, ENDPOINT_DASHBOARD)
    assert answer.status_code == 405
    assert answer.json() == {"message": f"The {method} method is not supported for route docs."}


# -- what it may load ----------------------------------------------------------------------------


def test_only_its_own_style_and_script_may_run(anyone: httpx.Client, page: Page) -> None:
    headers = anyone.get(ENDPOINT_DASHBOARD).headers
    policy = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'{digest(page.text('style'))}'",
        "script-src": f"'{digest(page.text('script'))}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_it_names_no_other_address(page: Page) -> None:
    links = [value or "" for name, value in page.attributes if name in ("href", "src", "srcset", "action")]
    assert [
        link for link in links if not link.startswith(("#", "data:")) and link not in {OPENAPI, "/"}
    ] == []
    assert "url(" not in page.text("style")
    assert "@import" not in page.text("style")
    assert not [name for name, _ in page.attributes if name == "style" or name.startswith("on")]


def test_a_host_header_is_text(anyone: httpx.Client) -> None:
    hostile = "x\"><script>alert(1)</script>'$(touch x)"
    page = anyone.get(ENDPOINT_DASHBOARD, headers={"Host": hostile}).text
    assert page.count("<script>") == 1
    assert "export ASTALTY_BASE_URL='http://x\"><script>" in Page(page).text("code")


def test_text_is_escaped_unless_it_is_markup() -> None:
    assert tag("p", "<b>", Html("<i>"), title='"<') == '<p title="&quot;&lt;">&lt;b&gt;<i></p>'
    assert prose("`<a>` & b") == "<code>&lt;a&gt;</code> &amp; b"
    assert join("a", "<") == "a&lt;"


# -- what it says --------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_each_operation_is_there_with_all_that_it_takes(page: Page, endpoint: Endpoint) -> None:
    assert ("id", endpoint.name) in page.attributes
    assert ("href", f"#{endpoint.name}") in page.attributes
    text = Page(endpoint.section).text()
    assert text.startswith(endpoint.method + endpoint.path + endpoint.operation["summary"])
    for parameter in endpoint.operation["parameters"]:
        assert parameter["name"] in text
    for status in endpoint.operation["responses"]:
        assert status in text


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_examples_fit_their_schemas(name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}"}
    example = of_schema(References(SAMPLED).resolved(schema), sent=False)
    jsonschema_rs.validator_for(schema | {"components": DOCUMENT["components"]}).validate(example)


# -- the lines to copy ---------------------------------------------------------------------------


def makes_a_secret(endpoint: Endpoint) -> bool:
    return '"format": "password"' in json.dumps(endpoint.operation["responses"])


def test_a_call_that_makes_a_secret_is_left_to_the_command_that_delivers_it() -> None:
    secret, others = (
        [each for each in ENDPOINTS if makes_a_secret(each) is makes] for makes in (True, False)
    )
    assert {each.path for each in secret} == set(KEY_COMMANDS)
    for each in secret:
        assert "astalty keys " in Page(each.section).text()
        assert not any("astalty api" in block or "curl" in block for block in blocks(each))
    for each in others:
        assert "astalty api" in Page(each.section).text()
        assert any("curl" in block for block in blocks(each))


def blocks(endpoint: Endpoint) -> Iterator[str]:
    parser = Page(endpoint.section)
    labels = [place for place, (tag, _) in enumerate(parser.texts) if tag == "figcaption"]
    for place in labels:
        yield next(text for tag, text in parser.texts[place:] if tag == "code")


CURLS = [(each, block) for each in ENDPOINTS for block in blocks(each) if "curl" in block]


@pytest.mark.parametrize(("endpoint", "line"), CURLS, ids=lambda part: getattr(part, "name", ""))
def test_the_line_for_curl_works_as_it_stands_and_prints_no_secret(
    app: Any, store: Store, secret: str, endpoint: Endpoint, line: str
) -> None:
    key = store.keys.create("another", created_by=store.owner().id)
    request = store.history.page(parse_query("page[size]=1", REQUESTS))[0][0]
    person = store.participants.page(parse_query("filter[status]=active", PARTICIPANTS))[0][0]
    with serving(app) as url:
        environ = {
            "PATH": "/usr/bin:/bin",
            "ASTALTY_BASE_URL": url,
            "ASTALTY_API_KEY": secret,
            "KEY_ID": key.id,
            "REQUEST_ID": request.id,
            "PARTICIPANT_ID": person.id,
        }
        done = subprocess.run(
            ["bash", "-c", f"{line} -w '\\n%{{http_code}}'"],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
    answer, _, status = done.stdout.rpartition("\n")
    assert status in endpoint.operation["responses"]
    assert status.startswith("2")
    assert not re.search(SANDBOX_SECRET, answer)


def test_the_key_is_no_word_of_the_curl_command() -> None:
    line = ready("POST", expire_previous("{key_id}"), {"within_seconds": 0})["curl"]
    before, _, command = line.partition("|")
    assert before.startswith("printf ")
    assert "$ASTALTY_API_KEY" not in command


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_the_line_for_astalty_works_as_it_stands(shell: Shell, endpoint: Endpoint) -> None:
    shell.environ["ASTALTY_PROFILE"] = "sandbox"
    shell("keys create another --plain")
    line = next(blocks(endpoint)).removeprefix("astalty ")
    for path in ("api-key", "api-request", "participant"):
        newest = shell(f"api /{path}s --query data[0].id").out.strip()
        line = line.replace(f"${path.removeprefix('api-').upper()}_ID", newest)
    if makes_a_secret(endpoint):
        assert shell(f"{line} --plain").out.startswith("astalty_")
    else:
        assert shell(f"{line} --include").out.split()[1] in endpoint.operation["responses"]
