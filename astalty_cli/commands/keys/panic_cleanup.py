"""A leaked secret that no longer works: whose it was, and what is left to revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astalty_cli.api import contract
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
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local
from astalty_cli.commands.keys.incident import Case

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.services.incident.evidence import HistoryEvidence, KeyEvent, Match
    from astalty_cli.services.keys.operation import OperationContext
    from astalty_cli.services.keys.revoking import Revocation


def works(operation: OperationContext) -> bool:
    """Whether the service accepts the session's key. Raises AstaltyError where nobody can tell."""
    try:
        operation.own  # noqa: B018 - the call is what tells
    except ForbiddenError:
        raise
    except UnauthorizedError:
        return False
    return True


def revoke_suspects(case: Case, *, allow_self: bool, allow_last: bool) -> None:
    """Find the key of the secret, offer to revoke what was made or rotated with it, and report."""
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.incident.evidence import Consequences, following, matches, suspects
    from astalty_cli.services.keys.guards import Guards
    from astalty_cli.services.keys.revoking import Revocation

    context, operation = case.context, _another(case)
    evidence = case.evidence(operation, operation.secret)
    all_events, keys = _read(evidence), evidence.keys()
    found = matches(case.leaked.last_four, keys.values(), all_events)
    if not found:
        raise _no_match(case, evidence)
    case.did("The service did not accept the leaked secret.")
    for match in found:
        context.output.note(_story(match))
        case.show_recent(operation, match.key)
    ids = [match.key.id for match in found]
    events = following(all_events, ids)
    case.show_events(events, keys)
    guards = Guards(operation, secrets.variable(context), allow_self=allow_self, allow_last=allow_last)
    revocation = Revocation(operation, guards)
    revocation.look_up([key.id for key in suspects(found, events, keys)])
    if context.dry_run:
        case.show_missing(evidence)
        plan = [("DELETE", contract.api_key(key.id), None) for key in revocation.keys]
        dry_run.show(context, plan)
        if revocation.failures:
            raise SeveralError("Not all of them can be revoked.", revocation.failures)
        return
    secrets.remind(context)
    revoked, failure = _revoked(case, revocation)

    def write() -> str:
        seen = Consequences(evidence.entries(ids), events, keys)
        case.show_missing(evidence)
        matching = [match.key for match in found]
        return case.report(operation, seen, evidence, keys=matching, worked=False, revoked=revoked)

    if failure:
        raise case.with_report(failure, write)
    context.output.note("No new secret was made: the leaked one is dead.")
    case.say_report(write, f"Keys that were revoked: {len(revoked)}.")


def _another(case: Case) -> OperationContext:
    """The account as another key sees it. Raises UnauthorizedError where there is none that works."""
    from astalty_cli.commands.shared import secrets

    try:
        operation = secrets.operation(case.context)
        if operation.secret != case.leaked and works(operation):
            return operation
    except ForbiddenError:
        raise
    except UnauthorizedError:
        pass  # none is set up here
    raise UnauthorizedError(
        "The leaked secret does not work, and no other key here does, to see what was done with it.",
        hint="Sign in with another key of the account, then run this again: astalty auth login",
    )


def _read(evidence: HistoryEvidence) -> list[KeyEvent]:
    """Which keys were made or rotated, by whatever key. Without a history there is nothing to read."""
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
        f"The leaked secret does not work. No key of this account ends in {last_four}, and none made or "
        f"rotated a key with a secret that did, since {local(evidence.start)}.",
        hint="Look further back with --since 90d. It may be of another account (-p), or not copied whole.",
    )


def _story(match: Match) -> str:
    """Whose the secret was, and why it no longer works."""
    from astalty_cli.services.keys.finder import described

    key, whose = match.key, f"The leaked secret may be of {described(match.key)}"
    if key.revoked_at:
        story = f"{whose}, which was revoked {local(key.revoked_at)}."
    elif match.rotated:
        story = f"{whose}, which is active."
    elif match.by_ending:
        story = (
            f"{whose}, which is active, and that one works: was the leaked one copied whole? "
            "If it was not, run this again with all of it."
        )
    else:
        story = f"{whose}, whose secret is another one now."
    if match.rotated:
        at, address = local(match.rotated.at), match.rotated.ip_address or "an unknown address"
        story += (
            f" It was rotated with the leaked secret {at} from {address}: whoever did that has a newer one."
        )
    return story


def _revoked(case: Case, revocation: Revocation) -> tuple[list[str], AstaltyError | None]:
    """Ask, and revoke. Returns the ids of what is revoked, and what to end with where that is not all.

    `--yes` is no answer to this question: a key may have made and rotated others for its owner, too, and
    nobody is to be cut off by a script that runs twice.
    """
    from astalty_cli.services.keys.finder import described

    output, keys = case.context.output, revocation.keys
    if keys and output.style.yes:
        case.did("These keys were not revoked: --yes does not say which of them are a thief's.")
        return [], RefusedError(
            f"Not revoked, since they may be yours: {', '.join(map(described, keys))}.",
            hint=f"Those that are not: {command('astalty keys revoke --yes', *(key.id for key in keys))}",
        )
    if keys and not output.confirm(_question(keys)):
        case.did("The user was asked whether to revoke these keys, and declined.")
        return [], InterruptedByUser("Nothing was revoked.")
    revoked = []
    for key in revocation.run():
        revoked.append(key.id)
        case.did(f"Revoked {described(key)}.")
        output.note(f"Revoked {described(key)}.")
    for name, error in revocation.failures.items():
        case.did(f"Not revoked: {name}: {error.message}")
    if revocation.failures:
        count = len(revocation.failures)
        return revoked, SeveralError(f"Not revoked: {count} of {count + len(revoked)}.", revocation.failures)
    return revoked, None


def _question(keys: list[ApiKey]) -> str:
    from astalty_cli.services.keys.finder import described

    listed = "\n".join(f"  {described(key)}" for key in keys)
    return f"{listed}\nRevoke? This can't be undone: whatever uses a revoked key stops working."
