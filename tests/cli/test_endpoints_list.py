"""`astalty endpoints list`: what the service offers, by tag, for people and for scripts."""

from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.documents import offering, openapi
from tests.support.shell import Shell
from tests.support.terminal import Terminal


def paths_of(*names: str, **spec: object) -> dict[str, object]:
    return {name: {"get": spec} for name in names}


def test_the_calls_come_by_tag_in_the_documents_order(shell: Shell) -> None:
    paths = {
        "/a": {"get": {"tags": ["Second"], "summary": "One"}, "post": {}},
        "/b": {"get": {"tags": ["First", "Second"]}, "delete": {"tags": ["Unheard of"]}},
        "/c": {"get": {"tags": ["Second"], "description": "Its first line.\nIts second."}},
    }
    with offering(shell, openapi(paths, tags=[{"name": "First"}, {"name": "Second"}])):
        assert shell("endpoints list").rows == [
            ["First", "GET", "/b", ""],
            ["Second", "GET", "/a", "One"],
            ["Second", "GET", "/c", "Its first line."],
            ["Unheard of", "DELETE", "/b", ""],
            ["", "POST", "/a", ""],
        ]


def test_json_has_all_that_is_known_of_each(shell: Shell) -> None:
    spec = {"tags": ["T"], "summary": "S", "operationId": "getA", "deprecated": True}
    with offering(shell, openapi(paths_of("/public/v1/a", **spec))):
        listed = shell("endpoints list --json").json
    row = {"tag": "T", "method": "GET", "path": "/public/v1/a", "summary": "S"}
    assert listed == [{**row, "operation_id": "getA", "deprecated": True, "source": "service"}]


def test_fields_and_queries(sandbox: Account) -> None:
    shell = sandbox.shell
    picked = shell("endpoints list --fields operation_id,method --filter goals").out
    assert picked == "listGoals\tGET\n"
    assert shell("endpoints list --query 'length([*])'").out == "16\n"
    assert "There is no field 'metod'" in shell("endpoints list --fields metod", code=2).err


@pytest.mark.parametrize("wanted", ["WATTLE", "put", "/colo", "paintcolour", "a colour"])
def test_the_filter_looks_everywhere_and_at_no_case(shell: Shell, wanted: str) -> None:
    spec = {"tags": ["Wattle"], "summary": "Paint a colour", "operationId": "paintColour"}
    with offering(shell, openapi({"/colours": {"put": spec}, "/other": {"get": {}}})):
        assert [row[2] for row in shell(f"endpoints list --filter '{wanted}'").rows] == ["/colours"]


def test_nothing_that_matches_is_no_failure(sandbox: Account) -> None:
    found = sandbox.shell("endpoints list --filter nothing-at-all")
    assert found.out == ""
    assert "No endpoint matches" not in found.err
    assert "No endpoint matches" in sandbox.shell("endpoints list --filter nothing-at-all -o table").err


def test_no_key_is_needed_and_none_is_sent(shell: Shell) -> None:
    with offering(shell, openapi({})) as service:
        shell("endpoints list", env={"ASTALTY_API_KEY": "astalty_" + "0aZ" * 15 + "1"})
    assert service.calls == [("GET", "/docs/openapi.json")]
    assert "HTTP_AUTHORIZATION" not in service.headers[0]


def test_a_table_has_headings_and_never_cuts_a_path(shell: Shell) -> None:
    long = "/public/v1/" + "/".join(["segment"] * 9)
    paths = paths_of("/public/v1/a", long, tags=["Things"], summary="What it is for " * 9)
    with offering(shell, openapi(paths)):
        lines = shell("endpoints list -o table").out.splitlines()
    assert lines[0] == "Things"
    assert lines[1].startswith("  GET     /a ")
    assert lines[2].endswith(long.removeprefix("/public/v1"))
    assert all(len(line) <= 80 for line in (lines[1], lines[3]))
    assert lines[3].endswith("…")


