"""Questions, signals and streams: what a person does while a secret is on its way."""

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.open_operations import (
    CREATE,
    EXPIRE,
    FOR_GOOD,
    ROTATE,
    Faulty,
    is_open,
    key,
    lost,
    make,
    works,
)
from tests.support.shell import ASTALTY, Shell
from tests.support.spoilt import Fault
from tests.support.terminal import Terminal


def test_recover_asks_on_a_terminal_and_shows_the_secret_there(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    terminal = Terminal(account.shell, "keys recover", columns=100)
    terminal.expect("[y/N]")
    terminal.type("y")
    shown = terminal.ends()
    assert "Copy it now: it is shown once and will not be shown again." in shown
    (secret,) = (line.strip() for line in shown.splitlines() if line.strip().startswith("astalty_"))
    assert f"Finished the rotation of 'ci' ({key(account.shell)['id']}, ends in {secret[-4:]})." in shown
    assert works(account, secret)


def test_who_says_that_the_secret_arrived_is_believed(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: spoilt.faults.append(no_proof)))
    no_proof = Fault("GET .*/current", "500 No", acts=False, times=FOR_GOOD)
    account.shell("keys rotate ci --to 'exec:tee taken' --grace 0 --yes", code=7)
    spoilt.faults.clear()
    terminal = Terminal(account.shell, "keys recover", columns=100)
    terminal.expect("[y/N]")
    terminal.type("y")
    assert "The old secret works until" in " ".join(terminal.ends().split())
    assert not any("expire" in call for call in spoilt.calls)
    assert account.shell("keys recover --json").json == []


def test_what_is_found_in_one_place_is_put_into_the_others_when_the_user_agrees(faulty: Faulty) -> None:
    account, _ = faulty
    shell = account.shell
    make(shell)
    shell("keys rotate ci --to file:new --to exec:false", code=7)
    declined = Terminal(shell, "keys recover", columns=120)
    declined.expect("[y/N]")
    declined.type("n")
    assert "save it into exec:false as well" in " ".join(declined.ends(7).split())
    failed = Terminal(shell, "keys recover", columns=120)
    failed.expect("[y/N]")
    failed.type("y")
    shown = failed.ends(7)
    assert "but not everywhere" in shown
    assert "astalty_" not in shown, "it is in a file, and needs no screen"
    assert key(shell)["rotation"] == 1


def test_a_no_leaves_it_open(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    terminal = Terminal(account.shell, "keys recover")
    terminal.expect("[y/N]")
    terminal.type("n")
    assert "is still open" in terminal.ends(7)
    assert len(is_open(account.shell)) == 1


@pytest.fixture
def running(faulty: Faulty) -> Iterator[list[subprocess.Popen[str]]]:
    """What the faults can send signals to."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(shell: Shell, line: str, running: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [ASTALTY, *line.split()],
        env=shell.environ, cwd=shell.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running.append(process)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_between_the_call_and_the_hand_over_waits(
    faulty: Faulty, running: list[subprocess.Popen[str]], sent: signal.Signals
) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: running[0].send_signal(sent)))
    process = start(account.shell, "keys rotate ci --plain --grace 0 --yes", running)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 7, err
    assert "stopping once this step is done" in err
    assert "was handed over; the old one was not set to expire" in err
    assert works(account, out.strip())
    assert works(account, old)


def test_a_created_key_is_handed_over_before_ctrl_c_is_obeyed(
    faulty: Faulty, running: list[subprocess.Popen[str]]
) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, "", first=lambda: running[0].send_signal(signal.SIGINT)))
    process = start(account.shell, "keys create ci --plain", running)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert works(account, out.strip())
    assert account.shell("keys recover --json").json == []


def test_a_second_ctrl_c_is_answered_with_the_risk_and_a_third_is_obeyed(
    faulty: Faulty, running: list[subprocess.Popen[str]]
) -> None:
    account, spoilt = faulty
    make(account.shell)

    told, ended = bytearray(), threading.Event()

    def until(words: bytes) -> None:
        """Press Ctrl-C until these words are there: one that comes while another is answered goes unheard."""
        assert running[0].stderr is not None
        pipe = running[0].stderr.fileno()
        while words not in told:
            running[0].send_signal(signal.SIGINT)
            while words not in told and select.select([pipe], [], [], 2)[0]:
                told.extend(os.read(pipe, 4096))

    def three_times() -> None:
        until(b"stopping once this step is done")
        until(b"not be saved. The next signal stops anyway")
        running[0].send_signal(signal.SIGINT)
        ended.set()

    spoilt.faults.append(Fault(ROTATE, "", first=three_times))
    process = start(account.shell, "keys rotate ci --plain", running)
    assert ended.wait(60)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (7, "")
    assert "may have a new secret" in err
    assert len(is_open(account.shell)) == 1


@pytest.mark.parametrize("call", [ROTATE, "GET .*/current", EXPIRE])
def test_a_killed_rotation_is_finished(
    faulty: Faulty, running: list[subprocess.Popen[str]], call: str
) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)

    def killed() -> None:
        os.kill(running[0].pid, signal.SIGKILL)
        running[0].wait()

    at = Fault(call, "", first=killed)
    if call == "GET .*/current":  # the second one: the proof
        spoilt.faults.append(Fault(ROTATE, "", first=lambda: spoilt.faults.append(at)))
    else:
        spoilt.faults.append(at)
    start(shell, "keys rotate ci --to file:new --grace 0 --yes", running).communicate(timeout=30)
    assert len(is_open(shell)) == 1
    shell("keys recover --yes")
    assert works(account, (shell.home / "new").read_text().strip(), days=8)
    assert not works(account, old)
    assert shell("keys recover --json").json == []


def test_two_rotations_at_once_on_one_machine(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    busy: list[str] = []

    def another() -> None:
        busy.append(shell("keys rotate ci --plain", code=5).err)
        assert shell("keys recover --json").json == [], "what is being worked on is not open"

    spoilt.faults.append(Fault(ROTATE, "", first=another))
    assert works(account, shell("keys rotate ci --plain").out.strip())
    assert "Busy: another astalty" in busy[0]


@pytest.mark.parametrize("line", ["keys create ci --plain", "keys rotate ci --plain"])
def test_a_full_stdout_loses_no_secret(faulty: Faulty, line: str) -> None:
    account, _ = faulty
    shell = account.shell
    if "rotate" in line:
        old = make(shell)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [ASTALTY, *line.split()],
            env=shell.environ, cwd=shell.home, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            start_new_session=True,
        )  # fmt: skip
    assert done.returncode == 7
    assert "could not be handed over. plain: No space left on device." in done.stderr
    if "rotate" in line:
        assert works(account, old)
    shell("keys recover --yes --to file:new")
    assert works(account, (shell.home / "new").read_text().strip(), days=8)


def test_with_a_terminal_left_a_secret_that_no_sink_took_is_shown_on_it(faulty: Faulty) -> None:
    account, _ = faulty
    terminal = Terminal(account.shell, "keys create ci --to exec:false", columns=120)
    shown = terminal.ends(7)
    assert "No destination took the new secret, so it was shown on the terminal." in shown
    secret = next(line.strip() for line in shown.splitlines() if line.strip().startswith("astalty_"))
    assert works(account, secret)
