"""What is in memory stays off the disk, whatever ends the process, and a hand-over is not cut short by it."""

import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.open_operations import ROTATE, Faulty, make, works
from tests.support.shell import ASTALTY, Shell
from tests.support.spoilt import Fault

ENDING = [signal.SIGQUIT, signal.SIGABRT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM]


def start(shell: Shell, line: str, limit: str = "$(ulimit -Hc)") -> subprocess.Popen[str]:
    """Run a command that may leave core files up to the limit."""
    return subprocess.Popen(
        ["bash", "-c", f'ulimit -Sc {limit}; exec "$@"', "bash", ASTALTY, *shlex.split(line)],
        env=shell.environ, cwd=shell.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def cores(shell: Shell) -> list[Path]:
    return [path for path in shell.home.iterdir() if path.name.startswith("core")]


@pytest.mark.parametrize("sent", ENDING)
def test_a_signal_that_would_dump_core_waits_for_the_hand_over(faulty: Faulty, sent: signal.Signals) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    running: list[subprocess.Popen[str]] = []
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: running[0].send_signal(sent)))
    running.append(start(account.shell, "keys rotate ci --plain --grace 0 --yes"))
    out, err = running[0].communicate(timeout=60)
    assert running[0].returncode == 7, err
    assert "stopping once this step is done" in err
    assert works(account, out.strip())
    assert works(account, old)
    assert cores(account.shell) == []


def test_ctrl_z_waits_for_the_hand_over(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    running: list[subprocess.Popen[str]] = []
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: running[0].send_signal(signal.SIGTSTP)))
    running.append(start(account.shell, "keys rotate ci --plain --grace 0 --yes"))
    assert running[0].stdout is not None
    secret = running[0].stdout.readline().strip()
    os.waitid(os.P_PID, running[0].pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    running[0].send_signal(signal.SIGCONT)
    err = running[0].communicate(timeout=60)[1]
    assert running[0].returncode == 0, err
    assert works(account, secret)


@pytest.mark.parametrize("sent", [signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV])
def test_no_core_file_is_left_while_a_key_is_in_memory(faulty: Faulty, sent: signal.Signals) -> None:
    account, spoilt = faulty
    running: list[subprocess.Popen[str]] = []
    spoilt.faults.append(Fault("GET /api-keys", "", first=lambda: running[0].send_signal(sent)))
    running.append(start(account.shell, "keys list"))
    running[0].communicate(timeout=60)
    assert running[0].returncode == (130 if sent is signal.SIGQUIT else -sent)
    assert cores(account.shell) == []


def test_a_program_that_is_run_has_its_own_limit_again(faulty: Faulty) -> None:
    account, _ = faulty
    process = start(account.shell, "auth exec -- bash -c 'ulimit -Sc'", limit="8")
    assert process.communicate(timeout=60)[0] == "8\n"
