"""The incident report: private, and with no secret, body, query or name of a person in it."""

import json
import re
import stat
from datetime import timedelta

import pytest
from markdown_it import MarkdownIt

from tests.support.accounts import Account
from tests.support.hostile import ENTRY, KEY
from tests.support.leaks import (
    NEW,
    OLD,
    PANIC,
    answered,
    called,
    created,
    report,
    reports,
    service,
    shown,
    status_of,
)
from tests.support.shell import Shell


def test_the_report_is_0600_in_its_folder(sandbox: Account) -> None:
    folder = sandbox.shell.home / "incidents"
    folder.mkdir()
    leaked = created(sandbox, "leaky")
    result = sandbox.shell(f"{PANIC} --plain --report incidents", stdin=leaked)
    paths = reports(folder)
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]
    key_id = shown(sandbox, "leaky")["id"]
    assert re.fullmatch(rf"astalty-incident-\d{{8}}T\d{{6}}Z-{key_id[:8]}\.json", paths[0].name)
    assert str(paths[1]) in result.err
    assert reports(sandbox.shell.home) == []


def test_no_secret_is_on_stderr_in_a_file_or_in_the_report(account: Account) -> None:
    leaked = created(account, "leaky")
    row = shown(account, "leaky")
    called(account, row, user_agent=f"mine/{leaked} (ana@wattle.example)")
    long_ago = account.clock.now - timedelta(days=2)
    called(
        account,
        row,
        created_at=long_ago,
        path=f"/public/v1/participants/ana@wattle.example/{leaked}?key={leaked}",
    )
    result = account.shell(f"{PANIC} --plain -v", stdin=leaked)
    new = result.out.strip()
    assert leaked not in result.err
    assert new not in result.err
    data, markdown = report(account.shell.home)
    for text in (json.dumps(data), markdown):
        assert "ana@" not in text
        assert "wattle" not in text
        assert "Marnie" not in text
        assert "?" not in text.replace("\\?", "")
    for path in account.shell.home.rglob("*"):
        if path.is_file() and path.suffix != ".key":
            assert leaked.encode() not in path.read_bytes() or path.name.startswith("sandbox.db"), path
            assert new.encode() not in path.read_bytes(), path
    shapes = [each["path"] for each in data["uses"]]
    assert shapes == ["/participants", "/participants/{…}/{…}"]


def test_a_secret_of_another_shape_is_not_in_the_report_either(shell: Shell) -> None:
    """Nobody knows what the service's secrets look like, nor that it takes them out of its history."""
    entry = {**ENTRY, "user_agent": f"x {OLD}", "ip_address": OLD, "path": f"/{OLD}"}
    with service(f"ci {OLD}", [entry]) as (_, url):
        result = answered(shell, url)
    assert result.out == f"{NEW}\n"
    data, markdown = report(shell.home)
    assert "canary" not in json.dumps(data) + markdown


HOSTILE = [
    "x | revoked | `code` |\n| forged | row |",
    "![x](https://evil.example/a.png) [y](//evil.example) <img src=x onerror=1>",
    "https://evil.example www.evil.example",
    "\x1b]52;c;aGk=\x07 \u202e# heading\u200b",
    "::error::injected",
    "# heading\r\n- item",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_only_a_text(shell: Shell, name: str) -> None:
    entry = {**ENTRY, "user_agent": name, "ip_address": name, "path": name, "method": name}
    entry["api_key"] = {"id": KEY["id"], "name": name}
    with service(name, [entry]) as (_, url):
        env = {"ASTALTY_BASE_URL": url, "GITHUB_ACTIONS": "true"}
        result = shell(f"{PANIC} --plain", stdin=OLD, env=env)
    lines = [line for line in result.err.splitlines() if not line.startswith("::add-mask::")]
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not set(result.err) & set("\x1b\x07\r\u202e\u200b")
    _, markdown = report(shell.home)
    assert not set(markdown) & set("\x1b\x07\r\u202e\u200b")
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    inner = [child.type for token in tokens for child in token.children or ()]
    assert "text" in inner
    assert set(inner) <= {"text", "code_inline", "text_special"}
    assert [token.markup for token in tokens if token.type == "heading_open"] == ["#"] + ["##"] * 7
    rows = {line.count("|") - line.count("\\|") for line in markdown.splitlines() if line.startswith("|")}
    assert rows == {3, 5, 6, 9}
    assert "forged | row" not in markdown


def test_a_report_that_cannot_be_written_leaves_the_rotation_standing(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    folder = sandbox.shell.home / "gone"
    folder.mkdir()
    line = f"{PANIC} --report gone --to \"exec:sh -c 'cat > kept; rm -r gone'\""
    refused = sandbox.shell(line, stdin=leaked, code=2)
    assert "The rotation stands. The report was not written" in refused.err
    assert status_of(sandbox, (sandbox.shell.home / "kept").read_text().strip()) == 200
    assert status_of(sandbox, leaked) == 401
