"""`astalty keys recover`: what key operations have left open on this machine, and how it ends."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import AstaltyError, ConflictError, LeftOpenError, NotFoundError, UsageError
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import iso, utc_now
from astalty_cli.cli.options import ACCOUNT, ASK, BY_HAND, OUTPUT, RECORD, SECRET, takes
from astalty_cli.cli.parameters import argument, option
from astalty_cli.commands.keys import abandoning
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.config.journal import JournalEntry
    from astalty_cli.services.keys.recovery import Recovery
    from astalty_cli.services.keys.recovery_destinations import Prompts


@takes(SECRET.without("plain"), BY_HAND.without("by_hand"), OUTPUT, ACCOUNT, RECORD, ASK)
def recover(
    context: Context,
    ids: Annotated[
        list[str] | None, argument("[ID...]", help="Only these operations, by id or its start.")
    ] = None,
    *,
    abandon: Annotated[
        bool, option("--abandon", help="Close these operations without finishing them.")
    ] = False,
) -> None:
    """It lists them and asks about each one. --to sends the secret to another destination."""
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.records import OpenOperation

    if abandon:
        abandoning.abandon(context, ids or [])
        return
    output, journal = context.output, context.journal
    shown = output.columns(columns.JOURNAL, OpenOperation)
    found = journal.contents()
    abandoned = secrets.without_expired_slots(context, journal.abandoned(found))
    entries, busy = _wanted(abandoned, ids or []), len(found.entries) - len(abandoned)
    if busy:
        output.note(f"Being worked on by another astalty just now: {busy}.")
    if not (entries and output.style.yes):
        output.rows(map(_row, entries), shown, none="" if found.damaged or busy else "Nothing is open.")
    if not _can_answer(context):
        entries = [entry for entry in entries if _needs_somebody(entry)]
    if entries:
        _ensure_answerable(context, entries)
    failures = {
        path.name: LeftOpenError(error.message, hint=error.hint) for path, error in found.damaged.items()
    }
    failures |= _finished(context, entries)
    if entries and output.style.yes and output.result_wanted:
        output.rows([_row(entry) for entry in entries if journal.read(entry.id)], shown, none="")
    if failures:
        raise _left_open(failures)


def _ensure_answerable(context: Context, entries: list[JournalEntry]) -> None:
    """Raises LeftOpenError if there is no one to ask, UsageError if one destination is for several."""
    from astalty_cli.commands.shared import secrets

    wanted = context.get(SECRET)
    if not _can_answer(context):
        raise LeftOpenError(
            f"{len(entries)} key operation{'s are' if len(entries) > 1 else ' is'} open.",
            hint=f"Finish: {secrets.recover(context, entries[0].profile)} --yes",
        )
    if len(entries) > 1 and (wanted.to or wanted.copy or context.get(BY_HAND).with_token):
        lines = [
            f"  {command(f'{secrets.recover(context, each.profile)} --yes --to DESTINATION', each.id[:8])}"
            for each in entries
        ]
        raise UsageError(
            "--to, --copy and --with-token are for one secret, but several operations are open.",
            hint="\n".join(["Name one:", *lines]),
        )


def _can_answer(context: Context) -> bool:
    output = context.output
    asked = output.streams.can_ask and not output.result_wanted
    return output.style.yes or asked or context.get(BY_HAND).with_token


def _needs_somebody(entry: JournalEntry) -> bool:
    """Whether an entry is due, or waits for a person; a deletion that is not due yet only has to be known."""
    return entry.due_at is None or entry.due_at <= utc_now()


def _wanted(entries: list[JournalEntry], ids: list[str]) -> list[JournalEntry]:
    for wanted in ids:
        if not any(entry.id.startswith(wanted) for entry in entries):
            raise NotFoundError(f"Nothing open has the id {wanted!r}.", hint="See: astalty keys recover")
    return [entry for entry in entries if not ids or entry.id.startswith(tuple(ids))]


def _row(entry: JournalEntry) -> bytes:
    import msgspec

    from astalty_cli.base.hiding import hide_bytes
    from astalty_cli.commands.shared.records import OpenOperation

    row = msgspec.json.encode(
        OpenOperation(
            entry.id,
            entry.operation,
            entry.name,
            entry.key_id,
            entry.phase,
            entry.destinations,
            iso(entry.started_at),
            entry.profile,
            entry.base_url,
            entry.way,
            iso(entry.due_at) if entry.due_at else None,
            entry.old_page_name,
            entry.slot,
        )
    )
    return hide_bytes(row)


def _finished(context: Context, entries: list[JournalEntry]) -> dict[str, LeftOpenError]:
    """Try each; return what stays open, by the start of its id."""
    from astalty_cli.services.keys.recovery_steps import elsewhere

    failures: dict[str, LeftOpenError] = {}
    refused: AstaltyError | None = None
    for entry in entries:
        try:
            if entry.base_url != context.settings.base_url.value:
                raise elsewhere(entry)
            _finish(context, entry)
        except AstaltyError as error:
            if _is_closed_by_hand(context, entry):
                refused = refused or error
                continue
            if not isinstance(error, (LeftOpenError, ConflictError, UsageError)):
                raise
            failures[entry.id[:8]] = LeftOpenError(error.message, hint=error.hint, status=error.status)
    if refused and not failures:
        raise refused
    return failures


def _is_closed_by_hand(context: Context, entry: JournalEntry) -> bool:
    """Whether an entry was closed because of what was pasted: then nothing is left to finish."""
    from astalty_cli.config.journal import Way

    return entry.way is Way.BY_HAND and context.journal.read(entry.id) is None


def _finish(context: Context, entry: JournalEntry) -> None:
    """Wait for a deletion without the lock, so that other operations on the key can run."""
    from astalty_cli.commands.keys import by_hand
    from astalty_cli.config.journal import Phase, Way

    waits = entry.phase is Phase.AWAITING_DELETION
    with nullcontext() if waits else context.journal.lock(entry.lock_name):
        current = context.journal.read(entry.id)
        if current is None:
            return
        if current.way is Way.BY_HAND:
            by_hand.recovery(context, current, _prompts(context))
        else:
            _recovery(context, current).run(current)


def _prompts(context: Context) -> Prompts:
    from astalty_cli.services.keys.recovery_destinations import Prompts

    output, yes = context.output, context.output.style.yes
    return Prompts(
        confirm=lambda question: yes or output.ask(question) is True,
        ask=lambda question: output.ask(question) if output.streams.can_ask and not yes else None,
    )


def _recovery(context: Context, entry: JournalEntry) -> Recovery:
    from astalty_cli.commands.shared import secrets
    from astalty_cli.destinations.choice import named
    from astalty_cli.destinations.terminal import Panel
    from astalty_cli.services.keys.recovery import Recovery
    from astalty_cli.services.keys.recovery_destinations import RecoveryDestinations

    output, wanted = context.output, context.get(SECRET)
    own = secrets.destinations_of(context, entry)
    given = named(wanted, secrets.destination_environment(context))
    screen = Panel(output) if output.streams.stdout_is_terminal and not output.result_wanted else None
    # The key is read anew: the entry before may have rotated it.
    operation = secrets.operation(context, is_begun=True)
    return Recovery(
        operation,
        RecoveryDestinations(operation, own, given, screen, wanted.force),
        _prompts(context),
        secrets.variable(context),
    )


def _left_open(failures: dict[str, LeftOpenError]) -> LeftOpenError:
    if len(failures) == 1:
        return next(iter(failures.values()))
    hints = list(dict.fromkeys(error.hint for error in failures.values() if error.hint))
    return LeftOpenError(
        f"{len(failures)} key operations are still open.",
        hint="\n".join(hints),
        errors={name: [error.message] for name, error in failures.items()},
    )