def test_a_deprecated_call_is_said_to_be(shell: Shell) -> None:
    with offering(shell, openapi(paths_of("/a", deprecated=True, summary="Old"))):
        assert "Deprecated. Old" in shell("endpoints list -o table").out


def test_server_urls_say_where_the_paths_begin(shell: Shell) -> None:
    servers = [{"url": "https://api.example/public/v1/"}]
    with offering(shell, openapi(paths_of("/participants"), servers=servers)):
        assert shell("endpoints list --query '[0].path'").out == "/public/v1/participants\n"
        assert shell("endpoints show GET participants --query path").out == "/public/v1/participants\n"


def test_on_a_terminal(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "endpoints list --filter participant")
    screen = terminal.ends()
    assert "PATCH   /participants/{participant_id}" in screen
    assert "\x1b[" in terminal.raw
    plain = Terminal(sandbox.shell, "endpoints list --filter participant", env={"NO_COLOR": "1"})
    assert "PATCH   /participants/{participant_id}" in plain.ends()
    assert "\x1b[" not in plain.raw


# -- in a browser --------------------------------------------------------------------------------


@pytest.fixture
def browser(shell: Shell) -> Path:
    """A browser that notes what it was to open, and whether it was given the key."""
    opened = shell.home / "opened"
    program = shell.home / "browser"
    program.write_text(f'#!/bin/sh\necho "$1 ${{ASTALTY_API_KEY-no key}}" > {opened}\n')
    program.chmod(0o700)
    shell.environ["BROWSER"] = str(program)
    return opened


@pytest.mark.parametrize("line", ["endpoints list --web", "endpoints show GET participants -w"])
def test_web_opens_the_dashboard_without_a_request(shell: Shell, browser: Path, line: str) -> None:
    done = shell(line, env={"ASTALTY_API_KEY": "secret"})
    assert browser.read_text() == "https://api.app.astalty.com.au/docs no key\n"
    assert (done.out, done.err) == ("", "Opened https://api.app.astalty.com.au/docs\n")


@pytest.mark.parametrize("flag", ["-o json", "-o table", "--fields path", "--query '[0]'"])
@pytest.mark.parametrize("line", ["endpoints list -w", "endpoints show GET participants --web"])
def test_web_does_not_go_with_a_wish_for_data(shell: Shell, browser: Path, line: str, flag: str) -> None:
    refused = shell(f"{line} {flag}", code=2)
    wish = flag if flag.startswith("-o") else flag.split(maxsplit=1)[0]
    assert f"--web and {wish} exclude each other" in refused.err
    assert not browser.exists()


@pytest.mark.parametrize(
    "line",
    [
        "endpoints list --web --from mine.json",
        "endpoints list --web --filter users",
        "endpoints list --web --refresh",
        "endpoints show GET participants --web --from https://docs.example/openapi.json",
    ],
)
def test_web_does_not_go_with_what_the_page_cannot_do(shell: Shell, browser: Path, line: str) -> None:
    refused = shell(line, code=2)
    flag = next(word for word in line.split() if word in {"--from", "--filter", "--refresh"})
    assert f"--web and {flag} exclude each other" in refused.err
    assert "Leave out --web to read the catalogue here." in refused.err
    assert not browser.exists()


def test_where_no_browser_can_be_opened_the_address_is_the_answer(shell: Shell, browser: Path) -> None:
    address = "https://api.app.astalty.com.au/docs\n"
    for environ in (
        {"BROWSER": ""},
        {"BROWSER": "", "DISPLAY": ":0", "CI": "true"},
        {"BROWSER": "/bin/false"},
    ):
        assert shell("endpoints list --web", env=environ).out == address
    assert not browser.exists()


def test_the_sandbox_has_its_pages_where_it_is_served(sandbox: Account) -> None:
    done = sandbox.shell("endpoints list --web")
    assert done.out == "http://127.0.0.1:8787/docs\n"
    assert "astalty sandbox serve" in done.err


def test_ls_is_short_for_list(sandbox: Account) -> None:
    listed = sandbox.shell("endpoints list").rows
    assert len(listed) == 16
    assert sandbox.shell("endpoints ls").rows == listed
