"""What each path loads: start-up is the product's speed, and an import that slips in is how it is lost.

No time is measured here; the figures are in docs/explanation/speed.md, by `python -m tests.bench.speed`.
"""

import pytest

from tests.support.accounts import Account
from tests.support.fresh import loaded
from tests.support.shell import Shell

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
FOR_WRITING = {"tomlkit", "keyring", "truststore", "waitress", "duckdb", "humanize", "jmespath"}
FOR_PEOPLE = {"rich", "click", "pygments", "humanize", "astalty_cli.output.human"}


def test_the_version_is_answered_before_anything_is_imported(shell: Shell) -> None:
    modules = loaded(shell, "--version")
    assert {each for each in modules if each.startswith("astalty_cli")} == {
        "astalty_cli",
        "astalty_cli.__main__",
    }
    assert not modules & {"typer", "re", "typing", "dataclasses"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("--help", 0),
        ("keys", 0),
        ("history --help", 0),
        ("keys rotate --help", 0),
        ("keys audit --help", 0),
        ("keys recover --help", 0),
        ("keys panic --help", 0),
        ("history list --help", 0),
        ("history show --help", 0),
        ("history stats --help", 0),
        ("history export --help", 0),
        ("history sync --help", 0),
        ("auth status --help", 0),
        ("auth login --help", 0),
        ("endpoints show --help", 0),
        ("sandbox info --help", 0),
        ("api --help", 0),
        ("doctor --help", 0),
        ("completion --help", 0),
        ("keys list --nonsense", 2),
        ("keys rotate x --grace soon", 2),
        ("nonsense", 2),
    ],
)
def test_help_and_usage_errors_load_no_work(shell: Shell, line: str, code: int) -> None:
    modules = loaded(shell, line, code=code)
    assert modules & HEAVY == set()
    assert "platformdirs" not in modules
    assert len(modules) <= 191


def test_a_group_s_help_loads_none_of_its_commands(shell: Shell) -> None:
    modules = loaded(shell, "keys --help")
    assert not {each for each in modules if each.startswith("astalty_cli.commands")}
    assert len(modules) <= 166


def test_completing_a_word_needs_no_typer(shell: Shell) -> None:
    line = "__complete keys rot"
    assert not loaded(shell, line) & {"astalty_cli.base.secret_spellings", "astalty_cli.base.vocabulary"}
    assert shell(line).rows[0][0] == "rotate"
    modules = loaded(shell, line)
    assert modules & {*HEAVY, "typer", "tomllib", "platformdirs"} == set()
    assert len(modules) <= 100


def test_completing_the_name_of_a_key_reads_one_small_file(sandbox: Account, shell: Shell) -> None:
    shell("keys list")
    line = "__complete keys rotate P"
    assert shell(line).rows[0][0] == "Payroll export"
    modules = loaded(shell, line)
    assert modules & {*HEAVY, "tomllib"} == set()
    assert len(modules) <= 200


def test_completing_a_path_on_the_first_day_reads_no_catalogue(shell: Shell) -> None:
    line = "__complete api part"
    assert shell(line).rows[0][0] == "participants"
    modules = loaded(shell, line)
    assert modules & {*HEAVY, "yaml"} == set()
    assert not {each for each in modules if each.startswith("astalty_cli.services")}
    assert len(modules) <= 200


def test_a_catalogue_in_json_loads_no_yaml(sandbox: Account, shell: Shell) -> None:
    assert "yaml" not in loaded(shell, "endpoints list --json")
    (shell.home / "x.yaml").write_text("openapi: 3.1.0")
    assert "yaml" in loaded(shell, "endpoints list --json --from x.yaml")


@pytest.mark.parametrize(
    ("line", "most"), [("keys list --json", 354), ("history list --json", 365), ("api participants", 370)]
)
def test_machine_output_loads_nothing_for_people(served: Account, shell: Shell, line: str, most: int) -> None:
    modules = loaded(shell, line, env=_with_the_key_in_the_environment(served))
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
    modules = loaded(shell, "keys list -o table", env=_with_the_key_in_the_environment(served))
    assert "rich" in modules
    assert modules & (FOR_WRITING | {"pygments", "markdown_it"}) == set()
    assert len(modules) <= 425


def test_a_stored_key_in_a_file_loads_no_keyring(served: Account, shell: Shell) -> None:
    modules = loaded(shell, "keys list --json")
    assert modules & {"keyring", "tomlkit", "rich"} == set()


def test_https_loads_the_system_s_store_and_http_does_not(shell: Shell) -> None:
    line, env = "keys list --timeout 1 --base-url", {"ASTALTY_API_KEY": "x" * 20}
    plain = loaded(shell, f"{line} http://127.0.0.1:1", code=6, env=env)
    secure = loaded(shell, f"{line} https://127.0.0.1:1", code=6, env=env)
    assert "truststore" not in plain
    assert "truststore" in secure


def test_the_sandbox_in_the_process_needs_no_server(sandbox: Account, shell: Shell) -> None:
    modules = loaded(shell, "keys list --json")
    assert modules & (FOR_PEOPLE | {"waitress", "tomlkit", "keyring"}) == set()
    assert not {each for each in modules if each.startswith("astalty_cli.sandbox.pages")}


def test_the_doctor_needs_no_tables_for_machines(sandbox: Account, shell: Shell) -> None:
    modules = loaded(shell, "doctor --json")
    assert "keyring" in modules  # it is named by its backend
    assert modules & (FOR_PEOPLE | {"tomlkit", "waitress", "duckdb"}) == set()


def _with_the_key_in_the_environment(account: Account) -> dict[str, str]:
    return {
        "ASTALTY_API_KEY": account.home.secret().reveal(),
        "ASTALTY_BASE_URL": str(account.base_url),
        "XDG_CONFIG_HOME": str(account.shell.home / "nothing"),
    }
