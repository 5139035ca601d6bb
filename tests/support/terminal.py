"""A real terminal: the installed command on a pty, its screen kept by pyte."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pexpect
import pyte

from tests.support.shell import ASTALTY, Shell

_HURRIED = f"{sys.executable} {Path(__file__).with_name('hurried.py')}"


class Terminal:
    """Types into the command and reads the screen, as somebody who sits in front of it does.

    `hurried`: it waits for the service in no time.
    """

    def __init__(
        self,
        shell: Shell,
        line: str,
        *,
        columns: int = 80,
        lines: int = 40,
        env: Mapping[str, str] | None = None,
        hurried: bool = False,
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000)
        self._stream = pyte.Stream(self.screen)
        self._raw: list[str] = []
        environ: Any = {**shell.environ, "TERM": "xterm-256color", **(env or {})}
        self.child = pexpect.spawn(
            f"{_HURRIED if hurried else ASTALTY} {line}",
            env=environ,
            cwd=str(shell.home),
            encoding="utf-8",
            dimensions=(lines, columns),
            timeout=30,
        )
        self.child.logfile_read = self

    def write(self, text: str) -> None:
        self._raw.append(text)
        self._stream.feed(text)

    def flush(self) -> None:
        pass

    @property
    def raw(self) -> str:
        """All bytes that the terminal was sent."""
        return "".join(self._raw)

    @property
    def shown(self) -> str:
        """The lines on the screen, without the space at their ends."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    def expect(self, text: str) -> None:
        self.child.expect_exact(text)

    def type(self, text: str) -> None:
        self.child.sendline(text)

    def interrupt(self) -> None:
        self.child.sendintr()

    def ends(self, code: int = 0) -> str:
        """Wait for the end, insist on the exit code, and return the screen."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        assert self.child.exitstatus == code, self.shown
        return self.shown
