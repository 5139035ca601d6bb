"""An argument that is missing is asked for on a terminal, from a list if there is one; else it is exit 2."""

import pytest

from tests.support.accounts import Account
from tests.support.shell import Shell
from tests.support.terminal import Terminal


def test_a_key_is_picked_by_its_number(sandbox: Account) -> None:
    sandbox.shell("keys create ci --plain")
    terminal = Terminal(sandbox.shell, "keys show", columns=100)
    terminal.expect("Key (a number, or type it): ")
    line = next(line for line in terminal.shown.splitlines() if "  ci  (" in line)
    terminal.type(line.split()[0])
    assert "Name              ci" in terminal.ends()


def test_a_key_is_typed_by_its_name(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "keys show")
    terminal.expect("Key (a number, or type it): ")
    terminal.type("Payroll export")
    assert "Name              Payroll export" in terminal.ends()


def test_flags_before_the_question_count(sandbox: Account) -> None:
    del sandbox.shell.environ["ASTALTY_PROFILE"]
    terminal = Terminal(sandbox.shell, "keys show --fields name -p sandbox")
    terminal.expect("Key (a number, or type it): ")
    terminal.type("Payroll export")
    assert "Payroll export" in terminal.ends()


def test_each_missing_argument_is_asked_for(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "keys rename")
    terminal.expect("Key (a number, or type it): ")
    terminal.type("Payroll export")
    terminal.expect("New name: ")
    terminal.type("-payroll")
    terminal.ends()
    assert sandbox.shell("keys show -- -payroll --query name", code=2)
    assert "-payroll" in sandbox.shell("keys list --fields name").out.split()


def test_an_entry_is_picked_from_the_latest(sandbox: Account) -> None:
    sandbox.shell("api participants")
    terminal = Terminal(sandbox.shell, "history show", columns=120, env={"ASTALTY_PAGER": "cat"})
    terminal.expect("ID (a number, or type it): ")
    assert "200  GET /public/v1/participants" in terminal.shown
    terminal.type("1")
    terminal.ends()
    assert "/public/v1/participants" in terminal.raw.rpartition("type it): ")[2]


def test_what_is_typed_is_checked_as_an_argument_is(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "keys create")
    terminal.expect("Name: ")
    terminal.type("n" * 101)
    assert "a name has 1 to 100 characters" in terminal.ends(2)


@pytest.mark.parametrize("typed", ["", "\x04"])
def test_no_answer_is_the_usage_error(sandbox: Account, typed: str) -> None:
    terminal = Terminal(sandbox.shell, "keys create")
    terminal.expect("Name: ")
    if typed:
        terminal.child.sendeof()
    else:
        terminal.type(typed)
    assert "Missing argument 'NAME'." in terminal.ends(2)


def test_ctrl_c_at_the_question_ends_it(sandbox: Account) -> None:
    before = sandbox.shell("keys list --fields id,rotation").out
    terminal = Terminal(sandbox.shell, "keys rotate")
    terminal.expect("(a number, or type it): ")
    terminal.interrupt()
    terminal.ends(130)
    assert sandbox.shell("keys list --fields id,rotation").out == before


@pytest.mark.parametrize(
    "line",
    ["keys create", "keys show", "keys rename ci", "keys rotate", "keys revoke", "history show", "api",
     "history export", "endpoints show GET", "auth switch", "completion", "auth exec"],
)  # fmt: skip
def test_without_a_terminal_it_is_exit_2_before_any_call(sandbox: Account, line: str) -> None:
    refused = sandbox.shell(line, code=2)
    assert "Missing argument" in refused.err
    assert refused.out == ""


def test_another_mistake_is_said_before_anything_is_asked(shell: Shell) -> None:
    assert "No such option: --nonsense" in Terminal(shell, "keys show --nonsense").ends(2)


def test_a_hostile_name_in_the_list_is_made_visible(sandbox: Account) -> None:
    sandbox.shell("keys create 'a\\u202eb[/x]' --plain".replace("\\u202e", "\u202e"))
    terminal = Terminal(sandbox.shell, "keys show", columns=100)
    terminal.expect("(a number, or type it): ")
    assert r"a\u202eb[/x]" in terminal.shown
    terminal.interrupt()
    terminal.ends(130)
