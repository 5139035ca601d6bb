"""`astalty sandbox tour --by-hand`: a rotation as on a real account, with nobody there to type."""

import re
from pathlib import Path

import pytest

from tests.support.shell import Shell
from tests.support.terminal import Terminal

SECRET = re.compile(r"astalty_[0-9A-Za-z]{46}")
STEPS = (
    "ON THE PAGE: Manage Keys → Create API Key",
    "astalty auth login --with-token",
    "Signed in to http://127.0.0.1:",
    "astalty keys create payroll --with-token",
    "Verified: it belongs to the same account.",
    "Created 'payroll'",
    "astalty keys rotate payroll --with-token",
    "Delete the old key after",
    "Delete        payroll\n",
    "astalty keys recover --yes",
    "Verified: the old key of 'payroll'",
    "does not accept this key",
    "astalty keys show payroll",
    "That was all of it.",
)


@pytest.fixture
def folder(shell: Shell) -> Path:
    """Where it may leave something behind."""
    folder = shell.home / "temporary"
    folder.mkdir()
    shell.environ["TMPDIR"] = str(folder)
    return folder


def files(shell: Shell) -> list[Path]:
    return [path for path in shell.home.rglob("*") if path.is_file()]


def played(shell: Shell, **env: str) -> Terminal:
    terminal = Terminal(shell, "sandbox tour --by-hand", lines=300, env=env, hurried=True)
    terminal.ends()
    return terminal


def test_each_step_is_shown_in_its_order(shell: Shell, folder: Path) -> None:
    printed = played(shell).shown
    at = 0
    for step in STEPS:
        at = printed.find(step, at)
        assert at >= 0, f"{step}\n{printed}"
    assert not SECRET.search(printed)
    assert list(folder.iterdir()) == []
    assert files(shell) == []


def test_it_needs_no_terminal_and_none_of_the_users_settings(shell: Shell, folder: Path) -> None:
    env = {
        "ASTALTY_API_KEY": "not-a-key",
        "ASTALTY_BASE_URL": "http://127.0.0.1:1",
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }
    done = shell("sandbox tour --by-hand", env=env)
    assert "That was all of it." in done.out
    assert "\x1b" not in done.out + done.err
    assert not SECRET.search(done.out + done.err)
    assert list(folder.iterdir()) == []
    assert files(shell) == []


def test_on_80_columns_no_line_is_broken_by_the_terminal(shell: Shell) -> None:
    terminal = played(shell, NO_COLOR="1", TMPDIR="/tmp")  # a user's path is short
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.raw)
    long = [line for line in terminal.raw.splitlines() if len(line) > 80]
    assert long == []


def test_what_is_shown_can_be_pasted(shell: Shell, folder: Path) -> None:
    lines = played(shell).shown.splitlines()
    at = next(number for number, line in enumerate(lines) if "keys rotate payroll" in line)
    assert lines[at].endswith("\\")
    assert lines[at + 1].strip().startswith("--to dotenv:$DIR/.env#")


def test_ctrl_c_leaves_nothing_behind(shell: Shell, folder: Path) -> None:
    terminal = Terminal(shell, "sandbox tour --by-hand", lines=300)
    terminal.expect("astalty keys recover --yes")
    terminal.interrupt()
    terminal.ends(130)
    assert list(folder.iterdir()) == []
    assert files(shell) == []
