"""In a GitHub Actions log, no text of the service is a command to the runner or a code to a terminal."""

import json
import re

import pytest

from tests.support.hostile import ENTRY, answering, at, listing
from tests.support.shell import Shell

COMMAND = re.compile("(?:^|[\n\r\v\f\x1c\x85\u2028\u2029])[\\s\x1b\u200b\ufeff]*::|##\\[|\x1b")
EVIL = [
    "x\r::add-mask::y",
    "x\x85::stop-commands::y",
    "x\u2028::debug::y",
    "x\v##[group]",
    "\f ::error::",
    "\x1b[2J\r::x",
]
CI = {"GITHUB_ACTIONS": "true"}


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("form", ["", "-o csv", "-o json", "-o jsonl", "-o table", "--query [].path"])
def test_a_list(shell: Shell, evil: str, form: str) -> None:
    with answering(("200 OK", {}, listing({**ENTRY, "path": evil, "user_agent": evil}))) as (_, url):
        printed = shell(f"history list {form}", env=at(url) | CI)
    assert COMMAND.search(printed.out + printed.err) is None


@pytest.mark.parametrize("evil", EVIL)
def test_a_body_that_is_no_json(shell: Shell, evil: str) -> None:
    with answering(("404 Not Found", {"Content-Type": "text/plain"}, evil.encode())) as (_, url):
        printed = shell("api x -i", env=at(url) | CI, code=3)
        assert shell("api x -i", env=at(url), code=3).out.endswith(evil)
    assert COMMAND.search(printed.out) is None
    assert printed.out


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_failure(shell: Shell, evil: str, form: str) -> None:
    body = json.dumps({"message": evil, "errors": {evil: [evil]}}).encode()
    with answering(("422 Unprocessable", {}, body)) as (_, url):
        said = shell(f"keys create x --to file:out {form}", env=at(url) | CI, code=5)
        assert COMMAND.search(said.err + said.out) is None
        said = shell(f"api x -v {form}", env=at(url) | CI, code=5)
        assert COMMAND.search(said.err + said.out) is None
