"""What keeps a user from stopping the wrong key, and a schedule from rotating too often."""

import json
import subprocess
from datetime import timedelta

import pytest

from tests.support.accounts import Account
from tests.support.shell import ASTALTY
from tests.support.terminal import Terminal


def names(account: Account) -> list[str]:
    return [row[1] for row in account.shell("keys list").rows]


@pytest.mark.parametrize(
    "line", ["keys revoke 'sandbox cli' --yes", "keys rotate 'sandbox cli' --grace 0 --yes --plain"]
)
def test_the_key_in_use_is_refused_without_a_word_for_it(account: Account, line: str) -> None:
    before = account.shell("keys show 'sandbox cli' --json").json
    refused = account.shell(line, code=5)
    profile = "sandbox" if account.base_url is None else "default"
    assert f"is in use here: profile '{profile}'" in refused.err
    assert "--allow-self" in refused.err
    after = account.shell("keys show 'sandbox cli' --json").json
    assert (after["rotation"], after["status"]) == (before["rotation"], "active")
    account.shell(f"{line} --allow-self")


def test_a_key_of_another_profile_is_in_use_too(served: Account) -> None:
    shell = served.shell
    secret = shell("keys create other --plain").out
    shell(f"auth login -p other --with-token --storage file --base-url {served.base_url}", stdin=secret)
    assert "profile 'other'" in shell("keys revoke other --yes -p default", code=5).err


def test_the_key_in_the_environment_is_in_use(served: Account) -> None:
    shell = served.shell
    secret = shell("keys create other --plain").out.strip()
    env = {"ASTALTY_API_KEY": secret}
    used = shell("keys revoke other --yes", env=env, code=5)
    assert "ASTALTY_API_KEY" in used.err
    pinned = shell("keys revoke other --yes -p default", env=env, code=5)
    assert "is in use here: ASTALTY_API_KEY" in pinned.err
    shell("keys revoke other --yes --allow-self -p default", env=env)


def test_a_rotation_with_a_grace_may_have_the_key_in_use(account: Account) -> None:
    account.shell("keys rotate 'sandbox cli' --plain")
    account.shell("keys list")


def test_the_last_active_key_is_refused_without_a_word_for_it(sandbox: Account) -> None:
    shell = sandbox.shell
    everyone = " ".join(f"'{name}'" for name in names(sandbox))
    refused = shell(f"keys revoke {everyone} --yes --allow-self", code=5)
    assert "the account's last active key" in refused.err
    assert names(sandbox) == ["sandbox cli"]
    assert (
        "the account's last active key" in shell("keys revoke 'sandbox cli' --yes --allow-self", code=5).err
    )
    shell("keys revoke 'sandbox cli' --yes --allow-self --allow-last")


def test_a_key_that_was_used_lately_is_not_idle(sandbox: Account) -> None:
    shell = sandbox.shell
    secret = shell("keys create ci --plain").out.strip()
    shell("keys create never --plain")
    assert sandbox.status_of(secret) == 200
    busy = shell("keys revoke ci never --yes --if-idle 24h", code=5)
    assert "'ci' (" in busy.err
    assert "is not idle: it was last used" in busy.err
    assert "Revoked 'never'" in busy.err
    shell("keys revoke ci --yes --if-idle 0")


def test_idleness_goes_by_the_services_clock(served: Account) -> None:
    shell = served.shell
    secret = shell("keys create ci --plain").out.strip()
    assert served.status_of(secret) == 200
    served.clock.move(hours=30)
    shell("keys revoke ci --yes --if-idle 24h")


@pytest.mark.parametrize("line", ["keys revoke ci other", "keys rotate ci --grace 0"])
def test_a_question_names_what_it_is_about(sandbox: Account, line: str) -> None:
    shell = sandbox.shell
    secret = shell("keys create ci --plain").out.strip()
    shell("keys create other --plain")
    sandbox.status_of(secret)
    key = shell("keys show ci --json").json
    terminal = Terminal(shell, line, columns=120)
    terminal.expect("[y/N]")
    terminal.type("n")
    asked = " ".join(terminal.ends(130).split())
    for part in ("'ci'", key["id"], f"ends in {key['last_four']}", "last used 20", "Nothing was done."):
        assert part in asked


def test_a_young_secret_is_left_alone(served: Account) -> None:
    shell = served.shell
    shell("keys create ci --plain")
    line = "keys rotate ci --plain --if-older-than 80d"
    young = shell(line)
    assert young.out == ""
    assert "is 0 days old: nothing was done." in young.err
    served.clock.move(days=81)
    assert shell(line).out.startswith("astalty_")
    assert shell(line).out == ""
    assert shell("keys show ci --query rotation").out == "1\n"


