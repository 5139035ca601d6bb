"""What reaches stdout and stderr, in every format, on pipes and with the usual variables set."""

import csv
import io
import json
import os
import re
import subprocess

import pytest

from tests.support.accounts import Account
from tests.support.hostile import ENTRY, KEY, answering, listing, one
from tests.support.shell import ASTALTY, Shell

ESCAPE = re.compile(r"\x1b")


def test_a_pipe_gets_tsv_without_a_header(sandbox: Account) -> None:
    rows = sandbox.shell("keys list").rows
    assert {len(row) for row in rows} == {10}
    assert all(re.fullmatch(r"[0-9a-f-]{36}", row[0]) for row in rows)


def test_every_format_has_the_same_columns_in_the_same_order(sandbox: Account) -> None:
    shell, wide = sandbox.shell, {"COLUMNS": "200"}
    table = shell("history list -o table -L 3 --until 1h", env=wide).out.splitlines()
    records = list(csv.reader(io.StringIO(shell("history list -o csv -L 3 --until 1h").out)))
    tsv = shell("history list -o tsv -L 3 --until 1h").rows
    assert re.split(r"\s{2,}", table[0].strip()) == [
        "ID", "STATUS", "METHOD", "PATH", "TIME", "IP ADDRESS", "USER", "KEY",
    ]  # fmt: skip
    assert records[0] == [
        "id", "status", "method", "path", "created_at", "ip_address", "user.name", "api_key.name",
    ]  # fmt: skip
    assert records[1:] == tsv
    assert [line.split()[0] for line in table[2:]] == [row[0] for row in tsv]


def test_json_lists_are_bare_and_things_are_bare(sandbox: Account) -> None:
    shell = sandbox.shell
    listed = shell("keys list --json").json
    lines = shell("keys list -o jsonl").out.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [key["id"] for key in listed]
    assert shell("keys show 'sandbox cli' --json").json["name"] == "sandbox cli"


def test_fields_pick_and_order(sandbox: Account) -> None:
    shell = sandbox.shell
    assert shell("keys show 'sandbox cli' --fields status,name").out == "status\tactive\nname\tsandbox cli\n"
    picked = shell("keys list --fields name,created_by.email --json").json
    assert list(picked[0]) == ["name", "created_by.email"]
    assert shell("keys list --fields name -o csv").out.startswith("name\n")


def test_query_filters_and_suits_a_shell(sandbox: Account) -> None:
    shell = sandbox.shell
    assert shell("keys show 'sandbox cli' --query name").out == "sandbox cli\n"
    assert shell("keys show 'sandbox cli' --query name --json").out == '"sandbox cli"\n'
    names = shell("keys list --query '[].name'").out.splitlines()
    assert "Payroll export" in names
    pairs = shell("keys list --query '[].[name, status]'").rows
    assert ["Payroll export", "active"] in pairs


@pytest.mark.parametrize(
    "line",
    [
        "keys list --fields nmae",
        "keys list --fields created_by.phone",
        "keys list --fields id --query '[]'",
        "keys list --query 'not valid ['",
        "keys list --query '[]' -o csv",
        "keys list --json -o csv",
        "keys list -o yaml",
    ],
)
def test_a_wish_that_cannot_be_met_is_said_before_any_call(sandbox: Account, line: str) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    refused = sandbox.shell(line, code=2)
    assert refused.out == ""
    assert sandbox.calls() == before


def test_errors_are_one_json_object_where_json_was_asked_for(shell: Shell) -> None:
    for line in (
        "keys list --json",
        "keys list -o json",
        "keys list -ojsonl",
        "keys list --output=json",
        "keys show x --json --no-such-flag",
        "keys rename --json",
        "no-such-command --json",
    ):
        result = shell(line, code=4 if line.startswith("keys list") else 2)
        assert result.error.keys() == {"code", "message", "hint", "status", "errors"}
        assert result.out == ""


def test_notes_are_silent_beside_a_json_error(sandbox: Account) -> None:
    env = {"ASTALTY_API_KEY": "astalty_x"}
    refused = sandbox.shell("keys show nothing -p sandbox --json", env=env, code=3)
    assert refused.error["code"] == "not_found"
    shown = sandbox.shell("keys list -p sandbox --json", env=env)
    assert "ASTALTY_API_KEY is set and not used" in shown.err


