"""Cleaning up after a dead secret without a command: what is found, and what an answer leads to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from astalty_cli.base.errors import InterruptedByUser, RefusedError
from astalty_cli.base.events import Message
from astalty_cli.base.secret import Secret
from astalty_cli.config.journal import Journal
from astalty_cli.config.record import RecordFile
from astalty_cli.config.settings import SANDBOX_ORIGIN
from astalty_cli.services.incident.case import Case, KeyEventsRead
from astalty_cli.services.incident.panic_cleanup import Cleanup, investigate
from astalty_cli.services.keys.guards import Guards
from astalty_cli.services.keys.operation import OperationContext
from astalty_cli.services.keys.record import KeyRecord
from tests.support.accounts import Account
from tests.support.clients import clients_of
from tests.support.leaks import created, report, shown
from tests.support.stopwatch import Stopwatch

Events = list[Message | KeyEventsRead]


@contextmanager
def investigated(account: Account, leaked: str, folder: Path) -> Iterator[tuple[Cleanup, Events]]:
    events: Events = []
    with clients_of(account, sleep=Stopwatch().sleep) as client_with:
        secret = account.home.secret()
        operation = OperationContext(
            client=client_with(secret),
            client_with=client_with,
            secret=secret,
            profile="sandbox",
            origin=SANDBOX_ORIGIN,
            journal=Journal(folder / "journal"),
            holders=account.home,
            record=KeyRecord(RecordFile(folder / "keys.toml", is_own=True), SANDBOX_ORIGIN, print),
            recover="astalty keys recover",
            say=lambda line: events.append(Message(line)),
            warn=lambda line: events.append(Message(line)),
            show=lambda key, secret: None,
        )
        case = Case(Secret(leaked), timedelta(days=30), folder, client_with, str, events.append)
        yield investigate(case, operation), events


@pytest.fixture
def leaked(sandbox: Account) -> str:
    """A secret with which a key was created before its own key was revoked."""
    secret = created(sandbox, "leaky")
    created(sandbox, "child", by=secret)
    sandbox.shell("keys revoke leaky --yes")
    return secret


def test_what_was_found_comes_back_before_anything_is_revoked(
    sandbox: Account, leaked: str, tmp_path: Path
) -> None:
    with investigated(sandbox, leaked, tmp_path) as (cleanup, _):
        revocation = cleanup.suspects(Guards(cleanup.operation, variable=None))
    assert [match.key.name for match in cleanup.matches] == ["leaky"]
    assert [event.how for event in cleanup.events] == ["made"]
    assert [key.name for key in revocation.keys] == ["child"]
    assert shown(sandbox, "child")["status"] == "active"


def test_agreed_the_suspects_are_revoked_and_the_report_says_so(
    sandbox: Account, leaked: str, tmp_path: Path
) -> None:
    with investigated(sandbox, leaked, tmp_path) as (cleanup, events):
        revocation = cleanup.suspects(Guards(cleanup.operation, variable=None))
        files = cleanup.finish(revocation, agreed=True)
    child = shown(sandbox, "child")
    assert child["status"] == "revoked"
    assert any(isinstance(event, Message) and event.text.startswith("Revoked 'child'") for event in events)
    data, _ = report(files.data.parent)
    assert data["revoked"] == [child["id"]]


@pytest.mark.parametrize(
    ("agreed", "error", "step"),
    [(False, InterruptedByUser, "declined"), (None, RefusedError, "--yes does not")],
)
def test_without_a_yes_nothing_is_revoked_and_the_failure_names_the_report(
    sandbox: Account,
    leaked: str,
    tmp_path: Path,
    *,
    agreed: bool | None,
    error: type[Exception],
    step: str,
) -> None:
    with investigated(sandbox, leaked, tmp_path) as (cleanup, _):
        revocation = cleanup.suspects(Guards(cleanup.operation, variable=None))
        with pytest.raises(error) as failure:
            cleanup.finish(revocation, agreed=agreed)
    assert shown(sandbox, "child")["status"] == "active"
    data, _ = report(tmp_path)
    assert step in data["steps"][-1]["what"]
    assert "The incident report: " in getattr(failure.value, "hint", "")
