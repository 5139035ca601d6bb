"""`astalty keys`: make, list, rename, rotate and revoke API keys."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from astalty_cli.api import contract
from astalty_cli.api.models import ApiKey, KeyStatus
from astalty_cli.commands.group import group
from astalty_cli.commands.options import ACCOUNT, ASK, JSON, OUTPUT, checked, sorting, takes, words
from astalty_cli.context import Context
from astalty_cli.errors import SeveralError
from astalty_cli.output import columns
from astalty_cli.secret import Secret
from astalty_cli.times import local, parse_duration

_PROOF_SECONDS = 30.0  # of its own for what follows a new secret, whatever --timeout has left

app = group("Make, list, rename, rotate and revoke API keys.")


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


Key = Annotated[str, typer.Argument(metavar="KEY", help="Id, name, or 4 and more characters of the id.")]
Name = Annotated[str, typer.Argument(metavar="NAME", parser=checked(_name), help="1 to 100 characters.")]
Plain = Annotated[bool, typer.Option("--plain", help="Print the secret alone on stdout.")]


@app.command("list")
@app.command("ls", hidden=True)
@takes(ACCOUNT, OUTPUT)
def list_keys(
    context: Context,
    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            parser=words(tuple(KeyStatus)),
            metavar="STATUS",
            help="active, expiring, revoked; with commas.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            parser=sorting(contract.KEY_SORTS),
            metavar="FIELD",
            help="name, created_at, last_used_at; '-' reverses.",
        ),
    ] = None,
) -> None:
    """List the account's keys; revoked ones only with --status."""
    shown = context.output.columns(columns.KEYS, ApiKey)
    wanted = status or f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}"
    keys = context.client.all_keys(status=wanted, sort=sort)
    context.output.rows((key.raw for key in keys), shown, none="No keys.")


@app.command("show")
@takes(ACCOUNT, OUTPUT)
def show(context: Context, key: Key) -> None:
    """Show one key."""
    from astalty_cli.services.keys import KeyFinder

    shown = context.output.columns(columns.KEY, ApiKey)
    context.output.item(KeyFinder(context.client).find(key).raw, shown)


@app.command("create")
@takes(ACCOUNT, JSON)
def create(context: Context, name: Name, *, plain: Plain = False) -> None:
    """Make a key and show its secret, this once."""
    from astalty_cli.services import issuing
    from astalty_cli.services.keys import described
    from astalty_cli.sinks import terminal

    sink = terminal.chosen(context.output, plain=plain)
    made = issuing.create(context.client, name, sink)
    context.output.note(f"Made the key {described(made.value)}. It can do all that the account owner can.")


@app.command("rename")
@takes(ACCOUNT, OUTPUT)
def rename(
    context: Context,
    key: Key,
    new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", parser=checked(_name))],
) -> None:
    """Give a key another name."""
    from astalty_cli.services.keys import KeyFinder

    shown = context.output.columns(columns.KEY, ApiKey)
    found = KeyFinder(context.client).find_active(key)
    renamed = context.client.rename_key(found.id, new_name)
    context.output.note(f"Renamed {found.name!r} to {renamed.value.name!r} ({found.id}).")
    if context.output.result_wanted:
        context.output.item(renamed.raw, shown)


@app.command("rotate")
@takes(ACCOUNT, JSON, ASK)
def rotate(
    context: Context,
    key: Key,
    *,
    plain: Plain = False,
    grace: Annotated[
        timedelta,
        typer.Option(
            "--grace",
            parser=checked(_grace),
            metavar="DURATION",
            help="How long the old secret still works: 0 to 7d.",
        ),
    ] = "24h",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
) -> None:
    """Give a key a new secret, and end the old one in time.

    The old secret works until the new one has been proved to work and the grace is over.
    """
    from astalty_cli.config.settings import API_KEY
    from astalty_cli.services.issuing import Rotation
    from astalty_cli.services.keys import KeyFinder, described
    from astalty_cli.sinks import terminal

    sink = terminal.chosen(context.output, plain=plain)
    if not grace:
        context.output.must_be_able_to_ask("end the old secret at once?")
    found = KeyFinder(context.client).find_active(key)
    if not grace:
        context.output.confirm(
            f"Rotate {described(found)} and end its old secret at once? "
            "Whatever uses the old one stops working."
        )
    own = context.client.current_key().value
    rotation = Rotation(
        client=context.client,
        client_with=lambda secret: context.client_with(secret, _PROOF_SECONDS),
        sink=sink,
        adopt=lambda new, secret: _adopt(context, new, secret),
        grace=grace,
        account_id=own.account.id,
    )
    rotated = rotation.run(found)
    if context.settings.variable and own.id == rotated.id:
        context.output.note(f"{API_KEY} still holds the old secret: set it anew.")
    until = rotated.previous_expires_at
    context.output.note(
        f"Rotated {described(rotated)}. "
        + (f"The old secret works until {local(until)}." if until else "The old secret no longer works.")
    )


def _adopt(context: Context, key: ApiKey, secret: Secret) -> None:
    """Bring along what holds the rotated key on this machine: the sandbox's file, or profiles."""
    from astalty_cli.services.profiles import switch

    settings, output = context.settings, context.output
    if settings.is_sandbox:
        own = context.client_with(context.sandbox.secret(), _PROOF_SECONDS).current_key().value
        if own.id == key.id:
            context.sandbox.store_secret(secret)
            output.note("The sandbox profile now uses the new secret.")
    else:
        folder = context.program.folders.config
        for name in switch(context.config_file, folder, settings.base_url.value, key, secret):
            output.note(f"Profile {name!r} now uses the new secret.")


@app.command("revoke")
@app.command("rm", hidden=True)
@takes(ACCOUNT, OUTPUT, ASK)
def revoke(
    context: Context,
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Ids, names or id prefixes.")],
) -> None:
    """End keys for good: every secret of theirs stops at once."""
    from astalty_cli.services.keys import described
    from astalty_cli.services.revoking import Revocation

    output = context.output
    output.must_be_able_to_ask("revoke keys for good?")
    shown = output.columns(columns.KEYS, ApiKey)
    revocation = Revocation(context.client)
    revocation.look_up(keys)
    if revocation.keys:
        listed = "\n".join(
            f"  {described(key)}, {_last_use(key, revocation.own_id)}" for key in revocation.keys
        )
        output.confirm(f"{listed}\nRevoke? It cannot be undone: what uses a revoked key stops working.")
    revoked, rows = 0, []
    for key in revocation.run():
        revoked += 1
        output.note(f"Revoked {described(key)}.")
        if output.result_wanted and (row := revocation.seen_again(key)):
            rows.append(row)
    if output.result_wanted:
        output.rows(rows, shown, none="No revoked key can be shown.")
    failures = revocation.failures
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
