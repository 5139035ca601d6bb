"""`astalty keys panic` of a secret that works: an end of it, and a new one in its place."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.leaks import PANIC, asked, called, created, key, report, reports, said, shown, status_of
from tests.support.shell import Shell
from tests.support.terminal import Terminal


def test_the_leaked_secret_ends_and_a_new_one_is_handed_over(account: Account) -> None:
    leaked = created(account, "leaky")
    called(account, shown(account, "leaky"))
    result = account.shell(f"{PANIC} --plain", stdin=leaked + "\n")
    assert status_of(account, leaked) == 401
    assert status_of(account, result.out.strip()) == 200
    assert "The leaked secret is of 'leaky' (" in result.err
    assert re.search(r"203\.0\.113\.99 +GET /participants +1x", result.err)
    assert "The old secret no longer works." in result.err
    data, markdown = report(account.shell.home)
    assert data["worked"]
    assert data["keys"][0]["name"] == "leaky"
    assert data["leaked_secret_ended_in"] == leaked[-4:]
    assert [(use["ip_address"], use["path"], use["count"]) for use in data["uses"]] == [
        ("203.0.113.99", "/participants", 1)
    ]
    assert "| 203.0.113.99 | GET /participants | 1 |" in markdown


def test_nobody_needs_to_be_signed_in(served: Account, tmp_path: Path) -> None:
    leaked = created(served, "leaky")
    (tmp_path / "bare").mkdir()
    stranger = Shell(tmp_path / "bare")
    stranger.environ["ASTALTY_BASE_URL"] = str(served.base_url)
    made = stranger(f"{PANIC} --json", stdin=leaked).json
    assert status_of(served, made["secret"]) == 200
    assert status_of(served, leaked) == 401
    assert len(reports(stranger.home)) == 2


def test_a_read_only_key_is_rotated_with_another_one(account: Account) -> None:
    leaked = account.shell("keys create leaky --access read-only --plain").out.strip()
    new = account.shell(f"{PANIC} --plain", stdin=leaked).out.strip()
    assert (status_of(account, leaked), status_of(account, new)) == (401, 200)
    data, _ = report(account.shell.home)
    assert [(each["name"], each["access"]) for each in data["keys"]] == [("leaky", "read_only")]
    assert shown(account, "leaky")["last_four"] == new[-4:]


def test_a_read_only_key_and_no_other_one_is_said_and_stays(served: Account, tmp_path: Path) -> None:
    leaked = served.shell("keys create leaky --access read-only --plain").out.strip()
    (tmp_path / "bare").mkdir()
    stranger = Shell(tmp_path / "bare")
    stranger.environ["ASTALTY_BASE_URL"] = str(served.base_url)
    refused = stranger(f"{PANIC} --plain", stdin=leaked, code=4)
    assert "is of a Read Only key, which can't rotate" in refused.err
    assert "astalty auth login" in refused.err
    assert status_of(served, leaked) == 200


def test_ones_own_key_may_leak_and_the_profile_is_switched(account: Account) -> None:
    leaked = account.home.secret().reveal()
    if account.base_url is None:
        account.shell("keys list")
    account.shell(f"{PANIC} --to file:{account.shell.home}/new", stdin=leaked)
    new = (account.shell.home / "new").read_text().strip()
    assert (status_of(account, leaked), status_of(account, new)) == (401, 200)
    status = account.shell("auth status --json").json
    assert (status["works"], status["last_four"]) == (True, new[-4:])
    data, _ = report(account.shell.home)
    assert any("now use the new secret" in step["what"] for step in data["steps"])


def test_a_variable_that_holds_the_leaked_secret_is_named(served: Account) -> None:
    leaked = created(served, "leaky")
    env = {**key(leaked), "ASTALTY_BASE_URL": str(served.base_url)}
    result = served.shell(f"{PANIC} --plain", stdin=leaked, env=env)
    assert "ASTALTY_API_KEY still holds the old secret" in result.err


def test_keys_that_it_made_or_rotated_and_what_those_made_are_listed(account: Account) -> None:
    leaked = created(account, "leaky")
    child = created(account, "child", by=leaked)
    created(account, "grandchild", by=child)
    created(account, "victim")
    account.shell("keys rotate victim --plain", env=key(leaked))
    created(account, "bystander")
    result = account.shell(f"{PANIC} --plain", stdin=leaked)
    data, markdown = report(account.shell.home)
    found = {each["key"]["name"]: each for each in data["made_or_rotated"]}
    assert {name: each["how"] for name, each in found.items()} == {
        "child": "made",
        "grandchild": "made",
        "victim": "rotated",
    }
    assert found["child"]["with_secret_ending_in"] == leaked[-4:]
    assert found["grandchild"]["with_secret_ending_in"] == child[-4:]
    assert shown(account, "child")["id"] in result.err
    assert "bystander" not in result.err + markdown
    assert shown(account, "child")["status"] == "active"  # they are listed, and nobody was asked


def test_a_thief_who_rotated_loses_the_newer_secret_too(account: Account) -> None:
    leaked = created(account, "leaky")
    theirs = account.shell("keys rotate leaky --plain", env=key(leaked)).out.strip()
    result = account.shell(f"{PANIC} --plain", stdin=leaked)
    assert "It is not its newest one" in result.err
    assert [status_of(account, each) for each in (leaked, theirs, result.out.strip())] == [401, 401, 200]
    data, _ = report(account.shell.home)
    assert [each["how"] for each in data["made_or_rotated"]] == ["rotated"]  # theirs, and not ours


def test_the_report_has_all_pages_back_to_since(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    row = shown(sandbox, "leaky")
    for number in range(230):
        called(sandbox, row, created_at=sandbox.clock.now - timedelta(hours=number))
    result = sandbox.shell(f"{PANIC} --plain --since 9d", stdin=leaked)
    assert "the newest 100 calls of 216" in result.err
    data, _ = report(sandbox.shell.home)
    assert data["calls"] == 216


def test_dry_run_shows_two_calls_and_changes_nothing(account: Account) -> None:
    leaked = created(account, "leaky")
    created(account, "child", by=leaked)
    plan = account.shell("keys panic --with-token --dry-run --json", stdin=leaked)
    assert [each["body"] for each in plan.json] == [
        {"grace_seconds": 900, "if_rotation": 0},
        {"within_seconds": 0, "if_rotation": 1},
    ]
    assert {each["authorization"] for each in plan.json} == {f"Bearer …{leaked[-4:]}"}
    assert "'child'" in plan.err
    assert status_of(account, leaked) == 200
    assert reports(account.shell.home) == []


@pytest.mark.parametrize(
    ("line", "stdin", "told"),
    [
        ("keys panic --plain", "astalty_x", "no terminal to ask for the leaked secret"),
        ("keys panic --plain --yes", "astalty_x", "no terminal to ask for the leaked secret"),
        ("keys panic --with-token --plain", "astalty_x", "--with-token takes stdin up"),
        (f"{PANIC} --plain", "", "No key was given"),
        (f"{PANIC} --plain", "two words", "not an API key"),
        (f"{PANIC} --plain", "one\ntwo words", "not an API key"),
        (f"{PANIC} --plain", "one\ntwo\nthree", "more than two lines"),
        (f"{PANIC} --plain --report missing", "astalty_x", "Cannot write missing"),
        (f"{PANIC} --plain --since soon", "astalty_x", "'soon' is not a duration"),
    ],
)
def test_it_is_refused_before_any_call(sandbox: Account, line: str, stdin: str, told: str) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    refused = sandbox.shell(line, stdin=stdin, code=2)
    assert told in said(refused)
    assert refused.out == ""
    assert sandbox.calls() == before


@pytest.mark.parametrize(
    ("line", "more", "told"),
    [
        (PANIC, "", "nothing says where the new secret should go"),
        (f"{PANIC} --plain", "astalty_x\n", "This service creates the new secret itself"),
    ],
)
def test_it_is_refused_before_anything_is_changed(sandbox: Account, line: str, more: str, told: str) -> None:
    leaked = created(sandbox, "leaky")
    refused = sandbox.shell(line, stdin=f"{leaked}\n{more}", code=2)
    assert told in said(refused)
    assert refused.out == ""
    assert status_of(sandbox, leaked) == 200
    assert shown(sandbox, "leaky")["rotation"] == 0


def test_no_argument_is_a_secret(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    refused = sandbox.shell(f"{PANIC} --plain {leaked}", stdin=leaked, code=2)
    assert leaked not in refused.err
    assert "unexpected extra argument" in refused.err
    assert status_of(sandbox, leaked) == 200


def test_on_a_terminal_the_secret_is_typed_unseen_and_the_rotation_is_asked_for(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    terminal = Terminal(sandbox.shell, "keys panic", columns=120)
    terminal.expect("Leaked secret (not shown): ")
    terminal.type(leaked)
    terminal.expect("[y/N]")
    assert status_of(sandbox, leaked) == 200
    terminal.type("y")
    terminal.expect("will not be shown again")
    terminal.ends()
    assert leaked not in terminal.raw
    assert status_of(sandbox, leaked) == 401
    assert "and end all its earlier secrets at once?" in " ".join(terminal.raw.split())


def test_no_is_no(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    terminal = Terminal(sandbox.shell, "keys panic")
    terminal.expect("Leaked secret (not shown): ")
    terminal.type(leaked)
    terminal.expect("[y/N]")
    terminal.type("n")
    terminal.ends(130)
    assert status_of(sandbox, leaked) == 200
    assert reports(sandbox.shell.home) == []


def test_ctrl_c_at_the_prompt(sandbox: Account) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    terminal = Terminal(sandbox.shell, "keys panic")
    terminal.expect("Leaked secret (not shown): ")
    terminal.interrupt()
    assert "Nothing was done." in terminal.ends(130)
    assert sandbox.calls() == before


def test_a_dead_one_asks_before_it_revokes_and_reports_a_no(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    assert "The incident report:" in asked(sandbox, leaked, "n", code=130)
    assert shown(sandbox, "child")["status"] == "active"
    data, _ = report(sandbox.shell.home)
    assert data["revoked"] == []
    assert "declined" in data["steps"][-1]["what"]
