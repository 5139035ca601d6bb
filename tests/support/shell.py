"""The installed command, typed as a user types it, with a home of its own (see `warm.py`)."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import get_ident
from typing import Any

from tests.support.warm import Warm

ASTALTY = Path(sys.executable).with_name("astalty")


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[list[str]]:
        return [line.split("\t") for line in self.out.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """The one JSON object on stderr, which is all that is there."""
        error: dict[str, Any] = json.loads(self.err)["error"]
        return error


class Shell:
    """Runs command lines in a fresh home, and keeps all that was ever printed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {
            "HOME": str(home),
            "PATH": f"{ASTALTY.parent}{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }
        self.printed: list[Result] = []

    @property
    def config(self) -> Path:
        return self.home / ".config" / "astalty"

    @property
    def sandbox_folder(self) -> Path:
        return self.home / ".local" / "share" / "astalty" / "sandbox"

    def __call__(
        self,
        line: str,
        *,
        code: int = 0,
        stdin: str | bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run `astalty LINE` without a terminal, and insist on its exit code."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        result = self._run(shlex.split(line), given, {**self.environ, **(env or {})})
        self.printed.append(result)
        told = f"astalty {line}\nexit {result.code}\n-- stdout\n{result.out}\n-- stderr\n{result.err}"
        assert result.code == code, told
        assert "Traceback" not in result.err, told
        return result

    def _run(self, words: list[str], given: bytes, environ: Mapping[str, str]) -> Result:
        if _needs_its_own_start(environ):
            done = subprocess.run(
                [ASTALTY, *words],
                input=given,
                capture_output=True,
                env=environ,
                cwd=self.home,
                timeout=60,
                check=False,
            )
            return Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        with TemporaryFile() as stdin, TemporaryFile() as stdout, TemporaryFile() as stderr:
            stdin.write(given)
            stdin.seek(0)
            try:
                code = _warm(get_ident()).run(words, environ, self.home, (stdin, stdout, stderr), timeout=60)
            except TimeoutError:
                _warm.cache_clear()  # its answer would be taken for that of a later command
                raise
            for stream in (stdout, stderr):
                stream.seek(0)
            return Result(code, stdout.read().decode(), stderr.read().decode())


@cache
def _warm(_thread: int) -> Warm:
    """One for each thread: what a server in a thread of the test runs meanwhile is a second command."""
    return Warm()


def _needs_its_own_start(environ: Mapping[str, str]) -> bool:
    """Whether something in it is for the interpreter, which reads it when it starts."""
    at_start = environ.get("LANG") != "C.UTF-8" or any(
        name.startswith(("PYTHON", "LC_", "COVERAGE")) for name in environ
    )
    return at_start or "ASTALTY_TESTS_COLD" in environ or "ASTALTY_TESTS_COLD" in os.environ
