"""`astalty keys panic`: a secret has leaked. What was done with it, an end of it, and a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from astalty_cli.api import contract
from astalty_cli.base.errors import ForbiddenError, NotOfferedError, SeveralError, UsageError
from astalty_cli.base.vocabulary import Access
from astalty_cli.cli.options import ACCOUNT, ASK, BY_HAND, DRY_RUN, JSON, RECORD, SECRET, takes
from astalty_cli.cli.parameters import Duration, option
from astalty_cli.commands.keys.arguments import AllowLast, AllowSelf
from astalty_cli.commands.keys.incident import IncidentLines, last_use, revoke_question, story
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.base.secret import Secret
    from astalty_cli.destinations.destination import Destination
    from astalty_cli.output.output import Output
    from astalty_cli.services.incident.case import Case
    from astalty_cli.services.incident.panic_cleanup import Cleanup
    from astalty_cli.services.keys.operation import OperationContext

_PATIENCE = 300.0  # seconds for reading the history: it comes last, and a busy key has thousands of calls

_REPORT = 256 * 1024  # bytes: how long a report will be, nobody knows


@takes(SECRET, BY_HAND.without("with_token"), JSON, ACCOUNT, RECORD, ASK, DRY_RUN)
def panic(
    context: Context,
    *,
    with_token: Annotated[
        bool, option("--with-token", help="Read the leaked secret from stdin (needs --yes).")
    ] = False,
    report: Annotated[
        Path, option("--report", metavar="FOLDER", help="Folder for the incident report.")
    ] = Path(),
    since: Annotated[
        timedelta,
        option("--since", metavar="DURATION", type=Duration(), help="How much of the history to examine."),
    ] = timedelta(days=30),
    allow_self: AllowSelf = False,
    allow_last: AllowLast = False,
) -> None:
    """The secret is asked for or read from stdin, never an argument.

    If it no longer works, the keys that were created or rotated with it are listed and can be revoked;
    --allow-self and --allow-last apply to those.

    By hand, the key is deleted in the web app, and a new one is created if --to or a profile takes it. With
    --with-token, the new one is the second line of stdin: it is delivered first.
    """
    from astalty_cli.base import private_files
    from astalty_cli.commands.keys import panic_by_hand
    from astalty_cli.commands.shared import secrets

    _ensure_can_ask(context, with_token=with_token)
    private_files.ensure_writable(report / "astalty-incident", _REPORT)
    leaked, others = _read(context, with_token=with_token)
    case = _case(context, leaked, report, since)
    found = None if context.get(BY_HAND).by_hand else _in_place(context, case)
    if found is None:
        panic_by_hand.run(context, leaked, others if with_token else None, report, since)
        return
    destinations = secrets.destinations(context)
    if others:
        raise UsageError(
            "This service creates the new secret itself, so stdin has one line: the leaked secret.",
            hint="Leave out the second line.",
        )
    if found.works:
        _end(context, case, found.operation, destinations)
    else:
        _clean_up(context, case, found.operation, allow_self=allow_self, allow_last=allow_last)


def _read(context: Context, *, with_token: bool) -> tuple[Secret, list[str]]:
    """The leaked secret, and the other lines of stdin. Raises UsageError for what can't be a key."""
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.web_page import stdin_lines
    from astalty_cli.config.settings import typed_secret

    if not with_token:
        prompt = "Leaked secret (not shown): "
        return secrets.read_key(context, prompt, with_token=False, stopped="Nothing was done."), []
    first, *others = stdin_lines(context) or [""]
    leaked = typed_secret(first)
    for line in others:
        typed_secret(line)  # hidden from now on
    if len(others) > 1:
        raise UsageError(
            "stdin has more than two lines.",
            hint="Give the leaked secret, then the new one, if any.",
        )
    return leaked, others


class _InPlace(NamedTuple):
    """The account of a service that has calls for keys: seen with the leaked secret, or with another key."""

    operation: OperationContext
    works: bool


def _in_place(context: Context, case: Case) -> _InPlace | None:
    """None if keys are deleted and created by hand."""
    from astalty_cli.commands.shared import offering, secrets
    from astalty_cli.services.incident.panic_cleanup import with_another_key

    operation = secrets.operation(context, case.leaked)
    try:
        offering.ensure_key_calls(context, offering.LEAK, case.leaked)
        if _works(case, operation):
            return _InPlace(operation, works=True)
        return _InPlace(with_another_key(lambda: secrets.operation(context), case.leaked), works=False)
    except NotOfferedError:
        return None


