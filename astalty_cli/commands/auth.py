"""`astalty auth`: profiles, and the key that each of them uses."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from astalty_cli.api import contract
from astalty_cli.base.errors import (
    AstaltyError,
    ConflictError,
    LocalError,
    ServiceError,
    UsageError,
)
from astalty_cli.base.hiding import hide_bytes
from astalty_cli.base.shell_words import command, joined, quoted
from astalty_cli.base.signals import restore_core_limit
from astalty_cli.base.vocabulary import API_KEY, BASE_URL, PROFILE, SANDBOX, Storage
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, ASK, OUTPUT, RECORD, takes
from astalty_cli.cli.parameters import Choice, Offer, ParameterType, argument, option
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.api.models import CurrentKey
    from astalty_cli.base.secret import Secret
    from astalty_cli.config.journal import JournalEntry
    from astalty_cli.config.profiles import Profile
    from astalty_cli.config.settings import Settings


@takes(ACCOUNT, RECORD, ASK)
def login(
    context: Context,
    *,
    with_token: Annotated[bool, option("--with-token", help="Read the key from stdin.")] = False,
    storage: Annotated[
        Storage,
        option(
            "--storage",
            metavar="WHERE",
            type=Choice(Storage),
            help="Where to store the key (file: unencrypted, 0600)",
        ),
    ] = Storage.KEYRING,
) -> None:
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.record import key_record
    from astalty_cli.config.credentials import stored_in

    settings = context.resolve(may_be_new=True)
    if settings.is_sandbox:
        raise UsageError("The sandbox profile needs no login.", hint="Try: astalty keys list -p sandbox")
    name, origin = settings.profile.value, settings.base_url.value
    if not with_token and not context.program.streams.can_ask:
        raise UsageError(
            "There is no terminal to ask for the key on.",
            hint=f"Give it on stdin: {_once_more(context)} --with-token < FILE",
        )
    old, shown = settings.stored, context.config_file.read().profiles.get(name)
    if old and old.storage:
        held = f"…{old.last_four} for {old.base_url}"
        context.output.ensure_confirmed(f"Profile {name!r} holds a key already, {held}. Replace it?")
    place = stored_in(storage, context.program.folders.config)
    try:
        context.config_file.check(name)
        place.check(name)
    except LocalError as error:
        if storage is Storage.KEYRING:
            error.hint = (
                f"Use {API_KEY}, or keep the key in a file of your own: {_once_more(context)} --storage file"
            )
        raise
    context.settings = settings
    record = key_record(context)
    record.check()
    secret = secrets.read_key(
        context, "API key (not shown): ", with_token=with_token, stopped="Nothing was stored."
    )
    key = _checked(context, secret)
    profile = _profile(key, secret, origin, storage)
    config = context.config_file.read()
    if config.profiles.get(name) != shown:
        raise ConflictError(
            f"Profile {name!r} was changed meanwhile; nothing was stored.", hint="Look: astalty auth status"
        )
    place.store(name, origin, secret)
    context.config_file.save(name, profile, as_default=not config.profiles and name != "default")
    in_keyring = storage is Storage.KEYRING
    if old and (old.storage is not storage or (in_keyring and old.base_url != origin)):
        try:
            _forget(context, name, old)
        except LocalError as error:
            context.output.note(
                f"The earlier key could not be removed from the {old.storage}. {error.message}"
            )
    where = "the keyring" if in_keyring else f"an unencrypted file: {_key_file(context, name)}"
    context.output.note(
        f"Signed in to {profile.account or origin} as profile {name!r}. The key is in {where}."
    )
    record.signed_in(name, secret, key)
    if API_KEY in context.program.environ:
        context.output.note(f"{API_KEY} is set and overrides the stored key, except with -p {name}.")


def _once_more(context: Context) -> str:
    """The command line that was typed, for a hint to add a flag to."""
    return joined("astalty", *context.program.argv)


def _checked(context: Context, secret: Secret) -> CurrentKey | None:
    """What the service says of a key that it accepts; None if it says nothing."""
    from astalty_cli.commands.shared.secrets import check_pasted_key

    return _described(check_pasted_key(context, secret, stopped="Nothing was stored."))


def _profile(key: CurrentKey | None, secret: Secret, origin: str, storage: Storage) -> Profile:
    from astalty_cli.config.profiles import Profile

    if key is None:
        return Profile(origin, storage, last_four=secret.last_four)
    return Profile(origin, storage, key.id, key.last_four, key.account.name)


def _described(client: Client) -> CurrentKey | None:
    """Whose key this is, which is accepted; None if the server does not say."""
    try:
        return client.current_key().value
    except AstaltyError:
        return None


def _forget(context: Context, name: str, profile: Profile) -> None:
    """Remove the key that a profile has stored, from wherever it is."""
    from astalty_cli.config.credentials import stored_in

    if profile.storage is not None:
        stored_in(profile.storage, context.program.folders.config).remove(name, profile.base_url)


@takes(ACCOUNT, RECORD)
def logout(context: Context) -> None:
    """The key keeps working; the record, destinations and open operations are left as they are."""
    from astalty_cli.commands.shared.record import key_record
    from astalty_cli.services.keys.finder import described

    name = context.settings.profile.value
    if context.settings.is_sandbox:
        raise UsageError("The sandbox profile is built in.", hint="To start afresh: astalty sandbox reset")
    stored = context.settings.stored
    if stored is None or stored.storage is None:
        raise UsageError(f"Profile {name!r} has no stored key here.")
    _forget(context, name, stored)
    context.config_file.remove(name)
    context.output.note(
        f"Forgot profile {name!r} and its key on this machine. The key itself still works. "
        f"To end it, go to {contract.MANAGE_KEYS}, or run: astalty keys revoke"
    )
    with suppress(LocalError):  # a damaged record is no reason not to sign out
        for key in key_record(context).active_keys():
            if key.id == stored.key_id or (key.last_four and key.last_four == stored.last_four):
                context.output.note(f"The record keeps the key {described(key)}.")
    for left in _left_open(context):
        context.output.note(left)


def _left_open(context: Context) -> Iterator[str]:
    """What signing out leaves on this machine: old secrets that are kept, and operations that are open."""
    from astalty_cli.base import private_files
    from astalty_cli.commands.shared import secrets
    from astalty_cli.config.journal import Phase

    folder = context.program.folders.data / "keys" / "old"
    entries: list[JournalEntry] = []
    with suppress(LocalError):
        entries = context.journal.contents().entries if context.journal_folder.exists() else []
    kept = [entry for entry in entries if entry.slot and entry.phase is not Phase.AWAITING_SECRET]
    for entry in kept:
        in_keyring = entry.slot is Storage.KEYRING
        where = f"the keyring (astalty old {entry.base_url})" if in_keyring else folder / f"{entry.id}.json"
        again = command(secrets.recover(context, entry.profile), entry.id[:8])
        yield f"Kept until its key is deleted: the old secret of {entry.name!r}, in {where}. Finish: {again}"
    if names := [f"{entry.operation} {entry.name!r}" for entry in entries if entry not in kept]:
        yield f"Still open: {', '.join(names)}. See: astalty keys recover"
    known = {entry.id for entry in entries}
    with suppress(LocalError):
        for path in sorted(private_files.listed(folder)):
            if path.suffix == ".json" and path.stem not in known:
                yield f"An old secret that no open operation needs is in {path}. Remove it."


class ProfileType(ParameterType[str]):
    """A profile by name; those of this machine are offered to a person who names none."""

    def offers(self, context: Context) -> list[Offer]:
        profiles = context.config_file.read().profiles
        return [*((name, each.account or each.base_url) for name, each in profiles.items()), (SANDBOX, "")]


@takes()
def switch(
    context: Context,
    profile: Annotated[
        str,
        argument("PROFILE", type=ProfileType(str), help="Its name.", completions=candidates.profiles),
    ],
) -> None:
    from astalty_cli.config.profiles import checked_name

    config = context.config_file.read()
    if checked_name(profile) not in {*config.profiles, SANDBOX}:
        raise UsageError(
            f"There is no profile {profile!r}.", hint=f"Known: {', '.join([*config.profiles, SANDBOX])}."
        )
    context.config_file.set_default(profile)
    context.output.note(f"The default profile is now {profile!r}.")


@takes(OUTPUT, ACCOUNT)
def status(context: Context) -> None:
    """It also shows where each setting comes from: a flag, the environment or the config file."""
    import msgspec

    from astalty_cli.commands.shared.records import SignedIn

    output, settings = context.output, context.settings
    facts: dict[str, Any] = {
        "profile": settings.profile.value,
        "profile_source": settings.profile.source,
        "base_url": settings.base_url.value,
        "base_url_source": settings.base_url.source,
        "key_source": settings.key_source,
    }
    problem: AstaltyError | None = None
    try:
        facts |= _tried(context)
    except AstaltyError as error:
        problem = error
        if error.status == 401:
            error.hint = f"It may be revoked or rotated. {_another_key(settings)}"
    profiles = context.config_file.read().profiles
    works = None if isinstance(problem, ServiceError) else problem is None
    facts |= {"works": works, "profiles": _rows(profiles)}
    output.item(hide_bytes(msgspec.json.encode(facts)), output.columns(columns.STATUS, SignedIn))
    if output.format == "table" and facts["profiles"]:
        rows = [hide_bytes(msgspec.json.encode(profile)) for profile in facts["profiles"]]
        output.rows(rows, columns.PROFILES, none="")
    for name, profile in profiles.items():
        if profile.storage is Storage.FILE:
            context.output.note(f"The key of {name!r} is in an unencrypted file: {_key_file(context, name)}")
    if problem:
        raise problem


def _another_key(settings: Settings) -> str:
    """What to do about a key that is not accepted, if the user has seen already which one is used."""
    if settings.variable:
        return f"Put another key into {API_KEY}, or unset it."
    return f"Sign in with another key: astalty auth login -p {quoted(settings.profile.value)}"


def _tried(context: Context) -> dict[str, str | None]:
    secret = context.secret()
    context.capabilities.check_key()
    key = _described(context.client)
    if key is None:
        return {"last_four": secret.last_four}
    return {
        "key_name": key.name,
        "key_id": key.id,
        "last_four": key.last_four,
        "access": key.access,
        "account": key.account.name,
    }


def _rows(profiles: Mapping[str, Profile]) -> list[dict[str, Any]]:
    import msgspec

    return [{"name": name, **msgspec.to_builtins(profile)} for name, profile in profiles.items()]


def _key_file(context: Context, profile: str) -> Path:
    from astalty_cli.config.credentials import FileCredentials

    return FileCredentials(context.program.folders.config / "keys").path(profile)


@takes(ACCOUNT)
def execute(
    context: Context, command: Annotated[list[str], argument("CMD...", help="The program, after `--`.")]
) -> None:
    """The program gets ASTALTY_API_KEY and ASTALTY_BASE_URL."""
    if context.settings.is_sandbox:
        raise UsageError(
            "The sandbox profile runs inside astalty, where another program cannot reach it.",
            hint="Serve it: astalty sandbox serve. Then sign in: astalty auth login --base-url URL",
        )
    program = shutil.which(command[0])
    if program is None:
        raise UsageError(f"There is no program {command[0]!r}.")
    environ = {
        **{name: value for name, value in context.program.environ.items() if name != PROFILE},
        API_KEY: context.secret().reveal(),
        BASE_URL: context.settings.base_url.value,
    }
    context.output.finish()
    restore_core_limit()
    try:
        os.execve(program, command, environ)  # noqa: S606 - to run it is what the user asked for
    except OSError as error:
        raise UsageError(f"Cannot run {command[0]!r}: {error.strerror}.") from None
