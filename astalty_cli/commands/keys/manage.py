"""`astalty keys`: make, list, rename, rotate and revoke API keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from astalty_cli.api import contract
from astalty_cli.base.errors import AstaltyError, RefusedError, SeveralError
from astalty_cli.base.times import local, parse_duration
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.cli import candidates
from astalty_cli.cli.options import (
    ACCOUNT,
    ASK,
    DRY_RUN,
    JSON,
    OUTPUT,
    SECRET,
    checked,
    duration,
    sorting,
    takes,
    words,
)
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiKey


def _name(text: str) -> str:
    if not text.strip() or len(text) > 100:
        raise ValueError("a name has 1 to 100 characters")
    if re.search(contract.SECRET_SHAPE, text):
        raise ValueError("that is a secret, and a name is for everybody to see")
    return text


def _grace(text: str) -> timedelta:
    grace = parse_duration(text)
    if grace.total_seconds() > contract.MAX_GRACE:
        raise ValueError("the longest grace is 7d")
    return grace


Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY", help="Id, name, or 4 and more characters of the id.", autocompletion=candidates.keys
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", parser=checked(_name), help="1 to 100 characters.")]
AllowLast = Annotated[bool, typer.Option("--allow-last", help="Even the account's last active key.")]
AllowSelf = Annotated[bool, typer.Option("--allow-self", help="Even a key that is in use on this machine.")]


@contextmanager
def _name_may_be_refused(hint: str) -> Iterator[None]:
    """Say what to do where the service will not have the name of a key."""
    try:
        yield
    except RefusedError as error:
        if "name" in error.errors:
            error.hint = hint
        raise


@takes(ACCOUNT, OUTPUT)
def list_keys(
    context: Context,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            parser=words(tuple(KeyStatus)),
            autocompletion=candidates.some_of(tuple(KeyStatus)),
            metavar="STATUS",
            help="active, expiring, revoked; with commas.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            parser=sorting(contract.KEY_SORTS),
            autocompletion=candidates.some_of(contract.KEY_SORTS),
            metavar="FIELD",
            help="name, created_at, last_used_at; '-' reverses.",
        ),
    ] = None,
) -> None:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.commands.shared import secrets

    shown = context.output.columns(columns.KEYS, ApiKey)
    wanted = status or f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}"
    names: dict[str, str] = {}

    def rows() -> Iterator[bytes]:
        for key in context.client.all_keys(status=wanted, sort=sort):
            names[key.value.id] = key.value.name
            yield key.raw

    context.output.rows(rows(), shown, none="No keys.")
    if status is None:
        context.completion_cache.set_keys(names)
    secrets.remind(context)


@takes(ACCOUNT, OUTPUT)
def show(context: Context, key: Key) -> None:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.commands.shared import secrets
    from astalty_cli.services.keys.finder import KeyFinder

    shown = context.output.columns(columns.KEY, ApiKey)
    context.output.item(KeyFinder(context.client).find(key).raw, shown)
    secrets.remind(context)


@takes(ACCOUNT, JSON, SECRET, DRY_RUN)
def create(context: Context, name: Name) -> None:
    from astalty_cli.api.models import CreateKey
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.keys.creation import Creation
    from astalty_cli.services.keys.delivery import probe

    destinations, force = secrets.destinations(context), context.destination.force
    if context.dry_run:
        probe(destinations, None, force=force)
        dry_run.show(context, [("POST", contract.API_KEYS, CreateKey(name))], destinations)
        return
    secrets.remind(context)
    with _name_may_be_refused("Choose another name; `keys rotate` gives a key that is there a new secret."):
        made = Creation(secrets.operation(context), destinations, force).run(name)
    context.completion_cache.note_key(made.value.id, made.value.name)
    secrets.print_key(context, made.raw)


@takes(ACCOUNT, OUTPUT, DRY_RUN)
def rename(
    context: Context,
    key: Key,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", parser=checked(_name))],
) -> None:
    from astalty_cli.api.models import ApiKey, RenameKey
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.keys.finder import KeyFinder

    shown = context.output.columns(columns.KEY, ApiKey)
    found = KeyFinder(context.client).find_active(key)
    if context.dry_run:
        dry_run.show(context, [("PATCH", contract.api_key(found.id), RenameKey(new_name))])
        return
    secrets.remind(context)
    with _name_may_be_refused("Choose another name; `keys list` has those that are taken."):
        renamed = context.client.rename_key(found.id, new_name)
    context.completion_cache.note_key(found.id, renamed.value.name)
    context.output.note(f"Renamed {found.name!r} to {renamed.value.name!r} ({found.id}).")
    if context.output.result_wanted:
        context.output.item(renamed.raw, shown)


@takes(ACCOUNT, JSON, SECRET, ASK, DRY_RUN)
def rotate(
    context: Context,
    key: Key,
    *,
    grace: Annotated[
        timedelta,
        duration("--grace", "How long the old secret still works: 0 to 7d.", _grace),
    ] = "24h",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
    if_older_than: Annotated[
        timedelta | None,
        duration("--if-older-than", "Do nothing to a key whose secret is younger."),
    ] = None,
    allow_self: AllowSelf = False,
) -> None:
    """The old secret works until the new one has been delivered and proved to work, and the grace is over."""
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.keys.delivery import probe
    from astalty_cli.services.keys.finder import KeyFinder, described, secret_age
    from astalty_cli.services.keys.guards import Guards
    from astalty_cli.services.keys.rotation import Rotation, ensure_free

    output, force = context.output, context.destination.force
    destinations = secrets.destinations(context)
    if not grace and not context.dry_run:
        output.ensure_can_ask("end the old secret at once?")
    operation = secrets.operation(context)
    own = operation.own
    found = KeyFinder(operation.client).find_active(key)
    ensure_free(operation, found.id)
    if if_older_than is not None and secret_age(found, operation.now) < if_older_than:
        days = secret_age(found, operation.now).days
        output.note(f"The secret of {described(found)} is {days} days old: nothing was done.")
        return
    if not grace:
        Guards(operation, secrets.variable(context), allow_self=allow_self).refuse_in_use(found)
    if context.dry_run:
        probe(destinations, found, force=force)
        dry_run.show_rotation(context, found, grace, destinations)
        return
    secrets.remind(context)
    if not grace:
        output.ensure_confirmed(
            f"Rotate {described(found)}, {_last_use(found, own.id)}, and end its old secret at once? "
            "Whatever uses the old one stops working."
        )
    rotated, _ = Rotation(operation, destinations, grace, force=force).run(found)
    secrets.say_rotated(context, rotated.value, own=own.id == found.id)
    secrets.print_key(context, rotated.raw)


@takes(ACCOUNT, OUTPUT, ASK, DRY_RUN)
def revoke(
    context: Context,
    keys: Annotated[
        list[str],
        typer.Argument(metavar="KEY...", help="Ids, names or id prefixes.", autocompletion=candidates.keys),
    ],
    *,
    if_idle: Annotated[
        timedelta | None,
        duration("--if-idle", "Refuse a key that was used within this time."),
    ] = None,
    allow_self: AllowSelf = False,
    allow_last: AllowLast = False,
) -> None:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.services.keys.finder import described
    from astalty_cli.services.keys.guards import Guards
    from astalty_cli.services.keys.revoking import Revocation

    output = context.output
    if not context.dry_run:
        output.ensure_can_ask("revoke keys for good?")
    shown = output.columns(columns.KEYS, ApiKey)
    operation = secrets.operation(context)
    guards = Guards(
        operation, secrets.variable(context), allow_self=allow_self, allow_last=allow_last, idle=if_idle
    )
    revocation = Revocation(operation, guards)
    revocation.look_up(keys)
    if context.dry_run:
        dry_run.show(context, [("DELETE", contract.api_key(key.id), None) for key in revocation.keys])
        _fail(revocation.failures, 0)
        return
    secrets.remind(context)
    if revocation.keys:
        listed = "\n".join(
            f"  {described(key)}, {_last_use(key, operation.own.id)}" for key in revocation.keys
        )
        output.ensure_confirmed(
            f"{listed}\nRevoke? It cannot be undone: what uses a revoked key stops working."
        )
    revoked, rows = 0, []
    for key in revocation.run():
        revoked += 1
        context.completion_cache.note_key(key.id, None)
        output.note(f"Revoked {described(key)}.")
        if output.result_wanted and (row := revocation.seen_again(key)):
            rows.append(row)
    if output.result_wanted:
        output.rows(rows, shown, none="No revoked key can be shown.")
    _fail(revocation.failures, revoked)


def _fail(failures: dict[str, AstaltyError], revoked: int) -> None:
    if len(failures) == 1 and not revoked:
        raise next(iter(failures.values()))
    if failures:
        raise SeveralError(f"Not revoked: {len(failures)} of {len(failures) + revoked}.", failures)


def _last_use(key: ApiKey, own_id: str) -> str:
    if key.id == own_id:
        return "the key that you are using now"
    if key.last_used_at is None:
        return "never used"
    return f"last used {local(key.last_used_at)}" + (f" from {key.last_used_ip}" if key.last_used_ip else "")
