"""`astalty keys panic` of a secret that is dead already: whose it was, and what is left to revoke."""

from contextlib import closing
from pathlib import Path

from tests.support.accounts import Account
from tests.support.leaks import PANIC, asked, created, key, report, reports, said, shown, status_of
from tests.support.shell import Shell


def test_dead_by_revocation_what_it_made_is_revoked_when_the_user_says_so(account: Account) -> None:
    leaked = created(account, "leaky")
    created(account, "child", by=leaked)
    account.shell("keys revoke leaky --yes")
    told = asked(account, leaked)
    assert "which was revoked 20" in told
    assert "Revoked 'child'" in told
    assert "No new secret was created" in told
    assert shown(account, "child")["status"] == "revoked"
    data, markdown = report(account.shell.home)
    assert not data["worked"]
    assert data["revoked"] == [shown(account, "child")["id"]]
    assert "revoked just now" in markdown


def test_yes_is_no_answer_to_which_keys_are_a_thiefs(account: Account) -> None:
    """A key may have made and rotated others for its owner; a script that runs twice must cut nobody off."""
    leaked = created(account, "leaky")
    created(account, "child", by=leaked)
    account.shell(f"{PANIC} --plain", stdin=leaked)
    for path in reports(account.shell.home):
        path.unlink()
    again = account.shell(f"{PANIC} --plain", stdin=leaked, code=5)
    ids = [str(shown(account, name)["id"]) for name in ("child", "leaky")]
    assert "since they may be yours" in again.err
    assert all(key_id in again.err.partition("astalty keys revoke ")[2] for key_id in ids)
    assert {shown(account, name)["status"] for name in ("leaky", "child")} == {"active"}
    assert len(reports(account.shell.home)) == 2


def test_dead_by_the_thiefs_rotation_the_key_itself_is_revoked(account: Account) -> None:
    leaked = created(account, "leaky")
    line = "keys rotate leaky --plain --grace 0 --yes --allow-self"
    theirs = account.shell(line, env=key(leaked)).out.strip()
    child = created(account, "child", by=theirs)
    told = asked(account, leaked)
    assert "It was rotated with the leaked secret" in told
    assert "from 127.0.0.1" in told
    assert {shown(account, name)["status"] for name in ("leaky", "child")} == {"revoked"}
    assert status_of(account, theirs) == status_of(account, child) == 401


def test_dead_by_somebody_elses_rotation_its_key_is_left_alone(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys rotate leaky --plain --grace 0 --yes")
    assert "whose secret is another one now" in asked(sandbox, leaked)
    assert (shown(sandbox, "leaky")["status"], shown(sandbox, "child")["status"]) == ("active", "revoked")


def test_a_secret_that_was_copied_in_part_points_at_its_key_and_ends_nothing(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    result = sandbox.shell(f"{PANIC} --plain", stdin=leaked[10:])
    assert "was the leaked one copied whole?" in said(result)
    assert status_of(sandbox, leaked) == 200


def test_a_dead_secret_of_no_key_here(account: Account) -> None:
    refused = account.shell(f"{PANIC} --plain", stdin="astalty_nobody_knows_this_secret_zzzz", code=3)
    assert "No key of this account ends in zzzz" in refused.err
    short = account.shell(f"{PANIC} --plain", stdin="too_short", code=3)
    assert "too short to tell a key by" in short.err
    assert reports(account.shell.home) == []


def test_a_dead_secret_and_no_other_key(served: Account, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    stranger = Shell(tmp_path / "bare")
    stranger.environ["ASTALTY_BASE_URL"] = str(served.base_url)
    for env in ({}, key("astalty_nobody_knows_this_secret_zzzz")):
        refused = stranger(f"{PANIC} --plain", stdin="astalty_nobody_knows_this_secret_zzzz", env=env, code=4)
        assert "Sign in with another key of the account" in refused.err


def test_a_key_in_use_here_is_revoked_only_with_the_flag(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    sandbox.shell("keys rotate 'sandbox cli' --plain", env=key(leaked))
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    refused = asked(sandbox, leaked, code=5)
    assert "is in use here" in refused
    assert "Revoked 'child'" in refused
    assert "The incident report: " in refused
    assert shown(sandbox, "sandbox cli")["status"] == "expiring"
    for path in reports(sandbox.shell.home):
        path.unlink()
    assert "Revoked 'sandbox cli'" in asked(sandbox, leaked, flags="--allow-self")


def test_several_matches_are_all_listed(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    created(sandbox, "alike")
    key_id = shown(sandbox, "alike")["id"]
    with closing(sandbox.store()) as store, store.database.write() as connection:
        connection.execute(
            "UPDATE key_secrets SET last_four = ? WHERE key_id = ?",
            (leaked[-4:], key_id),
        )
    refused = sandbox.shell(f"{PANIC} --plain", stdin=leaked, code=5)
    assert "'alike'" in refused.err
    assert shown(sandbox, "child")["status"] == "active"
    data, _ = report(sandbox.shell.home)
    assert {each["name"] for each in data["keys"]} == {"leaky", "alike"}


def test_dry_run_of_a_dead_one_shows_what_would_be_revoked(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    plan = sandbox.shell("keys panic --with-token --dry-run --plain", stdin=leaked)
    assert plan.out.startswith("DELETE\t")
    assert shown(sandbox, "child")["status"] == "active"
    assert reports(sandbox.shell.home) == []
