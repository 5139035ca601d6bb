"""A leaked secret's case: what its key did, as lines on stderr, and the report of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from astalty_cli.base.errors import AstaltyError, LocalError
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local, utc_now
from astalty_cli.context import Context
from astalty_cli.output.safe import visible

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.base.secret import Secret
    from astalty_cli.services.incident.evidence import Consequences, HistoryEvidence, KeyEvent
    from astalty_cli.services.incident.report import Step
    from astalty_cli.services.keys.operation import OperationContext

_PATIENCE = 300.0  # seconds for reading the history: it comes last, and a busy key has thousands of calls
_SHOWN = 20  # lines of a list on stderr; the report has all of them


@dataclass
class Case:
    """What is to be done about a leaked secret, and what was. `folder` is where the report goes."""

    context: Context
    leaked: Secret
    folder: Path
    since: timedelta
    steps: list[Step] = field(default_factory=list)

    def did(self, what: str) -> None:
        from astalty_cli.services.incident.report import Step

        self.steps.append(Step(utc_now(), what))

    def evidence(self, operation: OperationContext, secret: Secret) -> HistoryEvidence:
        """The history as far back as the user wants it, as this secret may read it."""
        from astalty_cli.services.incident.evidence import HistoryEvidence

        client = self.context.client_with(secret, self.context.account.timeout or _PATIENCE)
        return HistoryEvidence(client, operation.now - self.since)

    # -- on stderr -------------------------------------------------------------------------------

    def introduce(self, key: ApiKey) -> None:
        """Say whose secret it is."""
        from astalty_cli.services.keys.finder import described

        self.context.output.note(f"The leaked secret is of {described(key)}, made {local(key.created_at)}.")
        if key.last_four != self.leaked.last_four and key.rotated_at:
            self.context.output.note(
                f"It is not its newest one: the key was rotated {local(key.rotated_at)}. "
                "What follows ends them all."
            )

    def show_recent(self, operation: OperationContext, key: ApiKey) -> str:
        """List the latest use of a key before this command, and return the last one in words.

        What cannot be read does not hold up the rest, so it is given little time.
        """
        from astalty_cli.services.history.usage import uses
        from astalty_cli.services.incident.evidence import HistoryEvidence

        evidence = HistoryEvidence(operation.fresh(), operation.now - self.since)
        try:
            page = evidence.recent(key.id, until=operation.now)
        except AstaltyError as error:
            self.context.output.note(f"Its recent use cannot be shown: {error.message}")
            return "whose last use is not known"
        entries, start = [row.value for row in page.rows], local(evidence.start)
        if not entries:
            self.context.output.note(f"No use since {start}.")
            return f"not used since {start}"
        newest = (
            ""
            if page.meta.total <= len(entries)
            else f", the newest {len(entries)} calls of {page.meta.total}"
        )
        lines = [
            (use.ip_address or "unknown", f"{use.method} {use.path}", f"{use.count}x", local(use.last))
            for use in uses(entries)
        ]
        self._list(f"Use since {start}{newest}, each with its last time:", lines)
        last = entries[0]
        return f"last used {local(last.created_at)} from {last.ip_address or 'an unknown address'}"

    def show_events(self, events: Sequence[KeyEvent], keys: Mapping[str, ApiKey]) -> None:
        """List the keys that were made or rotated."""
        lines = [
            (event.how, local(event.at), f"from {event.ip_address or 'unknown'}", *_now(event, keys))
            for event in events
        ]
        if lines:
            self._list("Keys that it made or rotated, and what those made or rotated:", lines)
        else:
            self.context.output.note("No key is known that it made or rotated.")

    def show_missing(self, evidence: HistoryEvidence, told: int = 0) -> None:
        """Say what could not be told; so many of it was said before."""
        for each in evidence.missing[told:]:
            self.context.output.note(each)

    def _list(self, title: str, rows: Sequence[tuple[str, ...]]) -> None:
        cells = [[visible(cell) for cell in row] for row in rows[:_SHOWN]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        more = [f"  … and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
        self.context.output.note("\n".join([title, *lines, *more]))

    # -- the report ------------------------------------------------------------------------------

    def report(
        self,
        operation: OperationContext,
        found: Consequences,
        evidence: HistoryEvidence,
        *,
        keys: Sequence[ApiKey],
        worked: bool,
        revoked: Collection[str] = (),
    ) -> str:
        """Write it, and say where it is. Raises LocalError."""
        from astalty_cli.services.history import usage
        from astalty_cli.services.incident import report

        before = [entry for entry in found.entries if entry.created_at < operation.now]
        meanwhile = [entry for entry in found.entries if entry.created_at >= operation.now]
        told = report.Incident(
            account_id=operation.own.account.id,
            leaked_secret_ended_in=self.leaked.last_four,
            worked=worked,
            keys=[report.facts(found.keys.get(key.id, key)) for key in keys],
            since=evidence.start,
            started_at=operation.now,
            steps=self.steps,
            calls=len(before),
            uses=usage.uses(before),
            uses_meanwhile=usage.uses(meanwhile),
            user_agents=usage.agents(found.entries),
            made_or_rotated=report.touched(found.events, found.keys.values()),
            revoked=list(revoked),
            not_known=evidence.missing,
        )
        paths = report.write(report.redacted(told, self.leaked), self.folder, utc_now(), visible)
        return f"The incident report: {paths[0]}, and as data: {paths[1].name}"

    def say_report(self, write: Callable[[], str], done: str) -> None:
        """Write it after what is `done`, and say where it is. Raises LocalError, which says both."""
        try:
            self.context.output.note(write())
        except LocalError as error:
            raise LocalError(f"{done} The report was not written: {error.message}", hint=error.hint) from None

    def with_report(self, failure: AstaltyError, write: Callable[[], str]) -> AstaltyError:
        """Write it, and let the failure say where it is: with JSON nothing else speaks."""
        try:
            told = write()
        except LocalError as error:
            told = f"The report was not written: {error.message}"
        failure.hint = "\n".join(filter(None, [failure.hint, told]))
        return failure


def _now(event: KeyEvent, keys: Mapping[str, ApiKey]) -> tuple[str, str, str]:
    """The key as it is now: name, id, status."""
    if key := keys.get(event.key_id or ""):
        return repr(key.name), key.id, key.status
    return "a key", event.key_id or f"see: {command('astalty history show', event.entry_id)}", "unknown"
