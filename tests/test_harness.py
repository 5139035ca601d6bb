"""Whether what the tests stand on holds."""

import sys
from pathlib import Path

import pexpect
import pytest

from astalty_cli.api.http import Connection, Http
from astalty_cli.base.errors import ServiceError
from tests.support.clock import Clock, wait_by

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


def test_a_wait_for_the_service_moves_the_clock_and_uses_up_the_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    wait_by(clock, monkeypatch.setattr)
    client = Http(Connection("http://127.0.0.1:1", timeout=3600))
    client.pause(3000, "the test")
    assert clock.waited == 3000
    with pytest.raises(ServiceError, match="no time left to wait 3000 s"):
        client.pause(3000, "the test")
