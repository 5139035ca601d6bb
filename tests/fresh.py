"""What a fresh interpreter has loaded when a command line has been run."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

_RUN = """
import os, sys
os.environ.update({environ!r})
sys.argv = ["astalty", *{words!r}]
from astalty_cli.__main__ import entry
try:
    entry()
except SystemExit:
    pass
sys.stderr.write("\\n" + " ".join(sys.modules))
"""


def loaded(words: Sequence[str], environ: Mapping[str, str] | None = None) -> set[str]:
    """The names of the modules. What the command says itself is not looked at."""
    code = _RUN.format(words=list(words), environ=dict(environ or {}))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stderr.rpartition("\n")[2].split())
    assert "astalty_cli" in modules, done.stderr
    return modules
