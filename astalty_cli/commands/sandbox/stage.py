"""Where a tour plays: commands run by the program itself, with folders and an environment of their own.

What is printed above a command's real output is what a user would type.
"""

import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from astalty_cli.base import shell_words
from astalty_cli.base.errors import AstaltyError, InterruptedByUser
from astalty_cli.base.vocabulary import API_KEY
from astalty_cli.output.streams import Streams
from astalty_cli.program import Folders, Program

_WIDTH = 80


@dataclass(frozen=True)
class Stage:
    """`folder` is gone afterwards. `values` are the shell's variables, by their names with the `$`."""

    program: Program
    folder: Path
    environ: Mapping[str, str] = field(repr=False)
    values: dict[str, str] = field(default_factory=dict, repr=False)

    def say(self, line: str) -> None:
        self.program.streams.stdout.write(f"{line}\n")
        self.program.streams.stdout.flush()

    def show(self, line: str, *, key: str = "", stdin: str = "", ends_with: int = 0) -> None:
        """Run a command; `key` and `stdin` are variables, for the key in force and for a line on stdin.

        Raises AstaltyError if it doesn't end as it should.
        """
        with_key = f"{API_KEY}={key} " if key else ""
        with_stdin = f'echo "{stdin}" | ' if stdin else ""
        self.say("\n" + _folded(f"$ {with_key}{with_stdin}astalty {_quoted(line)}"))
        streams = self.program.streams
        if stdin:
            streams = replace(streams, stdin=io.StringIO(f"{self.values[stdin]}\n"))
        self._run(line, streams, self.values[key] if key else "", ends_with)

    def capture(self, variable: str, line: str) -> None:
        """Run a command as a shell's `$( )` does: stdout is a value, stderr is for the user."""
        self.say(f"\n$ {variable}=$(astalty {_quoted(line)})")
        value = io.StringIO()
        self._run(line, replace(self.program.streams, stdout=value), "", 0)
        self.values[f"${variable}"] = value.getvalue().strip()

    def _run(self, line: str, streams: Streams, secret: str, ends_with: int) -> None:
        environ = {**self.environ, **({API_KEY: secret} if secret else {})}
        streams = replace(streams, environ=environ)
        folders = Folders(*(self.folder / name for name in ("config", "data", "cache")))
        words = [self._filled(word) for word in line.split()]
        code = self.program.run(Program(words, streams, environ, self.program.run, lambda: folders))
        streams.stderr.flush()
        if code == InterruptedByUser.exit_code:
            raise InterruptedByUser("The tour was interrupted.")
        if code != ends_with:
            raise AstaltyError(f"The tour stopped: `astalty {line}` ended with {code}, not {ends_with}.")

    def _filled(self, word: str) -> str:
        for name, value in self.values.items():
            word = word.replace(name, value)
        return word


@contextmanager
def temporary_stage(program: Program, **environ: str) -> Iterator[Stage]:
    """A stage on the streams of `program`. It sees no setting of the user's for this program."""
    with tempfile.TemporaryDirectory(prefix="astalty-tour-") as folder:
        others = {name: value for name, value in program.environ.items() if "ASTALTY" not in name}
        unpaged = {"LINES": "9999"}  # no pager: the tour is one text
        yield Stage(program, Path(folder), others | unpaged | environ)


def _quoted(line: str) -> str:
    return " ".join(word if "$" in word else shell_words.quoted(word) for word in line.split())


def _folded(line: str) -> str:
    """Wrap a long command before an option, so that it can still be copied and pasted."""
    lines = [""]
    for part in re.split(r" (?=--)", line):
        if len(lines[-1]) + len(part) > _WIDTH - len("  \\"):
            lines.append("   ")
        lines[-1] += f" {part}"
    return " \\\n".join(lines).strip()