def test_a_schedule_does_not_hide_an_open_rotation(served: Account) -> None:
    shell = served.shell
    shell("keys create ci --plain")
    shell("keys rotate ci --to file:new --to exec:false", code=7)
    open_still = shell("keys rotate ci --if-older-than 80d --to file:other", code=7)
    assert "An earlier operation on 'ci'" in open_still.err


@pytest.mark.parametrize(
    ("line", "method", "path", "body"),
    [
        ("keys create new --to file:new", "POST", "", {"name": "new"}),
        ("keys rename ci other", "PATCH", "/{id}", {"name": "other"}),
        ("keys revoke ci", "DELETE", "/{id}", None),
        ("keys rotate ci --to file:new", "POST", "/{id}/rotate", {"grace_seconds": 604800, "if_rotation": 0}),
    ],
)
def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(
    account: Account, line: str, method: str, path: str, body: object
) -> None:
    shell = account.shell
    shell("keys create ci --plain")
    key = shell("keys show ci --json").json
    before = shell("keys list --status active,expiring,revoked --json").json
    shown = shell(f"{line} --dry-run --json")
    request = shown.json[0]
    origin = account.base_url or "http://sandbox.localhost"
    assert request["method"] == method
    assert request["url"] == f"{origin}/public/v1/api-keys{path.format(id=key['id'])}"
    assert request["body"] == body
    own = shell("keys show 'sandbox cli' --query last_four").out.strip()
    assert request["authorization"] == f"Bearer …{own}"
    assert "A dry run: nothing was changed." in shown.err
    assert ("file:" in shown.err) == ("--to" in line)
    after = shell("keys list --status active,expiring,revoked --json").json
    unused = {"last_used_at", "last_used_ip"}
    assert [{k: v for k, v in row.items() if k not in unused} for row in after] == [
        {k: v for k, v in row.items() if k not in unused} for row in before
    ]
    assert not (shell.home / "new").exists()


def test_the_calls_of_a_dry_run_are_those_of_the_real_one(served: Account) -> None:
    shell = served.shell
    shell("keys create ci --plain")
    planned = shell("keys rotate ci --grace 2h --to file:new --dry-run --json").json
    shell("keys rotate ci --grace 2h --to file:new")
    assert [each["url"].rpartition("/")[2] for each in planned] == ["rotate", "expire-previous"]
    # the server's clock stands still, so its order says nothing
    logged = {each["path"]: each for each in shell("history list --method POST -L 3 --json").json}
    for request in planned:
        entry = logged[request["url"].removeprefix(served.base_url)]
        sent = shell(f"history show {entry['id']} --query request.body -o json").json
        assert (request["method"], request["body"]) == (entry["method"], sent)


def test_a_dry_run_probes_the_sinks(sandbox: Account) -> None:
    there = sandbox.shell.home / "there"
    there.write_text("mine")
    there.chmod(0o600)
    refused = sandbox.shell("keys create new --to file:there --dry-run", code=2)
    assert f"{there} already exists" in refused.err


def test_a_dry_run_of_a_guarded_call_is_refused_as_the_call_is(sandbox: Account) -> None:
    assert "is in use here" in sandbox.shell("keys revoke 'sandbox cli' --dry-run", code=5).err
    assert (
        "is in use here" in sandbox.shell("keys rotate 'sandbox cli' --grace 0 --plain --dry-run", code=5).err
    )


def test_an_argument_holds_no_secret_anywhere_in_the_process_tree(sandbox: Account) -> None:
    """What `exec:` runs looks at every command line there is while the secret is handed over."""
    shell = sandbox.shell
    script = shell.home / "look"
    script.write_text(
        "#!/bin/sh\nread -r secret\n"
        "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $each 2>/dev/null; echo; done > seen\n"
        'printf %s "$secret" > got\n'
    )
    script.chmod(0o755)
    shell(f"keys create ci --to exec:{script} --to file:new", env={"ASTALTY_TESTS_COLD": "1"})
    secret = (shell.home / "new").read_text().strip()
    assert (shell.home / "got").read_text() == secret
    seen = (shell.home / "seen").read_text()
    assert "keys create ci" in seen
    assert secret not in seen


def test_the_age_is_that_of_the_newest_secret(served: Account) -> None:
    shell = served.shell
    shell("keys create ci --plain")
    served.clock.now += timedelta(days=100)
    shell("keys rotate ci --plain")
    assert shell("keys rotate ci --plain --if-older-than 80d").out == ""


def test_several_json_failures_are_one_object(sandbox: Account) -> None:
    done = subprocess.run(
        [ASTALTY, "keys", "revoke", "sandbox cli", "nobody", "--yes", "--json"],
        env=sandbox.shell.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert set(json.loads(done.stderr)["error"]["errors"]) == {"sandbox cli", "nobody"}
