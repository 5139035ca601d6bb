"""`astalty keys recover`: what key operations have left open on this machine, and how it ends."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from astalty_cli.commands.keys import app
from astalty_cli.commands.options import ACCOUNT, ASK, OUTPUT, SINKS, takes
from astalty_cli.config.journal import Entry, Operation, Phase
from astalty_cli.context import Context
from astalty_cli.errors import AstaltyError, ConflictError, LeftOpenError, NotFoundError, UsageError
from astalty_cli.output import columns
from astalty_cli.times import iso

if TYPE_CHECKING:
    from astalty_cli.services.places import Places, Words
    from astalty_cli.services.session import Session


class OpenOperation(msgspec.Struct):
    """An entry of the journal, as it is shown."""

    id: str
    operation: Operation
    name: str
    key_id: str | None
    phase: Phase
    sinks: list[str]
    started_at: str
    profile: str
    base_url: str


@app.command("recover")
@takes(ACCOUNT, OUTPUT, SINKS, ASK)
def recover(
    context: Context,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Only these, by the start of their ids.")
    ] = None,
) -> None:
    """Finish what a crash, a lost answer or a failed sink has left open.

    Lists it, and asks for each; --yes goes ahead. --to names another place for the secret.
    """
    from astalty_cli.commands import secrets

    output = context.output
    shown = output.columns(columns.JOURNAL, OpenOperation)
    entries = _wanted(context.journal.abandoned(), ids or [])
    asks = output.streams.can_ask and not output.result_wanted
    if not (entries and output.style.yes):
        output.rows(map(_row, entries), shown, none="Nothing is open.")
    if not entries:
        return
    if not (output.style.yes or asks):
        raise LeftOpenError(
            f"{len(entries)} key operation{'s are' * (len(entries) > 1) or ' is'} open.",
            hint=f"Finish: {secrets.recover(entries)} --yes",
        )
    if len(entries) > 1 and context.destination.to:
        lines = "\n".join(f"  {secrets.recover([each])} {each.id[:8]} --yes --to SINK" for each in entries)
        raise UsageError(
            "--to names a place for one secret, and several operations are open.", hint=f"Name one:\n{lines}"
        )
    failures = _finished(context, entries)
    if output.style.yes and output.result_wanted:
        left = [entry for entry in entries if context.journal.read(entry.id)]
        output.rows(map(_row, left), shown, none="")
    if failures:
        raise _left_open(failures)


def _wanted(entries: list[Entry], ids: list[str]) -> list[Entry]:
    for wanted in ids:
        if not any(entry.id.startswith(wanted) for entry in entries):
            raise NotFoundError(f"Nothing open has the id {wanted!r}.", hint="See: astalty keys recover")
    return [entry for entry in entries if not ids or entry.id.startswith(tuple(ids))]


def _row(entry: Entry) -> bytes:
    return msgspec.json.encode(
        OpenOperation(
            entry.id,
            entry.operation,
            entry.name,
            entry.key_id,
            entry.phase,
            entry.sinks,
            iso(entry.started_at),
            entry.profile,
            entry.base_url,
        )
    )


def _finished(context: Context, entries: list[Entry]) -> dict[str, AstaltyError]:
    """Try each; return what stays open, by the start of its id."""
    from astalty_cli.commands import secrets
    from astalty_cli.services.recovery import Recovery, elsewhere

    failures: dict[str, AstaltyError] = {}
    session: Session | None = None
    for entry in entries:
        try:
            if entry.base_url != context.settings.base_url.value:
                raise elsewhere(entry)
            session = session or secrets.session(context)
            with context.journal.lock(entry.lock_name):
                current = context.journal.read(entry.id)
                if current is not None:
                    Recovery(session, _places(context, session, current), _words(context)).run(current)
        except (LeftOpenError, ConflictError, UsageError) as error:
            failures[entry.id[:8]] = error
    return failures


def _places(context: Context, session: "Session", entry: Entry) -> "Places":
    from astalty_cli.commands import secrets
    from astalty_cli.services.places import Places
    from astalty_cli.sinks.choice import again, named
    from astalty_cli.sinks.terminal import Panel

    around, output = secrets.surroundings(context), context.output
    own = [sink for spec in entry.sinks if (sink := again(spec, around))]
    given = named(context.destination, around)
    screen = Panel(output) if output.streams.stdout_is_terminal and not output.result_wanted else None
    return Places(session, own, given, screen, context.destination.force)


def _words(context: Context) -> "Words":
    from astalty_cli.services.places import Words

    output = context.output
    asks = output.streams.can_ask and not output.style.yes
    return Words(agrees=output.agrees, knows=lambda question: output.agrees(question) if asks else None)


def _left_open(failures: dict[str, AstaltyError]) -> AstaltyError:
    if len(failures) == 1:
        (error,) = failures.values()
        return LeftOpenError(error.message, hint=error.hint, status=error.status)
    hints = list(dict.fromkeys(error.hint for error in failures.values() if error.hint))
    return LeftOpenError(
        f"{len(failures)} key operations are still open.",
        hint="\n".join(hints),
        errors={name: [error.message] for name, error in failures.items()},
    )
