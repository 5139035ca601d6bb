"""The three streams, and what they can do: terminal or not, colour, size, a CI runner that listens."""

import os
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(frozen=True)
class Streams:
    """stdin, stdout and stderr with the environment's word on them (`NO_COLOR`, `COLUMNS`, …)."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str] = field(repr=False)  # it may hold a key

    @property
    def stdout_is_terminal(self) -> bool:
        return self.stdout.isatty()

    @property
    def can_ask(self) -> bool:
        return self.stdin.isatty() and self.stderr.isatty()

    @property
    def runs_workflow_commands(self) -> bool:
        """A GitHub Actions runner reads the output and obeys lines that start with `::` or `##[`."""
        return "GITHUB_ACTIONS" in self.environ

    @property
    def colour(self) -> bool:
        return self.colour_and_reason[0]

    @property
    def colour_and_reason(self) -> tuple[bool, str]:
        """https://no-color.org, then https://bixense.com/clicolors, then whether it is a terminal."""
        if self.environ.get("NO_COLOR"):
            return False, "NO_COLOR is set"
        if self.environ.get("CLICOLOR_FORCE", "0") != "0":
            return True, "CLICOLOR_FORCE is set"
        if self.environ.get("TERM") == "dumb":
            return False, "TERM is dumb"
        return self.stdout_is_terminal, f"stdout is {'a' if self.stdout_is_terminal else 'no'} terminal"

    @property
    def width(self) -> int:
        """Columns of stdout: `COLUMNS`, else the terminal's, else 80."""
        return self._size("COLUMNS", self.stdout, 0, 80)

    @property
    def height(self) -> int:
        """Lines of stdout: `LINES`, else the terminal's, else 24."""
        return self._size("LINES", self.stdout, 1, 24)

    def _size(self, variable: str, stream: TextIO, index: int, default: int) -> int:
        named = self.environ.get(variable, "")
        if named.isascii() and named.isdigit() and 0 < int(named) < 10_000:
            return int(named)
        try:
            return os.get_terminal_size(stream.fileno())[index] or default
        except (OSError, ValueError):
            return default

    def overflows(self, text: str) -> bool:
        """Whether text is taller than the terminal that it would be printed on."""
        return self.stdout_is_terminal and text.count("\n") >= self.height

    def folded(self, text: str) -> str:
        """Break what is said at words; a terminal would break it anywhere."""
        if not self.stderr.isatty():
            return text
        width = self._size("COLUMNS", self.stderr, 0, 80)
        return "\n".join(
            textwrap.fill(
                line,
                width,
                subsequent_indent=line[: len(line) - len(line.lstrip())],
                break_long_words=False,
                break_on_hyphens=False,
            )
            if len(line) > width
            else line
            for line in text.split("\n")
        )
