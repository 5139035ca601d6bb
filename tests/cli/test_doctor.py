"""`astalty doctor` on this machine: every check fails alone, is told with what to do, and ends no other."""

import json
import os
import re

import pytest

from astalty_cli.api import contract
from tests.support.accounts import Account
from tests.support.check_ups import CURRENT, MINE, answering_by_call, examined, statuses
from tests.support.hostile import CANARY
from tests.support.open_operations import FOR_GOOD, Faulty
from tests.support.shell import Shell
from tests.support.spoilt import Fault
from tests.support.terminal import Terminal

CHECKS = [
    "version", "config", "folders", "profile", "base-url", "key", "keyring", "proxy", "dns", "tls", "clock",
    "account", "endpoints", "rate-limit", "journal", "clipboard", "terminal",
]  # fmt: skip
IN_PROCESS = {"proxy", "dns", "tls"}


def test_all_is_well_on_the_sandbox(account: Account) -> None:
    rows = examined(account.shell)
    assert list(rows) == CHECKS
    assert statuses(rows, "error") | statuses(rows, "warning") == set()
    skipped = {"rate-limit"} | (set() if account.base_url else IN_PROCESS)
    assert statuses(rows, "skipped") - {"clipboard"} == skipped
    assert rows["account"]["found"].startswith("Wattle & Wren Supports (sandbox); key 'sandbox cli' (")
    assert rows["endpoints"]["found"] == "All 10 are in the OpenAPI document."


def test_it_costs_two_calls(account: Account) -> None:
    before = account.calls()
    examined(account.shell)
    assert account.calls() == before + 2


def test_a_newcomer_is_told_how_to_begin(shell: Shell) -> None:
    rows = examined(shell, "--base-url http://127.0.0.1:1", code=6)
    assert rows["key"]["exit_code"] == 4
    assert "astalty auth login" in rows["key"]["hint"]
    assert rows["config"]["found"].startswith("None yet: ")
    assert rows["config"]["status"] == "ok"
    assert list(rows) == CHECKS


@pytest.mark.parametrize(
    ("mode", "content", "says"),
    [
        (0o644, "", "can be read or written by others"),
        (0o600, "profiles = 5", "not usable"),
        (0o600, "[[[", "not usable"),
        (0o600, "\udcff", "not UTF-8"),
    ],
)
def test_a_config_file_that_no_command_reads(served: Account, mode: int, content: str, says: str) -> None:
    file = served.shell.config / "config.toml"
    if content:
        file.write_bytes(content.encode(errors="surrogateescape"))
    file.chmod(mode)
    rows = examined(served.shell, code=2)
    assert says in rows["config"]["found"]
    assert rows["config"]["hint"]
    assert statuses(rows, "error") == {"config"}
    assert rows["profile"]["found"] == rows["account"]["found"] == "Not checked: config has failed."
    assert rows["journal"]["status"] == "ok"


def test_a_config_folder_that_is_open_to_others(served: Account) -> None:
    served.shell.config.chmod(0o755)
    row = examined(served.shell)["config"]
    assert (row["status"], row["hint"]) == ("warning", f"Close it: chmod 700 {served.shell.config}")


def test_a_home_in_which_nothing_can_be_made(shell: Shell) -> None:
    """Nobody but the kernel's own file systems refuses root, so a file stands where a folder is needed."""
    (shell.home / "file").touch()
    rows = examined(shell, code=2, env={"HOME": str(shell.home / "file")})
    assert rows["folders"]["status"] == "warning"
    assert statuses(rows, "error") == {"config", "journal"}
    assert str(shell.home / "file/.config/astalty") in rows["folders"]["found"]
    assert list(rows) == CHECKS


@pytest.mark.parametrize(
    ("line", "env", "says"),
    [
        ("-p nowhere", {}, "There is no profile 'nowhere'"),
        ("", {"ASTALTY_API_KEY": ""}, "ASTALTY_API_KEY is set but empty"),
        ("", {"ASTALTY_BASE_URL": "http://astalty.example"}, "plain http is for this machine only"),
        ("", {"ASTALTY_BASE_URL": CANARY + 30 * "0"}, "…0000"),
        ("-p sandbox", {"ASTALTY_PROFILE": " "}, "ASTALTY_PROFILE is set but empty"),
    ],
)
def test_settings_that_contradict(shell: Shell, line: str, env: dict[str, str], says: str) -> None:
    rows = examined(shell, line, code=2, env=env)
    assert says in rows["profile"]["found"]
    assert statuses(rows, "error") == {"profile"}
    assert rows["tls"]["found"] == "Not checked: profile has failed."


