"""What the commands that create or end secrets have in common: a session, and where a secret goes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from astalty_cli.base.errors import InterruptedByUser, LocalError, ServiceError, UnauthorizedError
from astalty_cli.base.shell_words import command, quoted
from astalty_cli.base.vocabulary import API_KEY, access_name
from astalty_cli.cli.options import RECORD, SECRET
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.api.identity import KeyIdentity
    from astalty_cli.base.secret import Secret
    from astalty_cli.config.journal import JournalEntry
    from astalty_cli.destinations.destination import Destination
    from astalty_cli.destinations.kinds import Environment
    from astalty_cli.services.keys.issuer import Ended
    from astalty_cli.services.keys.operation import Holders, LocalContext, OperationContext


def operation(context: Context, secret: Secret | None = None, *, is_begun: bool = False) -> OperationContext:
    """The account in force, as the services work with it; with `secret`, no key needs to be set up here.

    `is_begun`: an operation through the API is to be finished, whatever the service seems to offer now.
    """
    from astalty_cli.api.capability_memory import Capability, Offer
    from astalty_cli.services.keys.operation import PATIENCE, OperationContext

    # An operation ends as it began, whatever one late answer to a new secret looks like.
    known = {Capability.KEYS: Offer.FULL}
    secret = secret or context.secret()
    return OperationContext(
        client=context.client_with(secret, context.timeout, known if is_begun else None),
        client_with=lambda secret: context.client_with(secret, PATIENCE, known),
        secret=secret,
        show=lambda key, secret: _show(context, key, secret),
        **_on_this_machine(context),
    )


def local_context(context: Context) -> LocalContext:
    """What an operation by hand works with: no key needs to be set up, and no secret is shown again."""
    from astalty_cli.services.keys.operation import PATIENCE, LocalContext

    return LocalContext(
        client_with=lambda secret: context.client_with(secret, PATIENCE),
        show=None,
        **_on_this_machine(context),
    )


def _on_this_machine(context: Context) -> dict[str, Any]:
    from astalty_cli.commands.shared.record import key_record

    settings = context.settings
    return {
        "profile": settings.profile.value,
        "origin": settings.base_url.value,
        "journal": context.journal,
        "holders": holders(context),
        "record": key_record(context),
        "recover": recover(context, settings.profile.value),
        "say": context.output.note,
        "warn": context.output.warn,
    }


def read_key(context: Context, prompt: str, *, with_token: bool, stopped: str) -> Secret:
    """A key from stdin, or typed unseen after `prompt`; `stopped` is what Ctrl-C there is answered with."""
    from astalty_cli.config.settings import typed_secret

    streams = context.program.streams
    if with_token:
        return typed_secret(streams.stdin.read(8192))
    from getpass import getpass

    try:
        return typed_secret(getpass(prompt, stream=streams.stderr))
    except (KeyboardInterrupt, EOFError):
        context.output.say("\n")
        raise InterruptedByUser(stopped) from None


def check_pasted_key(context: Context, secret: Secret, *, stopped: str) -> Client:
    """A client with a key that the service accepts; `stopped` is said of one that it doesn't.

    Raises UnauthorizedError, or ServiceError if the answers decide nothing.
    """
    client = context.client_with(secret, context.timeout)

    def wait(seconds: float) -> None:
        context.output.note("The service does not accept this key yet. Asking once more, in case it is new.")
        client.pause(seconds, "a second look at the key")

    try:
        client.capabilities.check_pasted_key(wait)
    except UnauthorizedError as error:
        error.hint = f"Check that all of it was copied, and that the base URL is right. {stopped}"
        raise
    except ServiceError as error:
        error.hint = f"{error.hint} {stopped}".lstrip()
        raise
    return client


def destinations(context: Context) -> list[Destination]:
    """Where the flags want a new secret. Raises UsageError if they do not say, or contradict."""
    from astalty_cli.destinations.choice import chosen

    return chosen(context.output, context.get(SECRET), destination_environment(context))


def destination_environment(context: Context) -> Environment:
    from astalty_cli.destinations.kinds import Environment

    settings = context.settings
    origin = None if settings.is_sandbox else settings.base_url.value
    return Environment(context.program.environ, context.config_file, origin)


def destinations_of(context: Context, entry: JournalEntry) -> list[Destination]:
    """Those that the journal names and that can be read and filled once more."""
    from astalty_cli.destinations.choice import again

    environment, clear_after = destination_environment(context), context.get(SECRET).clear_after
    found = (again(spec, environment, clear_after) for spec in entry.destinations)
    return [destination for destination in found if destination]


def remind(context: Context, *, also_upcoming: bool = False) -> None:
    """Say what is open: interrupted operations in one line, and a line for each key that is due for deletion.

    `also_upcoming`: and one for those that are not due yet.
    """
    if not context.journal_folder.exists():
        return
    with suppress(LocalError):  # where even the folder cannot be read, it is `keys recover`'s to say
        found = context.journal.contents()
        abandoned = context.journal.abandoned(found)
        entries = [entry for entry in abandoned if not entry.awaits_deletion]
        names = [f"{entry.operation} {entry.name!r}" for entry in entries]
        names += [f"{path}, which cannot be read" for path in found.damaged]
        if names:
            profiles = {entry.profile for entry in entries} or {context.settings.profile.value}
            finish = " and ".join(recover(context, profile) for profile in sorted(profiles))
            context.output.note(f"Still open: {', '.join(names)}. Finish it: {finish}")
        if waiting := [entry for entry in abandoned if entry.awaits_deletion]:
            _remind_of_deletions(context, waiting, also_upcoming=also_upcoming)


def _remind_of_deletions(context: Context, entries: list[JournalEntry], *, also_upcoming: bool) -> None:
    from astalty_cli.base.times import utc_now
    from astalty_cli.services.keys import awaiting_deletion

    now = utc_now()
    for entry in without_expired_slots(context, entries):
        each = awaiting_deletion.awaited(entry, now)
        if each.is_due(now):
            then = command(recover(context, entry.profile), entry.id[:8])
            word = "" if each.can_verify else " --abandon"
            context.output.note(f"{awaiting_deletion.reminder(each)} Delete it, then: {then}{word}")
    later = awaiting_deletion.upcoming((awaiting_deletion.awaited(entry, now) for entry in entries), now)
    if also_upcoming and later:
        context.output.note(later)


def without_expired_slots(context: Context, entries: list[JournalEntry]) -> list[JournalEntry]:
    """Remove the copies of old secrets that were kept for long enough."""
    from astalty_cli.base.times import utc_now
    from astalty_cli.services.keys.awaiting_deletion import remove_expired_slots
    from astalty_cli.services.keys.by_hand.slots import Slots

    return remove_expired_slots(context.journal, Slots(context.program.folders.data), entries, utc_now())


def recover(context: Context, profile: str) -> str:
    """The command that finishes what a profile left open, also in another shell: it is named if need be."""
    in_force = context.settings.profile
    named = profile != in_force.value or in_force.source.startswith(("flag", "environment"))
    words = ["astalty keys recover"] + (["-p", quoted(profile)] if named else [])
    if record := context.get(RECORD):
        words += ["--record", quoted(str(record.absolute()))]
    return " ".join(words)


def holders(context: Context) -> Holders:
    from astalty_cli.services.keys.profiles import Profiles

    if context.settings.is_sandbox:
        return context.sandbox
    folder = context.program.folders.config
    return Profiles(context.config_file, folder, context.settings.base_url.value)


def _show(context: Context, key: KeyIdentity, secret: Secret) -> None:
    from astalty_cli.output.human import secret_panel
    from astalty_cli.output.tty import controlling_terminal

    with controlling_terminal() as terminal:
        streams = replace(context.program.streams, stdout=terminal)
        terminal.write(secret_panel(secret.reveal(), key.name, key.access, streams))


def variable(context: Context) -> Secret | None:
    """The key in the environment, whether this command uses it or not."""
    from astalty_cli.config.settings import as_secret

    text = context.program.environ.get(API_KEY)
    return as_secret(text) if text else None


def say_rotated(context: Context, rotated: Ended, *, own: bool) -> None:
    from astalty_cli.base.times import local
    from astalty_cli.services.keys.finder import described

    if own and context.settings.variable:
        context.output.note(f"{API_KEY} still holds the old secret: set it again.")
    old = f"works until {local(rotated.until)}" if rotated.until else "no longer works"
    level = access_name(rotated.key.access)
    context.output.note(f"Rotated {described(rotated.key)}. The old secret {old}. Access level: {level}.")


def print_key(context: Context, row: bytes) -> None:
    """Print the key if a flag asked for data and a destination took the secret."""
    from astalty_cli.api.models import ApiKey

    wanted, output = context.get(SECRET), context.output
    if (wanted.to or wanted.copy) and not wanted.plain and output.result_wanted:
        output.item(row, output.columns(columns.KEY, ApiKey))
