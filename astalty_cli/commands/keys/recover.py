"""`astalty keys recover`: what key operations have left open on this machine, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import ConflictError, LeftOpenError, NotFoundError, UsageError
from astalty_cli.base.shell_words import command, quoted
from astalty_cli.base.times import iso
from astalty_cli.cli.options import ACCOUNT, ASK, OUTPUT, RECORD, SECRET, takes
from astalty_cli.cli.parameters import argument, option
from astalty_cli.commands.keys import abandoning
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.config.journal import JournalEntry
    from astalty_cli.services.keys.recovery import Recovery


@takes(SECRET.without("plain"), OUTPUT, ACCOUNT, RECORD, ASK)
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
    from astalty_cli.commands.shared.records import OpenOperation

    if abandon:
        abandoning.abandon(context, ids or [])
        return
    output, journal = context.output, context.journal
    shown = output.columns(columns.JOURNAL, OpenOperation)
    found = journal.contents()
    abandoned = journal.abandoned(found)
    entries, busy = _wanted(abandoned, ids or []), len(found.entries) - len(abandoned)
    if busy:
        output.note(f"Being worked on by another astalty just now: {busy}.")
    if not (entries and output.style.yes):
        output.rows(map(_row, entries), shown, none="" if found.damaged or busy else "Nothing is open.")
    if entries:
        _ensure_answerable(context, entries)
    failures = {path.name: _damaged(path) for path in found.damaged} | _finished(context, entries)
    if entries and output.style.yes and output.result_wanted:
        output.rows([_row(entry) for entry in entries if journal.read(entry.id)], shown, none="")
    if failures:
        raise _left_open(failures)


def _ensure_answerable(context: Context, entries: list[JournalEntry]) -> None:
    """Raises LeftOpenError if nobody can say what to do, UsageError if one destination is for several."""
    from astalty_cli.commands.shared import secrets

    output, wanted = context.output, context.get(SECRET)
    if not (output.style.yes or (output.streams.can_ask and not output.result_wanted)):
        raise LeftOpenError(
            f"{len(entries)} key operation{'s are' if len(entries) > 1 else ' is'} open.",
            hint=f"Finish: {secrets.recover(context, entries[0].profile)} --yes",
        )
    if len(entries) > 1 and (wanted.to or wanted.copy):
        lines = [
            f"  {command(f'{secrets.recover(context, each.profile)} --yes --to DESTINATION', each.id[:8])}"
            for each in entries
        ]
        raise UsageError(
            "--to and --copy are for one secret, but several operations are open.",
            hint="\n".join(["Name one:", *lines]),
        )


def _damaged(path: Path) -> LeftOpenError:
    return LeftOpenError(
        f"{path} cannot be read.",
        hint="It says what a key operation has left open. Look at the keys, then: "
        f"astalty keys recover {quoted(path.stem)} --abandon",
    )


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
        )
    )
    return hide_bytes(row)


def _finished(context: Context, entries: list[JournalEntry]) -> dict[str, LeftOpenError]:
    """Try each; return what stays open, by the start of its id."""
    from astalty_cli.services.keys.recovery_steps import elsewhere

    failures: dict[str, LeftOpenError] = {}
    for entry in entries:
        try:
            if entry.base_url != context.settings.base_url.value:
                raise elsewhere(entry)
            with context.journal.lock(entry.lock_name):
                current = context.journal.read(entry.id)
                if current is not None:
                    _recovery(context, current).run(current)
        except (LeftOpenError, ConflictError, UsageError) as error:
            failures[entry.id[:8]] = LeftOpenError(error.message, hint=error.hint, status=error.status)
    return failures


def _recovery(context: Context, entry: JournalEntry) -> Recovery:
    from astalty_cli.commands.shared import secrets
    from astalty_cli.destinations.choice import again, named
    from astalty_cli.destinations.terminal import Panel
    from astalty_cli.services.keys.recovery import Recovery
    from astalty_cli.services.keys.recovery_destinations import Prompts, RecoveryDestinations

    environment, output, wanted = (
        secrets.destination_environment(context),
        context.output,
        context.get(SECRET),
    )
    own = [
        destination
        for spec in entry.destinations
        if (destination := again(spec, environment, wanted.clear_after))
    ]
    given = named(wanted, environment)
    screen = Panel(output) if output.streams.stdout_is_terminal and not output.result_wanted else None
    operation = secrets.operation(context)  # the key is read anew: the entry before may have rotated it
    yes = output.style.yes
    return Recovery(
        operation,
        RecoveryDestinations(operation, own, given, screen, wanted.force),
        Prompts(
            confirm=lambda question: yes or output.ask(question) is True,
            ask=lambda question: output.ask(question) if output.streams.can_ask and not yes else None,
        ),
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