def test_the_source_of_each_setting_is_named(served: Account) -> None:
    rows = examined(served.shell)
    assert rows["profile"]["found"] == "default (default)"
    assert rows["base-url"]["found"] == f"{served.base_url} (config file)"
    assert re.fullmatch(r"….{4} \(file, unencrypted\)", rows["key"]["found"])
    secret = served.home.secret().reveal()
    rows = examined(served.shell, "-p default", env={"ASTALTY_API_KEY": secret})
    assert rows["profile"]["status"] == "warning"
    assert "ASTALTY_API_KEY is set and not used" in rows["profile"]["found"]


@pytest.mark.parametrize(
    ("catalogue", "status", "code", "says"),
    [
        ("mine.json", "ok", 0, "mine.json (config file) lists 1 call."),
        ("gone.json", "error", 2, "Cannot read gone.json: No such file"),
        ("config.toml", "error", 2, "config.toml is"),
        ("http://127.0.0.1:9/x", "error", 6, "Cannot reach http://127.0.0.1:9"),
        ("ftp://docs.example", "error", 2, "Cannot read the catalogue URL"),
    ],
)
def test_the_catalogue_that_a_profile_names_is_read(
    served: Account, catalogue: str, status: str, code: int, says: str
) -> None:
    folder = served.shell.config
    assert "catalogue" not in examined(served.shell)
    (folder / "mine.json").write_text('{"openapi": "3.1.0", "paths": {"/x": {"get": {}}}}')
    with (folder / "config.toml").open("a") as file:
        file.write(f'catalogue = "{catalogue}"\n')
    row = examined(served.shell, code=code)["catalogue"]
    assert (row["status"], says in row["found"]) == (status, True), row
    assert "catalogue" not in examined(served.shell, "--base-url http://127.0.0.1:9", code=6)


def test_a_key_that_belongs_to_another_origin_is_not_sent(served: Account) -> None:
    with answering_by_call({CURRENT: MINE}) as (server, env):
        rows = examined(served.shell, code=2, env={"ASTALTY_BASE_URL": env["ASTALTY_BASE_URL"]})
    assert "is not sent to" in rows["key"]["found"]
    assert rows["account"]["found"] == "Not checked: key has failed."
    assert server.calls == [f"GET {address}" for address in contract.CATALOGUES]


def test_a_key_file_that_is_open_to_others(served: Account) -> None:
    (served.shell.config / "keys" / "default.json").chmod(0o640)
    rows = examined(served.shell, code=2)
    assert "chmod 600" in rows["key"]["hint"]
    assert statuses(rows, "error") == {"key"}


def test_a_keyring_that_is_not_there_matters_to_a_key_that_is_kept_in_it(served: Account) -> None:
    assert examined(served.shell)["keyring"]["status"] == "ok"
    file = served.shell.config / "config.toml"
    file.write_text(file.read_text().replace('"file"', '"keyring"'))
    rows = examined(served.shell, code=2)
    assert statuses(rows, "error") == {"key", "keyring"}
    assert "ASTALTY_API_KEY" in rows["keyring"]["hint"]


def test_what_a_key_operation_has_left_open(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault("POST /api-keys", times=FOR_GOOD))
    account.shell("keys create ci --plain", code=7)
    row = examined(account.shell, code=7)["journal"]
    assert (row["found"], row["hint"]) == ("1 key operation is open: create 'ci'.", "astalty keys recover")
    (entry,) = (account.shell.config / "journal").glob("*.json")
    entry.write_text("{")
    assert f"{entry} (cannot be read)" in examined(account.shell, code=7)["journal"]["found"]


def test_a_journal_that_cannot_be_listed(sandbox: Account) -> None:
    sandbox.shell.config.mkdir(mode=0o700, parents=True)
    (sandbox.shell.config / "journal").touch()
    row = examined(sandbox.shell, code=2)["journal"]
    assert "journal: Not a directory" in row["found"]
    assert "journal: Not a directory" in sandbox.shell("keys recover", code=2).err
    worse = {
        "ASTALTY_PROFILE": "default",
        "ASTALTY_API_KEY": CANARY,
        "ASTALTY_BASE_URL": "http://127.0.0.1:1",
    }
    assert statuses(examined(sandbox.shell, code=6, env=worse), "error") == {"tls", "journal"}


