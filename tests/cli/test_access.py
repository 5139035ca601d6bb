"""Access levels: chosen when a key is created, shown wherever a key is, and named by a refusal."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.api.contract import API_KEYS
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.open_operations import CREATE, Faulty, is_open, lost, works
from tests.support.shell import Shell
from tests.support.spoilt import Fault
from tests.support.terminal import Terminal


def body_of_creation(shell: Shell) -> Any:
    """What the last creation of a key has sent."""
    entry = shell(f"history list --path {API_KEYS} --method POST -L 1 --query [0].id").out.strip()
    return shell(f"history show {entry} --json").json["request"]["body"]


def answering(change: Callable[[bytes], bytes]) -> Callable[[Any], Any]:
    """A layer that changes the bodies of answers."""

    def between(app: Any) -> Any:
        def changed(environ: Any, start_response: Any) -> Any:
            started: list[Any] = []
            body = change(b"".join(app(environ, lambda *answer: started.append(answer))))
            status, headers = started[-1][:2]
            headers = [each for each in headers if each[0] != "Content-Length"]
            start_response(status, [*headers, ("Content-Length", str(len(body)))])
            return [body]

        return changed

    return between


@pytest.mark.parametrize(
    ("flag", "level", "name"),
    [
        ("--access read-only", "read_only", "Read Only"),
        ("--access full-access", "full_access", "Full Access"),
    ],
)
def test_the_level_that_was_asked_for_is_sent_and_shown(
    sandbox: Account, flag: str, level: str, name: str
) -> None:
    shell = sandbox.shell
    made = shell(f"keys create ci {flag} --json")
    assert made.json["access"] == level
    assert f"Access level: {name}." in made.err
    assert body_of_creation(shell) == {"name": "ci", "access": level}
    assert shell("keys show ci --query access").out == f"{level}\n"
    assert f"Access            {name}\n" in shell("keys show ci -o table").out
    (row,) = [line for line in shell("keys list -o table").out.splitlines() if " ci " in line]
    assert re.search(rf"active +{name.removesuffix(' Access')} ", row)
    columns = shell("keys list -o csv").out.splitlines()[0].split(",")
    assert columns.index("access") == columns.index("status") + 1


def test_without_the_flag_the_service_decides_and_read_only_is_recommended(sandbox: Account) -> None:
    made = sandbox.shell("keys create ci --plain")
    assert body_of_creation(sandbox.shell) == {"name": "ci"}
    said = " ".join(made.err.split())
    assert "It has Full Access: it can do everything the account owner can." in said
    assert "If reading is enough, use --access read-only." in said


def test_a_dry_run_shows_the_level_that_would_be_sent(sandbox: Account) -> None:
    planned = sandbox.shell("keys create ci --access read-only --dry-run --json").json
    assert [each["body"] for each in planned] == [{"name": "ci", "access": "read_only"}]
    planned = sandbox.shell("keys create ci --dry-run --json").json
    assert [each["body"] for each in planned] == [{"name": "ci"}]


def test_a_level_that_there_is_not_is_refused_before_any_call(sandbox: Account) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    refused = sandbox.shell("keys create ci --plain --access write-only", code=2)
    assert "'write-only' is not one of read-only, full-access" in refused.err
    assert sandbox.calls() == before


def test_a_read_only_key_is_rotated_by_the_key_that_may(sandbox: Account) -> None:
    """Its own new secret could not set the old one to expire."""
    shell = sandbox.shell
    old = shell("keys create ci --access read-only --plain").out.strip()
    rotated = shell("keys rotate ci --grace 1h --plain")
    assert re.search(r"The old secret works until .*\. Access level: Read Only\.\n", rotated.err)
    assert works(sandbox, rotated.out.strip())
    assert works(sandbox, old)
    assert not works(sandbox, old, hours=1.1)
    assert works(sandbox, rotated.out.strip())


def test_the_panel_says_what_the_key_may_do(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "keys create ci --access read-only")
    terminal.ends()
    assert "Access level: Read Only\n" in terminal.raw.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "line",
    [
        "keys create ci --plain",
        "keys rotate 'Payroll export' --plain",
        "keys rename 'Payroll export' pay",
        "keys revoke 'Payroll export' --yes",
        "api participants -f first_name=Myrtle -f last_name=Heron",
    ],
)
def test_a_refusal_names_the_access_level_as_a_reason(sandbox: Account, line: str) -> None:
    shell = sandbox.shell
    secret = shell("keys create reader --access read-only --plain").out.strip()
    before = shell("keys list --json --fields name,rotation,status").json
    refused = shell(line, env={"ASTALTY_API_KEY": secret}, code=4)
    assert "This action is unauthorized." in refused.err
    assert "Its access level may be Read Only." in refused.err
    assert shell("keys list --json --fields name,rotation,status").json == before
    assert shell("keys recover --json").json == []


def test_a_lost_answer_is_asked_for_again_with_the_level_that_was_asked_for(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE))
    made = account.shell("keys create ci --access read-only --json")
    assert spoilt.posts()[:2] == [CREATE, CREATE]
    assert made.json["access"] == "read_only"


def test_a_creation_is_recovered_with_the_level_that_was_asked_for(faulty: Faulty) -> None:
    """The service takes the same Idempotency-Key only with the same bytes."""
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --access read-only --plain", CREATE)
    assert is_open(shell)[0]["name"] == "ci"
    shell("keys recover --yes --to file:new")
    assert works(account, (shell.home / "new").read_text().strip())
    assert shell("keys show ci --query access").out == "read_only\n"
    assert shell("keys list --json --query \"length([?name=='ci'])\"").out == "1\n"


def test_a_creation_that_never_arrived_is_recovered_with_that_level(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --access read-only --plain", CREATE, acts=False)
    shell("keys recover --yes --to file:new")
    assert shell("keys show ci --query access").out == "read_only\n"


def test_a_creation_that_nobody_has_is_revoked_by_the_same_request(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --access full-access --plain", CREATE)
    assert "whose secret nobody had" in account.shell("keys recover --yes").err
    assert "ci" not in [row[1] for row in account.shell("keys list").rows]


@pytest.mark.parametrize(
    ("answered", "shown", "in_json"),
    [
        (b'"access":"notes_only\\u001b[31m",', "notes_only", "notes_only\x1b[31m"),
        (b'"access":null,', "unknown", None),
        (b"", "unknown", None),
    ],
)
def test_a_level_that_nobody_knows_is_shown_as_it_came_and_none_is_unknown(
    shell: Shell, tmp_path: Path, answered: bytes, shown: str, in_json: str | None
) -> None:
    def change(body: bytes) -> bytes:
        return body.replace(b'"access":"full_access",', answered)

    with ExitStack() as closing:
        accounts.over_http(shell, tmp_path, closing, between=answering(change))
        assert shell("keys list --json").json[0].get("access") == in_json
        listed = shell("keys list -o table").out
        details = shell("keys show 'Payroll export' -o table").out
        assert shown in listed
        assert shown in details
        assert "\x1b" not in listed + details
        assert f"Access level: {shown}" in shell("keys create ci --plain").err


def test_the_audit_recommends_read_only_keys(sandbox: Account) -> None:
    said = " ".join(sandbox.shell("keys audit").err.split())
    assert "6 of 7 keys have Full Access." in said
    assert "astalty keys create NAME --access read-only" in said