def test_quiet_and_verbose(sandbox: Account) -> None:
    assert sandbox.shell("history list -L 1 -q").err == ""
    log = sandbox.shell("history list -L 1 -v --status 4xx").err
    assert re.search(r"^GET /public/v1/api-requests 200 \d+ ms$", log, re.MULTILINE)
    assert "filter" not in log


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ({"CLICOLOR_FORCE": "0"}, False),
    ],
)
def test_colour_is_for_those_who_want_it(sandbox: Account, env: dict[str, str], coloured: bool) -> None:
    shown = sandbox.shell("keys list -o table", env=env).out
    assert bool(ESCAPE.search(shown)) is coloured


@pytest.mark.parametrize("columns", ["60", "80", "100", "120"])
def test_tables_stay_within_the_width(sandbox: Account, columns: str) -> None:
    for line in ("keys list -o table", "history show {} -o table", "keys show 'sandbox cli' -o table"):
        entry = sandbox.shell("history list -L 1 --query '[0].id'").out.strip()
        shown = sandbox.shell(line.format(entry), env={"COLUMNS": columns}).out
        assert max(map(len, shown.splitlines())) <= int(columns)


def test_ids_of_the_history_are_whole_however_narrow(sandbox: Account) -> None:
    shown = sandbox.shell("history list -L 3 -o table", env={"COLUMNS": "40"}).out.splitlines()
    assert [bool(re.fullmatch(r" [0-9a-f-]{36}", line)) for line in shown[2:]] == [True] * 3


def test_a_reader_that_leaves_ends_it_quietly(sandbox: Account) -> None:
    sandbox.shell("keys list")
    line = f"{ASTALTY} history list --all --json | head -c 10"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env=sandbox.shell.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stderr == b""
    assert done.returncode == 0


def test_a_failure_leaves_no_header_behind(shell: Shell) -> None:
    with answering(("401 No", {}, b"{}")) as (_, url):
        env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url}
        assert shell("keys list -o csv", env=env, code=4).out == ""


def test_a_full_disk_is_no_success(sandbox: Account) -> None:
    sandbox.shell("keys list")
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        listed = subprocess.run(
            [ASTALTY, "keys", "list"],
            stdout=full, stderr=subprocess.PIPE, env=sandbox.shell.environ, check=False, timeout=60,
        )  # fmt: skip
        made = subprocess.run(
            [ASTALTY, "keys", "create", "lost", "--plain"],
            stdout=full, stderr=subprocess.PIPE, env=sandbox.shell.environ, check=False, timeout=60,
        )  # fmt: skip
    assert listed.returncode == 2
    assert b"No space left on device" in listed.stderr
    assert made.returncode == 7
    assert b"could not be handed over" in made.stderr
    assert b"Traceback" not in listed.stderr + made.stderr


def test_a_closed_stdout_loses_no_secret_in_silence(sandbox: Account) -> None:
    sandbox.shell("keys list")
    done = subprocess.run(
        ["bash", "-c", f"{ASTALTY} keys list >&-; {ASTALTY} keys create gone --plain >&-"],
        env=sandbox.shell.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 7
    assert b"could not be handed over" in done.stderr


def test_spreadsheet_formulas_are_defused_in_csv(shell: Shell) -> None:
    starts = ("=", "+", "-", "@")
    rows = [{**KEY, "id": f"key-{at}", "name": f"{start}HYPERLINK(1)"} for at, start in enumerate(starts)]
    with answering(("200 OK", {}, listing(*rows))) as (_, url):
        env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url}
        defused = list(csv.reader(io.StringIO(shell("keys list -o csv", env=env).out)))
        assert [row[1] for row in defused[1:]] == [f"'{row['name']}" for row in rows]
        raw = list(csv.reader(io.StringIO(shell("keys list -o csv --csv-raw", env=env).out)))
        assert [row[1] for row in raw[1:]] == [row["name"] for row in rows]


def test_no_line_starts_with_a_workflow_command_in_github_actions(shell: Shell) -> None:
    bad = ["::set-env name=X::1", "\u3000::error::x", "##[set-output name=a]b", "late ##[warning]x"]
    entries = [{**ENTRY, "id": each, "path": each} for each in bad]
    with answering(("200 OK", {}, listing(*entries))) as (_, url):
        env = {"ASTALTY_API_KEY": "x", "ASTALTY_BASE_URL": url, "GITHUB_ACTIONS": "true", "COLUMNS": "200"}
        for form in ("table", "tsv", "csv", "json", "jsonl"):
            shown = shell(f"history list --fields path -o {form}", env=env).out
            assert "set-env name=X" in shown
            assert not re.search(r"^\s*::|##\[", shown, re.MULTILINE)
            if form == "json":
                assert [row["path"] for row in json.loads(shown)] == bad
    with answering(("422 No", {}, json.dumps({"message": "::add-mask::x"}).encode())) as (_, url):
        refused = shell("keys list", env={**env, "ASTALTY_BASE_URL": url}, code=5)
        assert "::add-mask::x" in refused.err
        assert not re.search(r"^\s*::", refused.err, re.MULTILINE)
    with answering(("200 OK", {}, b"::error::from a body")) as (_, url):
        assert shell("api /docs/x", env={**env, "ASTALTY_BASE_URL": url}).out.startswith(r"\::")


