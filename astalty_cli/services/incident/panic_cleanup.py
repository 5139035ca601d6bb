"""A leaked secret that no longer works: which keys it may be of, and which ones are left to revoke."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import (
    AstaltyError,
    ForbiddenError,
    InterruptedByUser,
    NotFoundError,
    NotOfferedError,
    RefusedError,
    SeveralError,
    UnauthorizedError,
)
from astalty_cli.base.events import Message
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local
from astalty_cli.services.incident.case import Case, report_after, with_report, works
from astalty_cli.services.incident.evidence import (
    Consequences,
    HistoryEvidence,
    KeyEvent,
    Match,
    following,
    matches,
    suspects,
)
from astalty_cli.services.incident.report import ReportFiles
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.guards import Guards
from astalty_cli.services.keys.operation import OperationContext
from astalty_cli.services.keys.revoking import Revocation

DEAD: Final = "The leaked secret does not work, and no other key here does, to see what was done with it."
READ_ONLY: Final = "The leaked secret is of a Read Only key, which can't rotate, and no other key here works."


def with_another_key(
    connect: Callable[[], OperationContext], leaked: Secret, problem: str = DEAD
) -> OperationContext:
    """The account as another key sees it; `connect` gives it with the key that is set up here.

    Raises UnauthorizedError, which says what the `problem` is, if there is none that works.
    """
    try:
        operation = connect()
        if operation.secret != leaked and works(operation):
            return operation
    except ForbiddenError:
        raise
    except UnauthorizedError:
        pass  # none is set up here
    raise UnauthorizedError(
        problem,
        hint="Sign in with another key of the account, then run this again: astalty auth login",
    )


@dataclass
class Cleanup:
    """What was found out about the dead secret: keys that it may be of, and what was done with those.

    `keys` are all of the account. Between `investigate` and `finish`, somebody is to be asked.
    """

    case: Case
    operation: OperationContext
    evidence: HistoryEvidence
    matches: Sequence[Match]
    events: Sequence[KeyEvent]
    keys: Mapping[str, ApiKey]
    revoked: list[str] = field(default_factory=list)  # ids

    def suspects(self, guards: Guards) -> Revocation:
        """The keys to revoke, and what keeps others from it."""
        revocation = Revocation(self.operation, guards)
        revocation.look_up([key.id for key in suspects(self.matches, self.events, self.keys)])
        return revocation

    def finish(self, revocation: Revocation, *, agreed: bool | None) -> ReportFiles:
        """Revoke the keys if the user has agreed, and write the report; for None nobody was asked.

        `--yes` does not agree to this: a key may have created and rotated others for its owner, too, and
        nobody is to be cut off by a script that runs twice. Raises what has kept any key from being
        revoked, and says where the report is.
        """
        if agreed or not revocation.keys:
            failure = self._revoke(revocation)
        else:
            failure = self._not_revoked(revocation.keys, asked=agreed is not None)
        if failure:
            raise with_report(failure, self._write)
        self.case.on_event(Message("No new secret was created: the leaked one no longer works."))
        return report_after(f"Keys that were revoked: {len(self.revoked)}.", self._write)

    def _not_revoked(self, keys: Sequence[ApiKey], *, asked: bool) -> AstaltyError:
        if asked:
            self.case.did("The user was asked whether to revoke these keys, and declined.")
            return InterruptedByUser("Nothing was revoked.")
        self.case.did("These keys were not revoked: --yes does not say which of them are a thief's.")
        return RefusedError(
            f"Not revoked, since they may be yours: {', '.join(map(described, keys))}.",
            hint=f"Those that are not: {command('astalty keys revoke --yes', *(key.id for key in keys))}",
        )

    def _revoke(self, revocation: Revocation) -> AstaltyError | None:
        for key in revocation.run():
            self.revoked.append(key.id)
            self.case.did(f"Revoked {described(key)}.")
            self.case.on_event(Message(f"Revoked {described(key)}."))
        failures = revocation.failures
        for name, error in failures.items():
            self.case.did(f"Not revoked: {name}: {error.message}")
        if not failures:
            return None
        total = len(failures) + len(self.revoked)
        return SeveralError(f"Not revoked: {len(failures)} of {total}.", failures)

    def _write(self) -> ReportFiles:
        keys = [match.key for match in self.matches]
        found = Consequences(self.evidence.entries([key.id for key in keys]), list(self.events), self.keys)
        self.case.report_missing(self.evidence)
        return self.case.write_report(
            self.operation, found, self.evidence, keys=keys, worked=False, revoked=self.revoked
        )


def investigate(case: Case, operation: OperationContext) -> Cleanup:
    """Find the keys that the secret may be of, and what was done with them. Raises NotFoundError for none."""
    evidence = case.evidence(operation, operation.secret)
    all_events, keys = _read(evidence), evidence.keys()
    found = matches(case.leaked.last_four, keys.values(), all_events)
    if not found:
        raise _no_match(case, evidence)
    events = following(all_events, [match.key.id for match in found])
    return Cleanup(case, operation, evidence, found, events, keys)


def _read(evidence: HistoryEvidence) -> list[KeyEvent]:
    """Which keys were created or rotated, by whatever key. Without a history there is nothing to read."""
    try:
        evidence.look_how_far_back_it_goes()
        evidence.settle()
        return evidence.events()
    except NotOfferedError:
        evidence.missing.append("This server has no request history.")
        return []


def _no_match(case: Case, evidence: HistoryEvidence) -> NotFoundError:
    last_four = case.leaked.last_four
    if not last_four:
        return NotFoundError("The leaked secret does not work, and is too short to tell a key by its end.")
    return NotFoundError(
        f"The leaked secret does not work. No key of this account ends in {last_four}, and none created or "
        f"rotated a key with a secret that did, since {local(evidence.start)}.",
        hint="Look further back with --since 90d. It may be of another account (-p), or not copied whole.",
    )
