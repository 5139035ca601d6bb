"""A leaked secret's case: what was done with its key, what was done about it, and the report of both."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey, ApiRequest
from astalty_cli.base.errors import AstaltyError, ForbiddenError, LocalError, UnauthorizedError
from astalty_cli.base.events import Message
from astalty_cli.base.secret import Secret
from astalty_cli.base.times import utc_now
from astalty_cli.services.history import usage
from astalty_cli.services.incident import report
from astalty_cli.services.incident.evidence import Consequences, HistoryEvidence, KeyEvent
from astalty_cli.services.incident.report import ReportFiles, Step
from astalty_cli.services.keys.operation import OperationContext


class KeyEventsRead(NamedTuple):
    """Which keys were created or rotated with the leaked one; `keys` are all of the account, as they are."""

    events: Sequence[KeyEvent]
    keys: Mapping[str, ApiKey]


@dataclass(frozen=True)
class RecentUse:
    """The latest calls with a key since `start`, the newest first, of `total`.

    `failure` says why they are not known, if they could not be read.
    """

    start: datetime
    entries: Sequence[ApiRequest] = ()
    total: int = 0
    failure: str | None = None


@dataclass
class Case:
    """What is to be done about a leaked secret, and what was. `folder` is where the report goes.

    `client_with` gives the account's API with another key, and time to read a long history. `visible`
    spells out what a reader of the report would not see.
    """

    leaked: Secret
    since: timedelta
    folder: Path
    client_with: Callable[[Secret], Client]
    visible: Callable[[str], str]
    on_event: Callable[[Message | KeyEventsRead], None]
    steps: list[Step] = field(default_factory=list)

    def did(self, what: str) -> None:
        self.steps.append(Step(utc_now(), what))

    def secret_works(self, operation: OperationContext) -> bool:
        """Whether the service accepts the leaked secret, with which `operation` makes its calls.

        Raises as `works`.
        """
        try:
            found = works(operation)
        except ForbiddenError as error:
            error.message = f"The leaked secret still works; whose it is isn't known. {error.message}"
            raise
        self.did(
            "The service accepted the leaked secret and named its key."
            if found
            else "The service did not accept the leaked secret."
        )
        return found

    def evidence(self, operation: OperationContext, secret: Secret) -> HistoryEvidence:
        """The history as far back as the user wants it, as this secret may read it."""
        return HistoryEvidence(self.client_with(secret), operation.now - self.since)

    def recent_use(self, operation: OperationContext, key: ApiKey) -> RecentUse:
        """The latest use of a key before this case.

        What cannot be read does not hold up the rest, so it is given little time.
        """
        evidence = HistoryEvidence(operation.fresh(), operation.now - self.since)
        try:
            page = evidence.recent(key.id, until=operation.now)
        except AstaltyError as error:
            return RecentUse(evidence.start, failure=error.message)
        return RecentUse(evidence.start, [row.value for row in page.rows], page.meta.total)

    def report_missing(self, evidence: HistoryEvidence, reported: int = 0) -> None:
        """Report what could not be read; so much of it was reported before."""
        for each in evidence.missing[reported:]:
            self.on_event(Message(each))

    # -- the report ------------------------------------------------------------------------------

    def write_report(
        self,
        operation: OperationContext,
        found: Consequences,
        evidence: HistoryEvidence,
        *,
        keys: Sequence[ApiKey],
        worked: bool,
        revoked: Collection[str] = (),
    ) -> ReportFiles:
        """Raises LocalError."""
        before = [entry for entry in found.entries if entry.created_at < operation.now]
        meanwhile = [entry for entry in found.entries if entry.created_at >= operation.now]
        incident = report.Incident(
            account_id=operation.own.account.id,
            leaked_secret_ended_in=self.leaked.last_four,
            worked=worked,
            keys=[report.facts(found.keys.get(key.id, key)) for key in keys],
            since=evidence.start,
            started_at=operation.now,
            steps=self.steps,
            calls=len(before),
            uses=usage.by_address(before),
            uses_meanwhile=usage.by_address(meanwhile),
            user_agents=usage.by_user_agent(found.entries),
            made_or_rotated=report.touched(found.events, found.keys.values()),
            revoked=list(revoked),
            not_known=evidence.missing,
        )
        return report.write(report.redacted(incident), self.folder, utc_now(), self.visible)


def report_after(done: str, write: Callable[[], ReportFiles]) -> ReportFiles:
    """Write the report after what is `done`. Raises LocalError, which says both."""
    try:
        return write()
    except LocalError as error:
        raise LocalError(f"{done} The report was not written: {error.message}", hint=error.hint) from None


def with_report(failure: AstaltyError, write: Callable[[], ReportFiles]) -> AstaltyError:
    """Write the report, and let the failure say where it is: with JSON nothing else speaks."""
    try:
        summary = write().summary()
    except LocalError as error:
        summary = f"The report was not written: {error.message}"
    failure.hint = "\n".join(filter(None, [failure.hint, summary]))
    return failure


def works(operation: OperationContext) -> bool:
    """Whether the service accepts the operation's key, and says whose it is: that call alone proves no death.

    Raises ForbiddenError for a key that is accepted and may not ask, and ServiceError if nothing decides.
    """
    try:
        operation.own  # noqa: B018 - the call is what tells
    except UnauthorizedError as error:
        try:
            operation.client.capabilities.check_key()
        except UnauthorizedError:
            return False
        raise error from None
    return True