def test_help_and_version(shell: Shell) -> None:
    assert re.fullmatch(r"astalty \d+\.\d+\.\d+\n", shell("--version").out)
    for line in ("", "--help", "keys", "keys --help", "keys rotate -h", "history list --help"):
        assert "Usage: astalty" in shell(line).out
    assert "astalty keys list --help" in shell("keys list --nonsense", code=2).err


HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]52;c;aGk=\x07",
    "\x9b31m",
    "a\rb",
    "line\nbreak\ttab",
    "\u202eevil\u2066",
    "zero\u200bwidth\ufeff",
    "[/x] [bold]markup[/bold] :smile:",
    "👩‍👩‍👧 family",
    "日本語の名前です",
    "e\u0301\u0301\u0301",
    "\U000e0041tag",
    "fill\u3164er\u115f\u180b\U000e0100",
    "x" * 10_000,
    '"quotes", commas; and \\backslashes\\',
]
# What a terminal obeys or hides, and nobody should have to see.
RAW = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u3164\u115f\u180b\U000e0000-\U000e007f]"
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_never_reaches_the_terminal_raw(shell: Shell, text: str) -> None:
    exchange = {"headers": {"X": text}, "body": {text: [text]}, "truncated": False}
    plain = {"headers": {"X": text}, "body": text, "truncated": False}
    entry = {
        **ENTRY, "path": text, "user_agent": text, "ip_address": text, "request": exchange, "response": plain,
        "user": {"id": text, "name": text, "email": text},
    }  # fmt: skip
    key = {**KEY, "name": text, "last_used_ip": text}
    env = {"ASTALTY_API_KEY": "x", "COLUMNS": "100"}
    with answering(("200 OK", {}, listing(key))) as (_, url):
        env["ASTALTY_BASE_URL"] = url
        for form in ("table", "tsv", "csv", "json", "jsonl"):
            shown = shell(f"keys list -o {form}", env=env).out
            assert not RAW.search(shown), form
            if form in {"tsv", "jsonl"}:
                assert shown.count("\n") == 1
        table = shell("keys list -o table", env=env).out
        assert table.count("\n") == 3
        assert shell("keys list --json", env=env).json == [key]
    with answering(("200 OK", {}, one(entry))) as (_, url):
        env["ASTALTY_BASE_URL"] = url
        for form in ("table", "tsv", "csv", "json", "jsonl"):
            assert not RAW.search(shell(f"history show {ENTRY['id']} -o {form}", env=env).out), form
        assert shell(f"history show {ENTRY['id']} --json", env=env).json == entry
    failure = json.dumps({"message": text, "errors": {text: [text]}}).encode()
    with answering(("422 No", {}, failure)) as (_, url):
        env["ASTALTY_BASE_URL"] = url
        assert not RAW.search(shell("keys list", env=env, code=5).err)
        short = text if len(text) <= 500 else f"{text[:500]}…"
        assert shell("keys list --json", env=env, code=5).error["errors"] == {short: [short]}
    with answering(
        ("302 Found", {"Location": text.encode("ascii", "ignore").decode().replace("\n", "")}, b"")
    ) as (_, url):
        env["ASTALTY_BASE_URL"] = url
        assert not RAW.search(shell("keys list", env=env, code=6).err)


def test_utf8_is_not_needed_on_the_terminal(sandbox: Account) -> None:
    env = {**sandbox.shell.environ, "PYTHONIOENCODING": "ascii"}
    for line in ("keys list -o table", "auth status", "sandbox tour"):
        done = subprocess.run([ASTALTY, *line.split()], env=env, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout.decode("ascii")


def test_an_argument_that_is_not_utf8_is_refused(sandbox: Account) -> None:
    done = subprocess.run(
        [os.fsencode(ASTALTY), b"keys", b"show", b"\xff"],
        env=sandbox.shell.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"not valid UTF-8" in done.stderr
