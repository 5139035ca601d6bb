"""`astalty history list --offline`: what the service would have answered, without it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from astalty_cli.api.models import KeyReference
from tests.support import accounts, histories
from tests.support.accounts import Account
from tests.support.fresh import loaded
from tests.support.histories import entry
from tests.support.shell import Shell

ONE, TWO = "abcd1111-0000-4000-8000-000000000001", "abcd2222-0000-4000-8000-000000000002"


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with a mirror, an hour after its last entry; two of its keys share a name."""
    home = tmp_path_factory.mktemp("home")
    with ExitStack() as closing:
        account = accounts.over_http(Shell(home), tmp_path_factory.mktemp("served"), closing)
        at = account.clock.now - timedelta(minutes=5)
        keys = (KeyReference(ONE, "twin"), KeyReference(TWO, "twin"), KeyReference(TWO, "only one"))
        histories.add(account, (entry(at, api_key=key, path="/public/v1/a?b[c]=é") for key in keys))
        account.clock.move(hours=1)
        account.shell("history sync")
        account.clock.move(hours=1)
        yield account


def before_the_sync(account: Account) -> str:
    """The moment up to which the mirror and the service have the same entries."""
    return str((account.clock.now - timedelta(hours=2)).isoformat())


@pytest.mark.parametrize(
    "flags",
    [
        "",
        "--status 401,5xx,422",
        "--method post,PATCH --sort created_at",
        "--path /participants --sort=-duration_ms",
        "--path '/participants/*/goals' --sort duration_ms",
        "--path '/a?b[c]'",
        "--ip 10.20.0.14",
        "--user marnie@wattle-and-wren.example --sort status",
        "--key 'Payroll export' --sort=-status,duration_ms",
        "--since 20d --sort status,-created_at",
    ],
)
def test_the_rows_are_those_of_the_service(synced: Account, flags: str) -> None:
    line = f"history list --all --json --until {before_the_sync(synced)} {flags}"
    online, offline = synced.shell(line), synced.shell(f"{line} --offline")
    assert len(online.json) > 0
    assert offline.out == online.out


def test_users_and_keys_go_by_their_ids_too(synced: Account) -> None:
    line = f"history list --all --json --until {before_the_sync(synced)}"
    some = synced.shell(f"{line} --offline --key 'Payroll export'").json[0]
    for flags in (f"--user {some['user']['id']}", f"--key {some['api_key']['id']}"):
        assert synced.shell(f"{line} --offline {flags}").out == synced.shell(f"{line} {flags}").out
    by_prefix = synced.shell(f"{line} --offline --key {some['api_key']['id'][:8]}")
    assert by_prefix.out == synced.shell(f"{line} --key 'Payroll export'").out


@pytest.mark.parametrize("form", ["tsv", "table", "csv", "jsonl"])
def test_the_formats_and_the_note_of_more_are_those_of_the_service(synced: Account, form: str) -> None:
    line = f"history list -L 5 --until {before_the_sync(synced)} -o {form}"
    online, offline = synced.shell(line), synced.shell(f"{line} --offline")
    assert offline.out == online.out
    assert "5 of 6" in online.err
    as_of, _, rest = offline.err.partition("\n")
    assert as_of.startswith("As of the last sync, ")
    assert rest == online.err


def test_the_names_of_keys_are_those_in_the_mirror(synced: Account) -> None:
    line = "history list --offline --json --all --key"
    assert [row["api_key"]["id"] for row in synced.shell(f"{line} {ONE}").json] == [ONE]
    assert len(synced.shell(f"{line} 'only one'").json) == 2
    for wanted in ("twin", "abcd"):
        ambiguous = synced.shell(f"{line} {wanted}", code=2).error
        assert ONE in ambiguous["hint"]
        assert TWO in ambiguous["hint"]
    assert "nobody" in synced.shell(f"{line} nobody", code=3).error["message"]
    assert synced.shell(f"{line} 9ee9dc30-c869-4fb5-9871-b32850e68cad").json == []


def test_nothing_matches_and_nothing_can(synced: Account) -> None:
    assert "No requests match." in synced.shell("history list --offline --ip 203.0.113.251 -o table").err
    assert "--since" in synced.shell("history list --offline --since 1d --until 2d", code=2).err


def test_it_needs_neither_a_key_nor_the_service(synced: Account) -> None:
    shell = synced.shell
    before = synced.calls()
    key_file = shell.config / "keys" / "default.json"
    kept = key_file.rename(shell.home / "kept.json")
    try:
        assert len(shell("history list --offline").rows) == 30
        assert "No API key" in shell("history list", code=4).err
    finally:
        kept.rename(key_file)
    assert synced.calls() == before


def test_without_a_mirror_it_names_the_command_that_makes_one(shell: Shell) -> None:
    missing = shell("history list --offline --json", code=3)
    assert missing.error["hint"] == "Create it: astalty history sync"
    assert not (shell.home / ".local" / "share" / "astalty" / "history").exists()


def test_a_mirror_of_the_sandbox_is_read_under_its_profile(sandbox: Account, tmp_path: Path) -> None:
    sandbox.shell("history sync")
    del sandbox.shell.environ["ASTALTY_PROFILE"]
    assert len(sandbox.shell("history list --offline -p sandbox").rows) == 30
    sandbox.shell("history list --offline", code=3)


@pytest.mark.parametrize("flags", ["--by status", "--by key --include-self", "--by path --method GET"])
def test_the_figures_are_those_of_the_service(synced: Account, flags: str) -> None:
    until = before_the_sync(synced)
    line = f"history stats --json --since 40d --until {until} {flags}"
    online, offline = synced.shell(line), synced.shell(f"{line} --offline")
    assert len(online.json) > 1
    assert offline.json == online.json


def test_own_reads_are_left_out_of_the_figures(synced: Account) -> None:
    synced.shell("history list -L 1")
    synced.shell("history sync")
    figures = synced.shell("history stats --offline --by path --since 2d")
    assert "/api-requests" not in figures.out
    assert "Not counted" in figures.err


def test_one_entry_is_shown_from_the_mirror_and_hidden_what_is_secret(synced: Account) -> None:
    entry_id = synced.shell("history list --offline --status 422 -L 1 --query [0].id -q").out.strip()
    shown = synced.shell(f"history show {entry_id} --offline --json").json
    online = synced.shell(f"history show {entry_id} --json").json
    assert shown["id"] == entry_id
    assert {name: online[name] for name in shown} == shown
    assert "request" not in shown
    missing = synced.shell("history show 9ee9dc30-c869-4fb5-9871-b32850e68cad --offline", code=3)
    assert "history sync" in missing.err


def test_reading_the_mirror_loads_no_client(synced: Account) -> None:
    entry_id = synced.shell("history list --offline -L 1 --query [0].id -q").out.strip()
    for line in ("history list", "history stats", f"history show {entry_id}"):
        modules = loaded(synced.shell, f"{line} --offline --json")
        assert "astalty_cli.mirror.store" in modules
        assert modules & {"httpx", "rich", "keyring", "tomlkit", "falcon"} == set(), line
