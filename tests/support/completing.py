"""Interactive shells on a pty, with astalty's completion: what is typed, and what has become of the line."""

import re
from typing import Any

import pexpect

from tests.support.shell import Shell

TAB, HOME, ENTER = "\t", "\x01", "\r"
_START = {
    "bash": ("bash", ["--norc", "--noprofile", "-i"], 'eval "$(astalty completion bash)"'),
    "zsh": (
        "zsh",
        ["-f", "-i"],
        'autoload -U compinit && compinit -u -D && eval "$(astalty completion zsh)"',
    ),
    "fish": ("fish", ["--no-config", "-i"], "astalty completion fish | source"),
}
SHELLS = tuple(_START)
_ESCAPES = re.compile(
    r"\x1b(\[[0-9;?>=]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[()][A-Z0-9]|[=>])|[\r\x07\x08]"
)


class Interactive:
    """A shell that somebody types into, at a terminal wide enough that nothing folds."""

    def __init__(self, shell: Shell, name: str) -> None:
        self.name = name
        program, words, load = _START[name]
        environ: Any = {**shell.environ, "TERM": "xterm", "PS1": "$ ", "fish_greeting": ""}
        self._child = pexpect.spawn(
            program,
            words,
            env=environ,
            cwd=str(shell.home),
            encoding="utf-8",
            dimensions=(50, 200),
            timeout=30,
        )
        self._child.sendline(f"{load}; printf '%s%s\\n' rea dy")
        self._child.expect_exact("ready\r\n")

    def words(self, typed: str) -> list[str]:
        """The words that the shell would run after `typed`, in which a tab asks for completion."""
        self._child.send(typed + HOME + "printf '<%s>\\n' " + ENTER + f"printf '%s%s\\n' do ne{ENTER}")
        self._child.expect_exact("done\r\n")
        plain = _ESCAPES.sub("", self._child.before or "")
        return re.findall(r"^<(.*)>$", plain, re.MULTILINE)

    def offers(self, typed: str, *words: str) -> None:
        """Wait until all of the words are shown, in this order, after `typed` and tabs."""
        self._child.send(typed + TAB + TAB)
        for word in words:
            self._child.expect_exact(word)

    def close(self) -> None:
        self._child.close(force=True)
