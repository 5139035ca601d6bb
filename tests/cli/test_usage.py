"""A command line that cannot be understood: one line of what is wrong, one of where to look."""

import pytest

from tests.support.shell import Shell


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("keys list --status", "Option '--status' requires an argument.", "See: astalty keys list --help"),
        ("history ls -L", "Option '-L' requires an argument.", "See: astalty history ls --help"),
        ("keys lst", "No such command 'lst'. Did you mean 'list'?", "See: astalty keys --help"),
        ("login", "No such command 'login'. Did you mean 'auth login'?", "See: astalty --help"),
        ("keys sync", "No such command 'sync'. Did you mean 'history sync'?", "See: astalty keys --help"),
        ("help", "No such command 'help'.", "See: astalty --help"),
        (
            "ls",
            "No such command 'ls'. Did you mean 'keys ls' or 'history ls' or 'endpoints ls'?",
            "See: astalty --help",
        ),
        (
            "keys rotate x --grcae 1h",
            "No such option: --grcae. Did you mean '--grace'?",
            "See: astalty keys rotate --help",
        ),
        ("keys list --nonsense", "No such option: --nonsense.", "See: astalty keys list --help"),
        ("--versoin", "No such option: --versoin. Did you mean '--version'?", "See: astalty --help"),
        ("--jsn", "No such option: --jsn.", "See: astalty --help"),
        (
            "--fields id keys list",
            "No such option: --fields.",
            "Flags stand after the command: astalty COMMAND --fields",
        ),
        (
            "keys -pwork list",
            "No such option: -p.",
            "Flags stand after the command: astalty keys COMMAND -p",
        ),
    ],
)
def test_what_is_wrong_and_where_to_look(shell: Shell, line: str, message: str, hint: str) -> None:
    assert shell(line, code=2).err == f"astalty: {message}\n{hint}\n"
