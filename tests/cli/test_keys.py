"""`astalty keys`: what it prints, what it changes on the server, what it refuses."""

from datetime import datetime, timedelta

import pytest

from tests.support.accounts import Account


def test_list_hides_revoked_keys_until_asked_for(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create old --plain")
    shell("keys revoke old --yes")

    assert "old" not in [row[1] for row in shell("keys list").rows]
    revoked = shell("keys list --status revoked --json").json
    assert "old" in [key["name"] for key in revoked]
    assert {key["status"] for key in revoked} == {"revoked"}


def test_list_sorts_as_the_server_does(sandbox: Account) -> None:
    names = [row[1] for row in sandbox.shell("keys list --sort name").rows]
    assert len(names) > 5
    assert names == sorted(names)
    back = [row[1] for row in sandbox.shell("keys list --sort=-name").rows]
    assert back == names[::-1]


def test_create_prints_the_secret_alone_with_plain(sandbox: Account) -> None:
    made = sandbox.shell("keys create ci --plain")
    secret = made.out.removesuffix("\n")
    assert sandbox.status_of(secret) == 200
    assert "Created the key 'ci'" in made.err
    assert secret not in made.err


def test_create_as_json_is_the_key_with_its_secret(sandbox: Account) -> None:
    made = sandbox.shell("keys create ci --json").json
    assert sandbox.status_of(made["secret"]) == 200
    shown = sandbox.shell("keys show ci --json").json
    assert made.keys() - shown.keys() == {"secret"}
    assert shown["last_four"] == made["secret"][-4:]


@pytest.mark.parametrize(
    "line",
    [
        "keys create ci",
        "keys create ci -q",
        "keys create ci -o tsv",
        "keys create ci -o jsonl",
        "keys create ci --json --fields id",
        "keys create ci --plain --query secret",
        "keys create ci --plain --json",
        "keys rotate 'sandbox cli'",
        "keys rotate 'sandbox cli' --grace 0 --plain",
    ],
)
def test_a_secret_nobody_would_get_is_never_made(sandbox: Account, line: str) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    refused = sandbox.shell(line, code=2)
    assert refused.out == ""
    assert sandbox.calls() == before


def test_a_taken_name_is_refused_with_the_servers_words_and_a_way_on(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create 'my ci' --plain")
    refused = shell("keys create 'my ci' --plain", code=5)
    assert refused.out == ""
    assert "name: The name has already been taken." in refused.err
    assert "Choose another name; `keys rotate` gives" in refused.err
    assert "Choose another name" in shell("keys rename 'my ci' 'Never used'", code=5).err


def test_a_key_is_found_by_id_name_and_prefix(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    key_id = sandbox.shell("keys show ci --query id").out.strip()
    for wanted in (key_id, key_id.upper(), key_id[:8], "ci"):
        assert sandbox.shell(f"keys show {wanted} --query id").out.strip() == key_id


def test_a_name_that_is_nearly_a_key_s_is_asked_about(sandbox: Account) -> None:
    missing = sandbox.shell("keys show 'Payroll exprt'", code=3).err
    assert "no key whose id starts so. Did you mean 'Payroll export'?\n" in missing
    assert "Did you mean" not in sandbox.shell("keys show nobody", code=3).err


def test_an_ambiguous_prefix_does_nothing_and_names_the_candidates(sandbox: Account) -> None:
    shell = sandbox.shell
    # Ids are random, so a name that is a prefix of another key's id shows that names come first.
    first = shell("keys show 'sandbox cli' --query id").out.strip()
    shell(f"keys create {first[:4]} --plain")
    assert shell(f"keys show {first[:4]} --query name").out.strip() == first[:4]
    assert shell(f"keys show {first[:5]} --query name").out.strip() == "sandbox cli"
    missing = shell(f"keys show {first[:3]}", code=3)
    assert "no active key named" in missing.err


def test_candidates_of_an_ambiguous_prefix(sandbox: Account) -> None:
    shell, store = sandbox.shell, sandbox.store()
    revoked = shell("keys list --status revoked").out
    with store.database.write() as connection:
        rows = connection.execute("SELECT id FROM api_keys ORDER BY id LIMIT 2").fetchall()
        for number, row in enumerate(rows):
            new = f"abcd{number}{row['id'][5:]}"
            connection.execute("PRAGMA defer_foreign_keys = ON")
            for table, column in (
                ("api_keys", "id"),
                ("key_secrets", "key_id"),
                ("api_requests", "api_key_id"),
            ):
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, row["id"]))
    store.close()
    refused = shell("keys revoke abcd --yes", code=2)
    assert "any of 2 keys" in refused.err
    assert "abcd0" in refused.err
    assert "abcd1" in refused.err
    assert shell("keys list --status revoked").out == revoked


def test_several_revokes_are_each_tried_and_the_worst_is_the_exit_code(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create a --plain")
    shell("keys create b --plain")
    result = shell("keys revoke a missing b --yes", code=3)
    assert "Revoked 'a'" in result.err
    assert "Revoked 'b'" in result.err
    assert "There is no active key named 'missing'" in result.err
    assert {"a", "b"} <= {key["name"] for key in shell("keys list --status revoked --json").json}


def test_revoking_without_a_terminal_names_the_flag_and_sends_nothing(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    before = sandbox.calls()
    refused = sandbox.shell("keys revoke ci", code=2)
    assert "--yes" in refused.err
    assert sandbox.calls() == before


def test_a_revoked_key_can_be_shown_but_not_changed(sandbox: Account) -> None:
    shell = sandbox.shell
    key_id = shell("keys create ci --json").json["id"]
    shell("keys revoke ci --yes")
    assert shell(f"keys show {key_id} --json").json["status"] == "revoked"
    assert "is revoked" in shell(f"keys rename {key_id} other", code=3).err
    assert "is revoked" in shell(f"keys rotate {key_id} --plain", code=3).err


def test_rename_says_so_and_prints_the_key_where_asked(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create ci --plain")
    quiet = shell("keys rename ci deploy")
    assert quiet.out == ""
    assert "Renamed 'ci' to 'deploy'" in quiet.err
    assert shell("keys rename deploy 'ci 2' --json").json["name"] == "ci 2"


def test_rotate_starts_the_clock_with_the_grace_that_was_asked_for(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create ci --plain")
    rotated = shell("keys rotate ci --grace 90m --json").json
    assert rotated["rotation"] == 1
    key = shell("keys show ci --json").json
    assert key["status"] == "expiring"
    ends, began = (datetime.fromisoformat(key[name]) for name in ("previous_expires_at", "rotated_at"))
    assert timedelta(minutes=90) <= ends - began < timedelta(minutes=92)
    calls = shell("history list --key ci --all --since 1h --json").json
    assert [call["path"].rpartition("/")[2] for call in calls if call["method"] == "POST"] == [
        "expire-previous"
    ]
    assert shell("keys rotate ci --grace 0 --yes --plain").err.count("no longer works") == 1
    assert shell("keys show ci --json").json["status"] == "active"


def test_rotating_the_key_of_the_environment_names_the_stale_variable(sandbox: Account) -> None:
    shell = sandbox.shell
    secret = shell("keys create ci --plain").out.strip()
    rotated = shell("keys rotate ci --plain", env={"ASTALTY_API_KEY": secret})
    assert "ASTALTY_API_KEY still holds the old secret" in rotated.err


def test_one_key_named_twice_is_revoked_once(sandbox: Account) -> None:
    key_id = sandbox.shell("keys create ci --json").json["id"]
    result = sandbox.shell(f"keys revoke {key_id} ci {key_id[:8]} --yes")
    assert result.err.count("Revoked 'ci'") == 1


def test_revoked_keys_are_one_list_in_machine_formats(sandbox: Account) -> None:
    for name in ("a", "b"):
        sandbox.shell(f"keys create {name} --plain")
    revoked = sandbox.shell("keys revoke a b --yes --json").json
    assert [(key["name"], key["status"]) for key in revoked] == [("a", "revoked"), ("b", "revoked")]


def test_a_runner_is_told_to_mask_a_secret_before_it_is_printed(sandbox: Account) -> None:
    env = {"GITHUB_ACTIONS": "true"}
    made = sandbox.shell("keys create ci --plain", env=env)
    assert f"::add-mask::{made.out.strip()}" in made.err.splitlines()
    assert "add-mask" not in sandbox.shell("keys list", env=env).err
