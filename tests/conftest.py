"""Fixtures that read as a user's situation: a shell, and an account to use it on."""

import os
import shutil
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fcntl import ioctl
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support import accounts, spoilt
from tests.support.accounts import Account
from tests.support.shell import Shell
from tests.support.spoilt import Spoilt
from tests.support.stopwatch import Stopwatch

settings.register_profile("any machine", deadline=None)  # a busy one is slow, and nothing is wrong
settings.load_profile("any machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each worker begin with its share of the long tests: begun last, all would wait for one."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.get_closest_marker("timeout")]
    short = [item for item in items if not item.get_closest_marker("timeout")]
    share = -(-len(short) // workers)
    shares = (long[n::workers] + short[n * share : (n + 1) * share] for n in range(workers))
    items[:] = chain.from_iterable(shares)


@pytest.fixture(autouse=True, scope="session")
def no_terminal() -> None:
    """Let go of the controlling terminal: commands show a secret there that would otherwise be lost."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # sent to a session leader that does so
    with suppress(OSError), Path("/dev/tty").open("wb", buffering=0) as terminal:
        ioctl(terminal, termios.TIOCNOTTY)


@pytest.fixture(autouse=True, scope="session")
def interrupts_are_heard(no_terminal: None) -> None:
    """Background jobs start with SIGINT ignored, what `nohup` runs with SIGHUP: children would inherit it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A newcomer's: nothing is configured, no key is set."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home)


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    """The monotonic clock of this process, from now on."""
    clock = Stopwatch()
    monkeypatch.setattr("time.monotonic", clock)
    return clock


@pytest.fixture(params=["in process", "over HTTP"])
def account(request: pytest.FixtureRequest, shell: Shell, tmp_path: Path) -> Iterator[Account]:
    """A seeded account that `shell` is signed in to."""
    with ExitStack() as closing:
        if request.param == "in process":
            yield accounts.in_process(shell)
        else:
            yield accounts.over_http(shell, tmp_path / "served", closing)


@pytest.fixture
def sandbox(shell: Shell) -> Account:
    """The account in the process, for what does not depend on the way to it."""
    return accounts.in_process(shell)


@pytest.fixture
def faulty(shell: Shell, tmp_path: Path) -> Iterator[tuple[Account, Spoilt]]:
    """The account over HTTP, and the layer that spoils its answers."""
    with ExitStack() as closing:
        yield spoilt.account(shell, tmp_path / "served", closing)


@pytest.fixture
def served(shell: Shell, tmp_path: Path) -> Iterator[Account]:
    """The account over HTTP, for what concerns signing in and stored keys."""
    with ExitStack() as closing:
        yield accounts.over_http(shell, tmp_path / "served", closing)


@pytest.fixture
def keyring(shell: Shell) -> Iterator[int]:
    """Start a session bus and an unlocked keyring for `shell`; yield the keyring's process id.

    `.ci/run` installs both programs.
    """
    missing = [name for name in ("dbus-daemon", "gnome-keyring-daemon") if shutil.which(name) is None]
    if missing and "CI" not in os.environ:
        pytest.skip(f"not installed here: {', '.join(missing)}")
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=shell.environ,
    )
    assert bus.stdout is not None
    shell.environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**shell.environ, "XDG_RUNTIME_DIR": str(shell.home)},
    )
    assert daemon.stdin is not None
    assert daemon.stdout is not None
    daemon.stdin.write(b"password of a test keyring")
    daemon.stdin.close()
    daemon.stdout.readline()  # it says where its control socket is once it is there
    yield daemon.pid
    for process in (daemon, bus):
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
