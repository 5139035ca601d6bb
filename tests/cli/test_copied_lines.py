"""Lines to copy from hints: what the service, a path or a name has in them stays one word in every shell."""

import re
import shutil
import subprocess

import pytest

from astalty_cli.base.shell_words import quoted
from tests.support.accounts import Account
from tests.support.check_ups import CURRENT, answering_by_call, examined
from tests.support.hostile import ACCOUNT, CANARY, KEY, one
from tests.support.shell import Shell

EVIL = "x;touch${IFS}PWNED;#"
SHELLS = {"bash": "bash --norc -c", "zsh": "zsh -fc", "fish": "fish --no-config -c"}


def words_of(hint: str, shell: Shell, begins: str) -> list[str]:
    """The words that each shell makes of the command line in a hint; all make the same."""
    line = next(line for line in hint.splitlines() if begins in line)
    line = line[line.index(begins) :]
    found = []
    for name, command in SHELLS.items():
        if shutil.which(name):
            done = subprocess.run(
                [*command.split(), f"printf '%s\\n' {line}"],
                capture_output=True,
                cwd=shell.home,
                text=True,
                check=True,
            )
            found.append(done.stdout.splitlines())
    assert not (shell.home / "PWNED").exists()
    assert all(each == found[0] for each in found)
    return found[0]


@pytest.mark.parametrize("key_id", [EVIL, "it's !x", "--to=exec:touch PWNED"])
def test_the_id_of_a_key(shell: Shell, key_id: str) -> None:
    old = {"created_at": "2020-11-20T05:33:52.000000Z", "last_four": CANARY[-4:]}
    key = {**KEY, **old, "id": key_id, "account": ACCOUNT}
    with answering_by_call({CURRENT: ("200 OK", {}, one(key))}) as (_, env):
        hint = examined(shell, env=env)["account"]["hint"]
    expected = ["--", key_id] if key_id.startswith("-") else [key_id]
    assert words_of(hint, shell, "astalty") == ["astalty", "keys", "rotate", *expected]


def test_a_path_of_this_machine(shell: Shell) -> None:
    folder = shell.home / EVIL
    env = {"XDG_CONFIG_HOME": str(folder)}
    (folder / "astalty").mkdir(parents=True)
    (folder / "astalty" / "config.toml").touch(0o644)
    said = shell("auth status", code=2, env=env).err
    assert words_of(said, shell, "chmod") == ["chmod", "600", f"{folder}/astalty/config.toml"]


@pytest.mark.parametrize("name", [EVIL, "it's !!", "$(touch PWNED)", "\\';touch PWNED;'"])
def test_what_was_typed_is_told_again_as_it_was_meant(shell: Shell, name: str) -> None:
    said = shell(f"keys create {quoted(name)} --plain", code=4).err
    assert words_of(said, shell, "astalty keys") == [
        *("astalty", "keys", "create", name, "--plain", "-p", "sandbox")
    ]


def test_the_file_of_a_database(shell: Shell) -> None:
    said = shell(f"sandbox seed --entries 1 --database '{EVIL}'").err
    assert words_of(said, shell, "astalty sandbox")[-1] == EVIL


def test_no_line_has_a_character_that_a_terminal_obeys(sandbox: Account) -> None:
    said = sandbox.shell("keys create 'a\x1b[31m\nb' --nonsense", code=2).err
    assert re.search(r"[\x00-\x09\x0b-\x1f]", said) is None