def test_the_worst_of_several_is_the_exit_code(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults += [
        Fault("POST /api-keys", times=FOR_GOOD),
        Fault("GET /participants", "401 No", body=b'{"message": "No."}', times=FOR_GOOD),
    ]
    (account.shell.config / "journal").mkdir(mode=0o700)
    (account.shell.config / "journal" / "x.json").write_text("{")
    result = account.shell("doctor", code=7)
    assert result.err == "astalty: 2 checks have failed: account, journal.\n"
    codes = {row[0]: row[4] for row in result.rows}
    assert (codes["account"], codes["journal"], codes["config"]) == ("4", "7", "0")


def test_with_json_the_rows_are_on_stdout_and_one_error_on_stderr(shell: Shell) -> None:
    result = shell("doctor --json -p nowhere", code=2)
    assert len(result.json) == len(CHECKS)
    assert result.error["code"] == "checks"
    assert result.error["message"] == "1 check has failed: profile."


def test_every_format_has_the_same_rows(sandbox: Account) -> None:
    shell = sandbox.shell
    rows = [list(map(str, row.values())) for row in shell("doctor --json --fields check,status").json]
    assert shell("doctor -o tsv --fields check,status").rows == rows
    assert [line.split(",")[:2] for line in shell("doctor -o csv").out.splitlines()[1:]] == rows
    lines = [json.loads(line) for line in shell("doctor -o jsonl").out.splitlines()]
    assert [[line["check"], line["status"]] for line in lines] == rows
    assert [
        line.split()[:2] for line in shell("doctor -o table --fields check,status").out.splitlines()[2:]
    ] == rows
    assert shell("doctor --query \"[?status=='error'].check\"").out == ""


# -- on a terminal ---------------------------------------------------------------------------------


def test_a_check_is_a_line_and_what_to_do_stands_below_it(served: Account) -> None:
    (served.shell.config / "config.toml").chmod(0o644)
    screen = Terminal(served.shell, "doctor", columns=80, lines=60)
    shown = screen.ends(code=2)
    lines = shown.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("error    config      "))
    assert any(re.match(r" {17}->  \S", line) for line in lines[at + 1 : at + 4])
    assert "skipped  account     Not checked: config has failed." in lines
    assert lines[-1] == "astalty: 1 check has failed: config."
    assert "\x1b[1;31merror" in screen.raw


def test_no_colour_where_none_is_wanted(sandbox: Account) -> None:
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        screen = Terminal(sandbox.shell, "doctor", columns=120, lines=60, env=env)
        shown = screen.ends()
        assert "\x1b[" not in screen.raw
        assert f"no colours ({'NO_COLOR is set' if 'NO_COLOR' in env else 'TERM is dumb'})" in shown
        assert "ok       terminal    stdin, stdout, stderr; 120 columns;" in shown


def test_a_clipboard_is_missed_where_somebody_sits(sandbox: Account) -> None:
    assert examined(sandbox.shell)["clipboard"]["status"] == "skipped"
    assert "warning  clipboard" in Terminal(sandbox.shell, "doctor", lines=60, env={"TERM": "linux"}).ends()
    assert (
        "ok       clipboard   The terminal's own, by OSC 52"
        in Terminal(sandbox.shell, "doctor", lines=60, env={"SSH_TTY": "/dev/pts/1"}).ends()
    )


def test_the_clipboards_program_is_named(sandbox: Account) -> None:
    folder = sandbox.shell.home / "bin"
    folder.mkdir()
    for name in ("wl-copy", "wl-paste"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{sandbox.shell.environ['PATH']}"
    rows = examined(sandbox.shell, env={"PATH": path, "WAYLAND_DISPLAY": "wayland-0"})
    assert (rows["clipboard"]["status"], rows["clipboard"]["found"]) == ("ok", "wl-copy")


def test_an_encoding_that_cannot_spell_everything(sandbox: Account) -> None:
    row = examined(sandbox.shell, env={"PYTHONIOENCODING": "ascii"})["terminal"]
    assert row["status"] == "warning"
    assert "LANG=C.UTF-8" in row["hint"]
