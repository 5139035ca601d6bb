"""What somebody sees who sits at a terminal: panels, tables, prompts, colours, the pager."""

import json
import re

import pytest

from tests.support.accounts import Account
from tests.support.hostile import ENTRY, Answer, answering
from tests.support.shell import Shell
from tests.support.terminal import Terminal

SECRET = re.compile(r"astalty_[0-9A-Za-z]{46}")


def test_a_new_secret_is_shown_once_in_a_panel(sandbox: Account) -> None:
    screen = Terminal(sandbox.shell, "keys create ci").ends()
    found = SECRET.findall(screen)
    assert len(found) == 1
    assert sandbox.status_of(found[0]) == 200
    assert "The secret of ci" in screen
    assert "shown once and will not be shown again" in screen


def test_a_secret_is_whole_on_a_narrow_terminal(sandbox: Account) -> None:
    screen = Terminal(sandbox.shell, "keys create ci", columns=30).ends()
    joined = screen.replace("\n", "").replace(" ", "")
    (secret,) = SECRET.findall(joined)
    assert sandbox.status_of(secret) == 200


def test_rotate_shows_the_panel_and_says_until_when_the_old_one_works(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    screen = Terminal(sandbox.shell, "keys rotate ci --grace 2d", columns=120).ends()
    assert len(SECRET.findall(screen)) == 1
    assert "The old secret works until" in screen


def test_grace_zero_asks_first_and_no_changes_nothing(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    terminal = Terminal(sandbox.shell, "keys rotate ci --grace 0")
    terminal.expect("[y/N]")
    terminal.type("n")
    assert "Nothing was done." in terminal.ends(130)
    assert sandbox.shell("keys show ci --query rotation").out == "0\n"


def test_revoke_names_what_it_will_stop_and_asks(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    key_id = sandbox.shell("keys show ci --query id").out.strip()
    terminal = Terminal(sandbox.shell, "keys revoke ci", columns=120)
    terminal.expect("[y/N]")
    assert key_id in terminal.shown
    assert "never used" in terminal.shown
    terminal.type("y")
    assert "Revoked 'ci'" in terminal.ends()


def test_enter_alone_means_no(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    terminal = Terminal(sandbox.shell, "keys revoke ci")
    terminal.expect("[y/N]")
    terminal.type("")
    terminal.ends(130)
    assert sandbox.shell("keys show ci --query status").out == "active\n"


def test_ctrl_c_at_a_question_is_130_and_changes_nothing(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    terminal = Terminal(sandbox.shell, "keys revoke ci")
    terminal.expect("[y/N]")
    terminal.interrupt()
    assert "Traceback" not in terminal.ends(130)
    assert sandbox.shell("keys show ci --query status").out == "active\n"


def test_login_asks_without_echo(served: Account) -> None:
    secret = served.home.secret().reveal()
    line = f"auth login -p second --storage file --base-url {served.base_url}"
    terminal = Terminal(served.shell, line, columns=120)
    terminal.expect("API key (not shown): ")
    terminal.type(secret)
    screen = terminal.ends()
    assert secret not in terminal.raw
    assert "Signed in to Wattle & Wren Supports (sandbox) as profile 'second'" in screen


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_tables_fit_the_terminal(sandbox: Account, columns: int) -> None:
    screen = Terminal(sandbox.shell, "history list -L 12", columns=columns).ends()
    lines = screen.splitlines()
    assert lines[0].split()[:4] == ["ID", "STATUS", "METHOD", "PATH"]
    assert ("KEY" in lines[0]) == (columns == 160)
    assert len([line for line in lines if re.match(r" [0-9a-f]{8}-", line)]) == 12


def test_statuses_are_coloured_by_class(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "history list --status 4xx,5xx -L 40 --no-pager", lines=60)
    terminal.ends()
    assert re.search(r"\x1b\[33m4\d\d", terminal.raw)
    assert re.search(r"\x1b\[1;31m5\d\d", terminal.raw)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(sandbox: Account, env: dict[str, str]) -> None:
    terminal = Terminal(sandbox.shell, "history list -L 5", env=env)
    terminal.ends()
    assert "\x1b[" not in terminal.raw


def test_what_does_not_fit_goes_through_the_pager(sandbox: Account) -> None:
    paged = Terminal(sandbox.shell, "history list -L 60", env={"ASTALTY_PAGER": "sed s/^/PAGED/"}).ends()
    assert "PAGED" in paged
    cases: list[tuple[str, dict[str, str]]] = [
        ("history list -L 60 --no-pager", {}),
        ("history list -L 5", {}),
        ("history list -L 60", {"LINES": "500"}),
    ]
    for line, env in cases:
        unpaged = Terminal(sandbox.shell, line, env={"ASTALTY_PAGER": "sed s/^/PAGED/", **env}).ends()
        assert "PAGED" not in unpaged


def test_a_failure_behind_the_first_page_comes_after_what_the_pager_shows(shell: Shell) -> None:
    rows = [{**ENTRY, "id": f"420df54d-cade-4aeb-86aa-1e5ab55f{number:04}"} for number in range(100)]
    meta = {"current_page": 1, "last_page": 2, "per_page": 100, "total": 150}
    first: Answer = ("200 OK", {}, json.dumps({"data": rows, "meta": meta}).encode())
    with answering(first, ("400 No", {}, b'{"message": "Not so."}')) as (_, url):
        env = {"ASTALTY_API_KEY": "x" * 30, "ASTALTY_BASE_URL": url, "ASTALTY_PAGER": "sed s/^/paged/"}
        terminal = Terminal(shell, "history list --all", env=env)
        shown = terminal.ends(code=5)
    assert shown.rindex("paged") < shown.index("Not so.")


def test_a_pager_that_is_not_there_or_leaves_early_loses_nothing(sandbox: Account) -> None:
    assert (
        "POST" in Terminal(sandbox.shell, "history list -L 60", env={"ASTALTY_PAGER": "no-such-pager"}).ends()
    )
    Terminal(sandbox.shell, "history list -L 60", env={"ASTALTY_PAGER": "true"}).ends()


def test_json_on_a_terminal_is_indented_and_ascii(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "keys show 'sandbox cli' --json")
    assert '\n  "id": "' in terminal.ends()
    assert terminal.raw.isascii()
    assert "\x1b" not in terminal.raw


def test_the_tour_is_the_whole_job(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "sandbox tour", lines=300, columns=100)
    screen = terminal.ends()
    for step in (
        "keys create",
        "keys list",
        "api",
        "history list",
        "history show",
        "keys rotate",
        "keys revoke",
    ):
        assert f"astalty {step}" in screen
    assert "Signed" not in screen
    assert not SECRET.search(screen)
    assert not sandbox.home.database.exists()  # it has a sandbox of its own, gone when it ends


def test_a_table_with_wide_characters_keeps_its_columns(sandbox: Account) -> None:
    sandbox.shell("keys create 日本語の名前です --plain")
    sandbox.shell("keys create '👩‍👩‍👧 family' --plain")
    sandbox.shell("keys create plain --plain")
    terminal = Terminal(sandbox.shell, "keys list", columns=100)
    terminal.ends()
    column = terminal.screen.display[0].index("STATUS")
    cells = [terminal.screen.buffer[line] for line in range(2, 6)]
    statuses = ["".join(cell[column + i].data for i in range(6)) for cell in cells]
    assert set(statuses) == {"active"}


@pytest.mark.parametrize("flag", ["-q", "--fields id", "-o tsv"])
def test_a_flag_that_would_drop_the_secret_is_refused_on_a_terminal_too(sandbox: Account, flag: str) -> None:
    assert "does not go with a new secret" in Terminal(sandbox.shell, f"keys create ci {flag}").ends(2)
    assert not sandbox.home.database.exists()


def test_ctrl_c_at_the_key_prompt_stores_nothing(served: Account) -> None:
    line = f"auth login -p second --storage file --base-url {served.base_url}"
    terminal = Terminal(served.shell, line)
    terminal.expect("API key (not shown): ")
    terminal.interrupt()
    assert "\nastalty: Nothing was stored." in terminal.ends(130)
    assert not (served.shell.config / "keys" / "second.json").exists()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("doctor --query [0].check", "version"),
        ("api participants --dry-run --query [0].method", "GET\nA dry run: nothing was changed."),
    ],
)
def test_a_query_is_answered_on_a_terminal_too(sandbox: Account, line: str, found: str) -> None:
    assert Terminal(sandbox.shell, line).ends() == found
