"""Whether the tests keep to themselves what they do."""

import sys
from pathlib import Path

import pexpect

ROOT = Path(__file__).parents[1]
TEST = "tests/cli/test_output.py::test_a_full_disk_is_no_success"


def test_no_secret_is_shown_to_who_runs_the_tests() -> None:
    """The command that this test runs shows a secret on its terminal, if it has one."""
    arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", TEST]
    with pexpect.spawn(sys.executable, arguments, cwd=str(ROOT), encoding="utf-8", timeout=100) as running:
        running.expect(pexpect.EOF)
        code = running.wait()
    shown = str(running.before)
    assert code == 0, shown
    assert "1 passed" in shown
    assert "The secret of" not in shown
