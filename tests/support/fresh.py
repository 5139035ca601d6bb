"""What a fresh interpreter has loaded when a command line has been run."""

import shlex
import subprocess
import sys
from collections.abc import Mapping

from tests.support.shell import Shell

_RUN = """
import sys
from astalty_cli.__main__ import entry
try:
    entry()
finally:
    sys.stderr.write("\\n" + " ".join(sys.modules))
"""


def loaded(shell: Shell, line: str, *, code: int = 0, env: Mapping[str, str] | None = None) -> set[str]:
    """The names of the modules. Insists on the exit code: what ends early has loaded little."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *shlex.split(line)],
        env={**shell.environ, **(env or {})},
        cwd=shell.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return set(done.stderr.rpartition("\n")[2].split())