def _works(case: Case, operation: OperationContext) -> bool:
    """Whether the leaked secret works. Raises ForbiddenError if only a person can end it."""
    from astalty_cli.commands.shared import offering

    try:
        return case.secret_works(operation)
    except ForbiddenError as error:
        error.hint = offering.PANIC
        raise


def _ensure_can_ask(context: Context, *, with_token: bool) -> None:
    """Raises UsageError if the secret, or a question, would have to be asked for and cannot be."""
    if with_token and not (context.output.style.yes or context.get(DRY_RUN)):
        raise UsageError(
            "--with-token takes stdin up, so no question can be asked on it.",
            hint="Use --yes to skip confirmation prompts, or --dry-run to look first.",
        )
    if not with_token and not context.program.streams.can_ask:
        raise UsageError(
            "There is no terminal to ask for the leaked secret on.",
            hint="Give it on stdin: astalty keys panic --with-token --yes < FILE",
        )


def _case(context: Context, leaked: Secret, folder: Path, since: timedelta) -> Case:
    from astalty_cli.output.safe import visible
    from astalty_cli.services.incident.case import Case

    return Case(
        leaked=leaked,
        since=since,
        folder=folder,
        client_with=lambda secret: context.client_with(secret, context.account.timeout or _PATIENCE),
        visible=visible,
        on_event=IncidentLines(context.output).show,
    )


def _end(
    context: Context, case: Case, operation: OperationContext, destinations: Sequence[Destination]
) -> None:
    """Rotate the key of a secret that works, end every earlier one, and report what was done with it."""
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.incident.leaked_key import FIRST_GRACE, LeakedKey
    from astalty_cli.services.incident.panic_cleanup import READ_ONLY, with_another_key
    from astalty_cli.services.keys.delivery import probe
    from astalty_cli.services.keys.finder import described

    key, force, lines = operation.own, context.get(SECRET).force, IncidentLines(context.output)
    lines.owner(key, case.leaked)
    recent = case.recent_use(operation, key)
    lines.recent_use(recent)
    probe(destinations, key, force=force)
    if key.access == Access.READ_ONLY:
        operation = with_another_key(lambda: secrets.operation(context), case.leaked, READ_ONLY)
    leaked_key = LeakedKey(case, operation, key)
    if context.get(DRY_RUN):
        leaked_key.look()
        dry_run.show_rotation(
            context, key, timedelta(), destinations, first_grace=FIRST_GRACE, secret=operation.secret
        )
        return
    secrets.remind(context)
    context.output.ensure_confirmed(
        f"Rotate {described(key)}, {last_use(recent)}, and end all its earlier secrets at once? "
        "Whatever uses one of them stops working."
    )
    rotated = leaked_key.rotate(destinations, force=force)
    variable = context.settings.variable
    own = variable is not None and variable.last_four in {case.leaked.last_four, key.last_four}
    secrets.say_rotated(context, rotated.ended, own=own)
    secrets.print_key(context, rotated.ended.key.row)
    context.output.note(leaked_key.report(rotated).summary())


def _clean_up(
    context: Context, case: Case, operation: OperationContext, *, allow_self: bool, allow_last: bool
) -> None:
    """Find the key of a secret that is dead, and offer to revoke what was created or rotated with it."""
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.incident.panic_cleanup import investigate
    from astalty_cli.services.keys.guards import Guards

    cleanup = investigate(case, operation)
    _show_findings(context.output, cleanup)
    guards = Guards(operation, secrets.variable(context), allow_self=allow_self, allow_last=allow_last)
    revocation = cleanup.suspects(guards)
    if context.get(DRY_RUN):
        case.report_missing(cleanup.evidence)
        dry_run.show(context, [("DELETE", contract.api_key(key.id), None) for key in revocation.keys])
        if revocation.failures:
            raise SeveralError("Not all of them can be revoked.", revocation.failures)
        return
    secrets.remind(context)
    agreed: bool | None = None
    if revocation.keys and not context.output.style.yes:
        agreed = context.output.confirm(revoke_question(revocation.keys))
    context.output.note(cleanup.finish(revocation, agreed=agreed).summary())


def _show_findings(output: Output, cleanup: Cleanup) -> None:
    from astalty_cli.services.incident.case import KeyEventsRead

    lines = IncidentLines(output)
    for match in cleanup.matches:
        output.note(story(match))
        lines.recent_use(cleanup.case.recent_use(cleanup.operation, match.key))
    lines.key_events(KeyEventsRead(cleanup.events, cleanup.keys))
