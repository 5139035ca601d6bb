"""Words for a shell: what real shells make of them, from a script and typed."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astalty_cli.base.shell_words import command, quoted

SHELLS = {
    "bash": ["bash", "--norc", "--noprofile"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
}
PRINTABLE = [
    "",
    "plain",
    "9ee9dc30-c869-4fb5-9871-b32850e68cad",
    "two words",
    "x;touch${IFS}PWNED;#",
    "$(touch PWNED)`touch PWNED`",
    "deploy !#;touch PWNED; #",
    "!! !$ !touch ^touch^PWNED",
    "it's",
    "'",
    "''",
    "\\",
    "\\'; touch PWNED; '",
    "trailing\\",
    'say "hi" !"',
    "~",
    "~root",
    "=ls",
    "%self",
    "#no comment",
    "{a,b} *?[x] <(touch PWNED) | & > ( )",
    "##[error]x",
    "page[size]=1",
    "日本 é",
]
UNPRINTABLE = [
    "line\nbreak",
    "tab\there",
    "a\nb'; touch PWNED; '",
    "\x1b[31m!red\\",
    "\r",
    "\u202eabc",
]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return SHELLS[request.param]


def understood(shell: list[str], words: list[str], folder: Path) -> list[str]:
    line = "printf '%s\\0' " + " ".join(quoted(word) for word in words)
    done = subprocess.run([*shell, "-c", line], capture_output=True, cwd=folder, check=True)
    return done.stdout.decode().split("\0")[:-1]


def test_every_shell_takes_a_printable_word_for_itself(shell: list[str], tmp_path: Path) -> None:
    assert understood(shell, PRINTABLE, tmp_path) == PRINTABLE
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_printed_is_spelled_and_runs_nothing(shell: list[str], tmp_path: Path) -> None:
    assert all(quoted(word).isprintable() and quoted(word).isascii() for word in UNPRINTABLE)
    if shell[0] == "fish":
        for word in UNPRINTABLE:
            refused = subprocess.run(
                [*shell, "-c", f"echo {quoted(word)}"], capture_output=True, cwd=tmp_path, check=False
            )
            assert (refused.stdout, b"fish: " in refused.stderr) == (b"", True)
    else:
        assert understood(shell, UNPRINTABLE, tmp_path) == UNPRINTABLE
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=15, deadline=None)
@given(words=st.lists(st.text("ab !'\"\\$`;&|()[]{}<>*?#~=%^-\n日\x1b"), min_size=1, max_size=40))
def test_bash_and_python_read_any_words_back(words: list[str]) -> None:
    assert understood(SHELLS["bash"], words, Path("/")) == words
    printable = [word for word in words if word.isprintable()]
    assert shlex.split(" ".join(map(quoted, printable))) == printable


@pytest.fixture
def typed(shell: list[str], tmp_path: Path) -> Iterator[Any]:
    child = pexpect.spawn(
        shell[0],
        [*shell[1:], "-i"],
        cwd=str(tmp_path),
        encoding="utf-8",
        dimensions=(50, 400),
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "xterm", "LANG": "C.UTF-8"},
        timeout=30,
    )
    yield child
    child.close(force=True)


def test_a_line_that_is_typed_means_the_same(typed: Any, tmp_path: Path) -> None:
    words = [word for word in PRINTABLE if word]
    typed.sendline("touch first; printf '%s%s\\n' rea dy")  # the history is not empty
    typed.expect_exact("ready\r\n")
    for word in words:
        typed.sendline(f"printf '%s\\0' {quoted(word)} >> words")
    typed.sendline("printf '%s%s\\n' do ne")
    typed.expect_exact("done\r\n")
    assert (tmp_path / "words").read_text().split("\0")[:-1] == words
    assert not (tmp_path / "PWNED").exists()


def test_an_argument_is_never_an_option() -> None:
    assert command("astalty keys show", "9ee9dc30") == "astalty keys show 9ee9dc30"
    assert command("astalty keys revoke --yes", "a b", "--all") == "astalty keys revoke --yes -- 'a b' --all"
