"""`astalty sandbox tour`: the main job, command by command, on a sandbox that is gone afterwards.

Each command is run by the program itself, in this process, with its real output; what is printed above
it is what a user would type.
"""

import io
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from astalty_cli.base import shell_words
from astalty_cli.base.errors import AstaltyError
from astalty_cli.base.vocabulary import API_KEY
from astalty_cli.cli.options import takes
from astalty_cli.context import Context, require_sandbox
from astalty_cli.output.streams import Streams
from astalty_cli.program import Folders, Program


@takes()
def tour(context: Context) -> None:
    require_sandbox()
    Tour(context.program).run()


@dataclass
class Tour:
    """Plays the commands on the streams of `program`, with folders and an environment of its own."""

    program: Program

    def run(self) -> None:
        """Raises AstaltyError if a command does not end as it should."""
        with tempfile.TemporaryDirectory(prefix="astalty-tour-") as folder:
            self._environ = {
                **{name: value for name, value in self.program.environ.items() if "ASTALTY" not in name},
                "ASTALTY_PROFILE": "sandbox",
                "LINES": "9999",  # no pager: the tour is one text
            }
            self._folders = Folders(*(Path(folder) / name for name in ("config", "data", "cache")))
            self._play()

    def _play(self) -> None:
        self._say("# A sandbox of your own: the same API, with its own data, gone after this tour.")
        self._say("$ export ASTALTY_PROFILE=sandbox")
        self._say("\n# Create a key. Its secret is shown once, so it goes straight into a variable.")
        secret = self._captured("KEY", "keys create tour --plain")
        self._shown("keys list")
        self._say("\n# Use the new key.")
        self._shown("api participants?page[size]=1", secret=secret)
        self._say("\n# Every request is in the history, these too.")
        self._shown("history list -L 6")
        entry = self._captured("ID", "history list --key tour -L 1 --query [0].id")
        self._shown("history show $ID", id=entry)
        self._say("\n# Rotate: the old secret is set to expire once the new one is verified.")
        renewed = self._captured("KEY", "keys rotate tour --grace 1h --plain")
        self._shown("keys show tour")
        self._say("\n# Revoke: both secrets stop at once.")
        self._shown("keys revoke tour --yes")
        self._shown("api participants", secret=renewed, ends_with=4)
        self._say("\n# That was all of it. Your own sandbox: astalty keys list -p sandbox")

    def _shown(self, line: str, *, secret: str = "", id: str = "", ends_with: int = 0) -> None:  # noqa: A002
        typed = f"astalty {_quoted(line)}"
        self._say(f"\n$ ASTALTY_API_KEY=$KEY {typed}" if secret else f"\n$ {typed}")
        self._run(line.replace("$ID", id), self.program.streams, secret, ends_with)

    def _captured(self, variable: str, line: str) -> str:
        """Run a command as a shell's `$( )` does: stdout is a value, stderr is for the user."""
        self._say(f"\n$ {variable}=$(astalty {_quoted(line)})")
        value = io.StringIO()
        self._run(line, replace(self.program.streams, stdout=value), "", 0)
        return value.getvalue().strip()

    def _run(self, line: str, streams: Streams, secret: str, ends_with: int) -> None:
        environ = {**self._environ, **({API_KEY: secret} if secret else {})}
        streams = replace(streams, environ=environ)
        code = self.program.run(
            Program(line.split(), streams, environ, self.program.run, lambda: self._folders)
        )
        streams.stderr.flush()
        if code != ends_with:
            raise AstaltyError(f"The tour stopped: `astalty {line}` ended with {code}, not {ends_with}.")

    def _say(self, line: str) -> None:
        self.program.streams.stdout.write(f"{line}\n")
        self.program.streams.stdout.flush()


def _quoted(line: str) -> str:
    return " ".join(word if word.startswith("$") else shell_words.quoted(word) for word in line.split())
