"""What each path loads: start-up is the product's speed, and an import that slips in is how it is lost.

No time is measured here; the figures are in docs/explanation/speed.md, by `python -m tests.bench.speed`.
"""

import pytest

from tests.accounts import Account
from tests.fresh import loaded
from tests.shell import Shell

HEAVY = {
    "rich",
    "httpx",
    "msgspec",
    "keyring",
    "falcon",
    "ssl",
    "socket",
    "json",
    "asyncio",
    "sqlite3",
    "tomlkit",
}
FOR_WRITING = {"filelock", "tomlkit", "keyring", "truststore", "waitress", "duckdb", "humanize", "jmespath"}
FOR_PEOPLE = {"rich", "click", "pygments", "humanize", "astalty_cli.output.human"}


def test_the_version_is_answered_before_anything_is_imported() -> None:
    modules = loaded(["--version"])
    assert {each for each in modules if each.startswith("astalty_cli")} == {
        "astalty_cli",
        "astalty_cli.__main__",
    }
    assert not modules & {"typer", "re", "typing", "dataclasses"}


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "keys",
        "history --help",
        "keys rotate --help",
        "keys audit --help",
        "keys recover --help",
        "keys panic --help",
        "history list --help",
        "history show --help",
        "history stats --help",
        "history export --help",
        "history sync --help",
        "auth status --help",
        "auth login --help",
        "endpoints show --help",
        "sandbox info --help",
        "api --help",
        "doctor --help",
        "completion --help",
        "keys list --nonsense",
        "keys rotate x --grace soon",
        "nonsense",
    ],
)
def test_help_and_usage_errors_load_no_work(line: str) -> None:
    modules = loaded(line.split())
    assert modules & HEAVY == set()
    assert "platformdirs" not in modules
    assert len(modules) <= 190


def test_a_group_s_help_loads_none_of_its_commands() -> None:
    modules = loaded(["keys", "--help"])
    assert not {each for each in modules if each.startswith("astalty_cli.commands")}
    assert len(modules) <= 165


def test_completing_a_word_needs_no_typer() -> None:
    modules = loaded(["__complete", "keys", "r"])
    assert modules & {*HEAVY, "typer", "tomllib", "platformdirs"} == set()
    assert len(modules) <= 100


def test_completing_the_name_of_a_key_reads_one_small_file(sandbox: Account, shell: Shell) -> None:
    shell("keys list")
    modules = loaded(["__complete", "keys", "rotate", "P"], shell.environ)
    assert modules & {*HEAVY, "tomllib"} == set()
    assert len(modules) <= 200


@pytest.mark.parametrize(
    ("line", "most"), [("keys list --json", 340), ("history list --json", 355), ("api participants", 360)]
)
def test_machine_output_loads_nothing_for_people(served: Account, shell: Shell, line: str, most: int) -> None:
    modules = loaded(line.split(), _with_the_key_in_the_environment(served, shell))
    assert "httpx" in modules
    assert (
        modules
        & (
            FOR_PEOPLE
            | FOR_WRITING
            | {"anyio", "certifi", "csv", "importlib.resources", "sqlite3", "tomllib"}
        )
        == set()
    )
    assert len(modules) <= most


def test_a_table_loads_rich_and_nothing_for_changes(served: Account, shell: Shell) -> None:
    environ = _with_the_key_in_the_environment(served, shell)
    modules = loaded(["keys", "list", "-o", "table"], environ)
    assert "rich" in modules
    assert modules & (FOR_WRITING | {"pygments", "markdown_it"}) == set()
    assert len(modules) <= 410


def test_a_stored_key_in_a_file_loads_no_keyring(served: Account, shell: Shell) -> None:
    modules = loaded(["keys", "list", "--json"], shell.environ)
    assert modules & {"keyring", "tomlkit", "filelock", "rich"} == set()


def test_https_loads_the_system_s_store_and_http_does_not(shell: Shell) -> None:
    environ = {**shell.environ, "ASTALTY_API_KEY": "x" * 20}
    plain = loaded(["keys", "list", "--base-url", "http://127.0.0.1:9", "--timeout", "1"], environ)
    secure = loaded(["keys", "list", "--base-url", "https://127.0.0.1:9", "--timeout", "1"], environ)
    assert "truststore" not in plain
    assert "truststore" in secure


def test_the_sandbox_in_the_process_needs_no_server(sandbox: Account, shell: Shell) -> None:
    modules = loaded(["keys", "list", "--json"], shell.environ)
    assert modules & (FOR_PEOPLE | {"waitress", "filelock", "tomlkit", "keyring"}) == set()


def test_the_doctor_needs_no_tables_for_machines(sandbox: Account, shell: Shell) -> None:
    modules = loaded(["doctor", "--json"], shell.environ)
    assert "keyring" in modules  # it is named by its backend
    assert modules & (FOR_PEOPLE | {"tomlkit", "filelock", "waitress", "duckdb"}) == set()


def _with_the_key_in_the_environment(account: Account, shell: Shell) -> dict[str, str]:
    assert account.base_url is not None
    return {
        **shell.environ,
        "ASTALTY_API_KEY": account.home.secret().reveal(),
        "ASTALTY_BASE_URL": account.base_url,
        "XDG_CONFIG_HOME": str(shell.home / "nothing"),
    }
