"""The installed command with the most memory that it had, and an end to what it may take."""

import json
import subprocess
import sys
from pathlib import Path

from tests.support.shell import ASTALTY, Result, Shell

# A small process of its own: what a child has had counts from its parent's memory on.
_LAUNCHER = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open(sys.argv[1], "w").write(json.dumps([code, peak]))
"""


def measured(shell: Shell, line: str, env: dict[str, str], *, timeout: float = 60) -> tuple[Result, float]:
    """Run `astalty LINE`; return what came of it, and the most MiB that the process had."""
    report = Path(shell.home, "measured.json")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, report, ASTALTY, *line.split()],
        capture_output=True,
        env={**shell.environ, **env},
        cwd=shell.home,
        timeout=timeout,
        check=True,
    )
    code, peak = json.loads(report.read_text())
    result = Result(code, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in result.err, result.err[-2000:]
    return result, peak / 1024
