"""What the commands that create or end secrets have in common: a session, and where a secret goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from astalty_cli.base.errors import InterruptedByUser, LocalError, ServiceError, UnauthorizedError
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.vocabulary import API_KEY, access_name
from astalty_cli.cli.options import SECRET
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.api.identity import KeyIdentity
    from astalty_cli.api.models import ApiKey
    from astalty_cli.base.secret import Secret
    from astalty_cli.destinations.destination import Destination
    from astalty_cli.destinations.kinds import Environment
    from astalty_cli.services.keys.operation import Holders, OperationContext


def operation(context: Context, secret: Secret | None = None) -> OperationContext:
    """The account in force, as the services work with it; with `secret`, no key needs to be set up here."""
    from astalty_cli.api.capability_memory import Capability, Offer
    from astalty_cli.commands.shared.record import key_record
    from astalty_cli.services.keys.operation import PATIENCE, OperationContext

    # An operation goes on as it began, whatever one late answer to a new secret looks like.
    known = {Capability.KEYS: Offer.FULL}
    settings, secret = context.settings, secret or context.secret()
    return OperationContext(
        client=context.client_with(secret, context.timeout),
        client_with=lambda secret: context.client_with(secret, PATIENCE, known),
        secret=secret,
        profile=settings.profile.value,
        origin=settings.base_url.value,
        journal=context.journal,
        holders=_holders(context),
        record=key_record(context),
        recover=recover(context, settings.profile.value),
        say=context.output.note,
        warn=context.output.warn,
        show=lambda key, secret: _show(context, key, secret),
    )


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


def remind(context: Context) -> None:
    """Say in one line that something is open."""
    if not context.journal_folder.exists():
        return
    with suppress(LocalError):  # where even the folder cannot be read, it is `keys recover`'s to say
        found = context.journal.contents()
        entries = context.journal.abandoned(found)
        names = [f"{entry.operation} {entry.name!r}" for entry in entries]
        names += [f"{path}, which cannot be read" for path in found.damaged]
        if names:
            profiles = {entry.profile for entry in entries} or {context.settings.profile.value}
            finish = " and ".join(recover(context, profile) for profile in sorted(profiles))
            context.output.note(f"Still open: {', '.join(names)}. Finish it: {finish}")


def recover(context: Context, profile: str) -> str:
    """The command that finishes what a profile left open, also in another shell: it is named if need be."""
    in_force = context.settings.profile
    named = profile != in_force.value or in_force.source.startswith(("flag", "environment"))
    return "astalty keys recover" + (f" -p {quoted(profile)}" if named else "")


def _holders(context: Context) -> Holders:
    from astalty_cli.services.keys.profiles import Profiles

    if context.settings.is_sandbox:
        return context.sandbox
    folder = context.program.folders.config
    return Profiles(context.config_file, folder, context.settings.base_url.value)


def stored_secrets(context: Context) -> Iterator[tuple[str | None, Secret]]:
    """The secrets that this machine keeps for the origin in force, each with its key's id if it is known."""
    from astalty_cli.services.keys.profiles import Profiles

    if context.settings.is_sandbox:
        yield None, context.sandbox.secret()
        return
    folder = context.program.folders.config
    yield from Profiles(context.config_file, folder, context.settings.base_url.value).stored()


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


def say_rotated(context: Context, key: ApiKey, *, own: bool) -> None:
    from astalty_cli.base.times import local
    from astalty_cli.services.keys.finder import described

    if own and context.settings.variable:
        context.output.note(f"{API_KEY} still holds the old secret: set it again.")
    until = key.previous_expires_at
    old = f"works until {local(until)}" if until else "no longer works"
    level = access_name(key.access)
    context.output.note(f"Rotated {described(key)}. The old secret {old}. Access level: {level}.")


def print_key(context: Context, row: bytes) -> None:
    """Print the key if a flag asked for data and a destination took the secret."""
    from astalty_cli.api.models import ApiKey

    wanted, output = context.get(SECRET), context.output
    if (wanted.to or wanted.copy) and not wanted.plain and output.result_wanted:
        output.item(row, output.columns(columns.KEY, ApiKey))
