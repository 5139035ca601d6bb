"""`astalty keys panic`: a secret has leaked. What was done with it, an end of it, and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from astalty_cli.base.errors import AstaltyError, UsageError
from astalty_cli.cli.options import ACCOUNT, ASK, DRY_RUN, JSON, SECRET, duration, takes
from astalty_cli.commands.keys.incident import Case
from astalty_cli.commands.keys.manage import AllowLast, AllowSelf
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.destinations.destination import Destination
    from astalty_cli.services.incident.evidence import Consequences, HistoryEvidence
    from astalty_cli.services.keys.operation import OperationContext


_REPORT = 256 * 1024  # bytes: how long a report will be, nobody knows


@takes(ACCOUNT, JSON, SECRET, ASK, DRY_RUN)
def panic(
    context: Context,
    *,
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Read the leaked secret from stdin; needs --yes.")
    ] = False,
    report: Annotated[
        Path, typer.Option("--report", metavar="FOLDER", help="Where the incident report is written.")
    ] = Path(),
    since: Annotated[
        timedelta,
        duration("--since", "How far back to look at what was done with it."),
    ] = "30d",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
    allow_self: AllowSelf = False,
    allow_last: AllowLast = False,
) -> None:
    """The secret is asked for, never an argument.

    Where it is dead already, the keys that were made or rotated with it are listed and can be revoked;
    --allow-self and --allow-last are for those.
    """
    from astalty_cli.base import private_files
    from astalty_cli.commands.keys.panic_cleanup import revoke_suspects, works
    from astalty_cli.commands.shared import secrets

    destinations = secrets.destinations(context)
    _ensure_can_ask(context, with_token=with_token)
    private_files.ensure_writable(report / "astalty-incident", _REPORT)
    leaked = secrets.read_key(
        context, "Leaked secret (not shown): ", with_token=with_token, stopped="Nothing was done."
    )
    case = Case(context, leaked, report, since)
    operation = secrets.operation(context, leaked)
    if works(operation):
        _end(case, operation, destinations)
    else:
        revoke_suspects(case, allow_self=allow_self, allow_last=allow_last)


def _ensure_can_ask(context: Context, *, with_token: bool) -> None:
    """Raises UsageError where the secret, or a question, would have to be asked for and cannot be."""
    if with_token and not (context.output.style.yes or context.dry_run):
        raise UsageError(
            "--with-token takes stdin up, so no question can be asked on it.",
            hint="Say --yes to go ahead without being asked, or --dry-run to look first.",
        )
    if not with_token and not context.program.streams.can_ask:
        raise UsageError(
            "There is no terminal to ask for the leaked secret on.",
            hint="Give it on stdin: astalty keys panic --with-token --yes < FILE",
        )


def _end(case: Case, operation: OperationContext, destinations: Sequence[Destination]) -> None:
    """Rotate the key of a secret that works, end every earlier one, and report what was done with it."""
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.incident.evidence import FIRST_GRACE, HistoryEvidence
    from astalty_cli.services.keys.delivery import probe
    from astalty_cli.services.keys.finder import described
    from astalty_cli.services.keys.rotation import Rotation

    context, key, force = case.context, operation.own, case.context.destination.force
    case.did("The service accepted the leaked secret and named its key.")
    case.introduce(key)
    last_use = case.show_recent(operation, key)
    probe(destinations, key, force=force)
    if context.dry_run:
        _consequences(case, case.evidence(operation, case.leaked), key.id)
        dry_run.show_rotation(
            context, key, timedelta(), destinations, first_grace=FIRST_GRACE, secret=case.leaked
        )
        return
    secrets.remind(context)
    context.output.ensure_confirmed(
        f"Rotate {described(key)}, {last_use}, and end all its earlier secrets at once? "
        "Whatever uses one of them stops working."
    )
    profiles = operation.holders.holding(key.id)
    try:
        row, new = Rotation(operation, destinations, timedelta(), FIRST_GRACE, force).run(key)
    except AstaltyError as error:
        case.did(f"The rotation stopped: {error.message}")
        evidence = HistoryEvidence(operation.fresh(), operation.now - case.since)
        raise case.with_report(error, lambda: _report(case, operation, evidence)) from None
    where = ", ".join(destination.spec.partition(":")[0] for destination in destinations)
    case.did(f"The key got a new secret, handed over ({where}) and proved. Every earlier one was ended.")
    if profiles:
        case.did(f"Profiles that now use the new secret: {', '.join(profiles)}.")
    variable = context.settings.variable
    own = variable is not None and variable.last_four in {case.leaked.last_four, key.last_four}
    secrets.say_rotated(context, row.value, own=own)
    secrets.print_key(context, row.raw)
    evidence = case.evidence(operation, new)
    with evidence.record_failure("The last calls before the end may be missing"):
        evidence.settle()
    case.say_report(lambda: _report(case, operation, evidence, row.value.rotation), "The rotation stands.")


def _report(
    case: Case, operation: OperationContext, evidence: HistoryEvidence, rotation: int | None = None
) -> str:
    """Read what was done with the key until now, and write it. `rotation` is the one that we made."""
    found = _consequences(case, evidence, operation.own.id, rotation)
    if found.events:
        case.context.output.note("Revoke those that none of you made: astalty keys revoke ID...")
    record_failure = len(evidence.missing)
    found = replace(found, entries=evidence.entries([operation.own.id]))
    case.show_missing(evidence, record_failure)
    return case.report(operation, found, evidence, keys=[operation.own], worked=True)


def _consequences(
    case: Case, evidence: HistoryEvidence, key_id: str, rotation: int | None = None
) -> Consequences:
    """Read and show which keys were made or rotated."""
    from astalty_cli.services.incident.evidence import consequences

    found = consequences(evidence, key_id, rotation)
    case.show_events(found.events, found.keys)
    case.show_missing(evidence)
    return found
