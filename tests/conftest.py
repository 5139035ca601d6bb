"""Fixtures that read as a user's situation: a shell, and an account to use it on."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import accounts, spoilt
from tests.accounts import Account
from tests.shell import Shell
from tests.spoilt import Spoilt


@pytest.fixture(autouse=True, scope="session")
def interrupts_are_heard() -> None:
    """Background jobs start with SIGINT ignored, what `nohup` runs with SIGHUP: children would inherit it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A newcomer's: nothing is configured, no key is set."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home)


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
