"""A leaked secret that still works: its key gets a new one, and every earlier one is ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import AstaltyError
from astalty_cli.base.events import Message
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.incident.case import Case, KeyEventsRead, report_after, with_report
from astalty_cli.services.incident.evidence import Consequences, HistoryEvidence, consequences
from astalty_cli.services.incident.report import ReportFiles
from astalty_cli.services.keys.operation import OperationContext
from astalty_cli.services.keys.rotation import Rotated, Rotation

FIRST_GRACE: Final = timedelta(minutes=15)  # until the new secret is verified: a thief has the old one too


@dataclass(frozen=True)
class LeakedKey:
    """The key of the leaked secret. `operation` makes the calls, with that secret if it may write."""

    case: Case
    operation: OperationContext
    key: ApiKey

    def look(self) -> None:
        """Report which keys were created or rotated with it, and change nothing."""
        self._consequences(self.case.evidence(self.operation, self.case.leaked))

    def rotate(self, destinations: Sequence[Destination], *, force: bool) -> Rotated:
        """Give the key a new secret, and end every earlier one at once.

        Raises as a rotation does, after writing the report; the failure says where it is.
        """
        case, operation, key = self.case, self.operation, self.key
        profiles = operation.holders.holding(key.id)
        try:
            rotated = Rotation(operation, destinations, timedelta(), FIRST_GRACE, force).run(key)
        except AstaltyError as error:
            case.did(f"The rotation stopped: {error.message}")
            evidence = HistoryEvidence(operation.fresh(), operation.now - case.since)
            raise with_report(error, lambda: self._write(evidence)) from None
        where = ", ".join(destination.spec.partition(":")[0] for destination in destinations)
        case.did(f"The key got a new secret ({where}), which was verified. Every earlier one was ended.")
        if profiles:
            case.did(f"Profiles that now use the new secret: {', '.join(profiles)}.")
        return rotated

    def report(self, rotated: Rotated) -> ReportFiles:
        """Read what was done with the key until its end, and write it. Raises LocalError."""
        evidence = self.case.evidence(self.operation, rotated.secret)
        with evidence.record_failure("The last calls before the end may be missing"):
            evidence.settle()
        own = rotated.ended.key.rotation
        return report_after("The rotation stands.", lambda: self._write(evidence, own))

    def _write(self, evidence: HistoryEvidence, own_rotation: int | None = None) -> ReportFiles:
        found = self._consequences(evidence, own_rotation)
        if found.events:
            self.case.on_event(Message("Revoke the ones that none of you created: astalty keys revoke ID..."))
        reported = len(evidence.missing)
        found = replace(found, entries=evidence.entries([self.key.id]))
        self.case.report_missing(evidence, reported)
        return self.case.write_report(self.operation, found, evidence, keys=[self.key], worked=True)

    def _consequences(self, evidence: HistoryEvidence, own_rotation: int | None = None) -> Consequences:
        found = consequences(evidence, self.key.id, own_rotation)
        self.case.on_event(KeyEventsRead(found.events, found.keys))
        self.case.report_missing(evidence)
        return found
