"""Only a documented call says that a key is dead; and what a newcomer meets on a server of those calls."""

import pytest

from tests.cli.test_documented_only import KEYS_PAGE, LISTS, NOTHING
from tests.support.documented import FORBIDDEN, WEB_PAGE, documented
from tests.support.hostile import CANARY, KEY, answering
from tests.support.shell import Shell


@pytest.mark.parametrize("status", ["401 No", "403 No"])
def test_an_assumed_call_that_refuses_a_good_key_does_not_make_it_a_dead_one(
    shell: Shell, status: str
) -> None:
    """What is remembered says that the service has all calls; then one of them refuses the key."""
    with documented(shell) as server:
        server.offered |= LISTS
        for line in ("keys list", "history list"):
            shell(line)
        calls = [*LISTS, f"GET /public/v1/api-keys/{KEY['id']}"]
        server.offered |= dict.fromkeys(calls, (status, {}, b'{"message": "Unauthenticated."}'))
        for line in ("keys list", "history list", "keys audit", "keys show ci", "keys create ci --plain",
                     "keys rotate ci --plain", "keys revoke ci --yes", "history stats",
                     f"keys show {KEY['id']}"):  # fmt: skip
            told = shell(line, code=4)
            assert "does not accept this key" not in told.err, line
            assert "revoked or rotated" not in told.err, line
            assert "/public/v1/api-" in told.err or status == "403 No", line
        assert server.writes() == []
        assert shell("auth status --json").json["works"] is True
        shell("doctor")


def test_panic_takes_no_assumed_call_for_the_death_of_a_secret(shell: Shell) -> None:
    leaked = "9|leakedcanary0123456789leakedcanary0123456789"
    with documented(shell) as server:
        server.keys.add(leaked)
        server.offered |= LISTS
        for key in (CANARY, leaked):
            shell("keys list", env={"ASTALTY_API_KEY": key})
        server.offered["GET /public/v1/api-keys/current"] = (
            "401 No",
            {},
            b'{"message": "Unauthenticated."}',
        )
        told = shell("keys panic --with-token --yes --plain", stdin=leaked, code=4)
        assert "still works" in told.err
        assert KEYS_PAGE in told.err
        assert "does not work" not in told.err
        assert server.writes() == []
        assert list(shell.home.glob("astalty-incident-*")) == []
        server.keys.remove(leaked)
        told = shell("keys panic --with-token --yes --plain", stdin=leaked, code=4)
        assert "still works" not in told.err


def test_no_secret_is_called_dead_by_what_stands_in_between(shell: Shell) -> None:
    """A portal that answers 401 for everything, as a web page or with a key and without one alike."""
    with documented(shell) as server:
        server.offered |= LISTS
        shell("keys list")
    for between in (("401 No", {}, WEB_PAGE), FORBIDDEN):
        with answering(between) as (_, url):
            env = {"ASTALTY_BASE_URL": url}
            told = shell("keys panic --with-token --yes --plain", stdin=CANARY, env=env, code=6)
            assert NOTHING in told.err


def test_a_call_of_the_user_s_own_that_is_refused_says_nothing_of_the_key(shell: Shell) -> None:
    with documented(shell, "401 JSON") as server:
        for line in ("api nope", "api nope --paginate", "api -X POST nope -f a=b", "api nope -i"):
            refused = shell(line, code=4).err
            assert "The service accepts this key, but answers /public/v1/nope with 401." in refused, line
        server.keys.clear()
        assert "does not accept this key" in shell("api nope", code=4).err
    with answering(("401 No", {}, b'{"message": "Unauthenticated."}')) as (_, url):
        told = shell("api participants", code=4, env={"ASTALTY_BASE_URL": url})
        assert "does not accept this key" in told.err


def test_a_history_that_is_not_offered_leaves_no_mirror_behind(shell: Shell) -> None:
    with documented(shell):
        shell("history sync", code=3)
        assert list((shell.home / ".local/share/astalty/history").glob("*")) == []
        assert "There is no mirror" in shell("history list --offline", code=3).err


def test_an_empty_record_names_the_command_that_fills_it(shell: Shell) -> None:
    with documented(shell):
        for line in ("keys list", "keys list --json", "keys audit", "keys list --record other.toml"):
            assert "It has no keys yet. Add one: astalty keys add NAME" in shell(line).err, line
        shell("keys add ci --with-token", stdin=CANARY)
        assert "no keys yet" not in shell("keys list").err


def test_verify_asks_about_the_key_in_the_environment_too(shell: Shell) -> None:
    with documented(shell) as server:
        shell("keys add ci --with-token", stdin=CANARY)
        done = shell("keys list --verify --json")
        assert [row["accepted"] for row in done.json] == [True]
        assert "still accepted" in done.err
        server.keys.clear()
        assert shell("keys show ci --verify --json", code=0).json["accepted"] is False


def test_an_empty_key_is_called_empty(shell: Shell) -> None:
    with documented(shell):
        for line in ("keys add ci --with-token", "auth login --with-token --storage file"):
            assert "No key was given" in shell(line, stdin=" \n", code=2).err
