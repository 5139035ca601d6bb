"""`astalty keys rotate`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from astalty_cli.api import contract
from astalty_cli.base.durations import parse_duration
from astalty_cli.cli.options import ACCOUNT, ASK, BY_HAND, DRY_RUN, JSON, RECORD, SECRET, takes
from astalty_cli.cli.parameters import Duration, option
from astalty_cli.commands.keys.arguments import AllowSelf, Key, last_use
from astalty_cli.context import Context


def _grace(text: str) -> timedelta:
    grace = parse_duration(text)
    if grace.total_seconds() > contract.MAX_GRACE:
        raise ValueError("the longest grace period is 7d")
    return grace


@takes(SECRET, BY_HAND, JSON, ACCOUNT, RECORD, ASK, DRY_RUN)
def rotate(
    context: Context,
    key: Key,
    *,
    grace: Annotated[
        timedelta,
        option(
            "--grace",
            metavar="DURATION",
            type=Duration(_grace),
            help="How long the old secret keeps working, 0 to 7d.",
        ),
    ] = timedelta(hours=24),
    if_older_than: Annotated[
        timedelta | None,
        option(
            "--if-older-than",
            metavar="DURATION",
            type=Duration(),
            help="Rotate only if the secret is older than this.",
        ),
    ] = None,
    allow_self: AllowSelf = False,
) -> None:
    """The grace period starts once the new secret has been delivered and verified."""
    from astalty_cli.commands.keys import by_hand
    from astalty_cli.commands.shared import dry_run, offering, secrets
    from astalty_cli.commands.shared.record import key_record
    from astalty_cli.services.keys.delivery import probe
    from astalty_cli.services.keys.finder import KeyFinder, described, secret_age
    from astalty_cli.services.keys.guards import Guards
    from astalty_cli.services.keys.rotation import Rotation, ensure_free

    output, force = context.output, context.get(SECRET).force
    key_record(context).check()
    operation = None
    if not by_hand.is_wanted(context):
        operation = offering.in_place(context, offering.ROTATION, lambda: secrets.destinations(context))
    if operation is None:
        by_hand.rotate(context, key, grace, if_older_than)
        return
    destinations = secrets.destinations(context)
    if not grace and not context.get(DRY_RUN):
        output.ensure_can_ask("end the old secret at once?")
    own = operation.own
    found = KeyFinder(operation.client).find_active(key)
    ensure_free(operation, found.id)
    if if_older_than is not None and secret_age(found, operation.now) < if_older_than:
        days = secret_age(found, operation.now).days
        output.note(f"The secret of {described(found)} is {days} days old: nothing was done.")
        return
    guards = Guards(operation, secrets.variable(context), allow_self=allow_self)
    if not grace:
        guards.refuse_in_use(found)
    if context.get(DRY_RUN):
        probe(destinations, found, force=force)
        dry_run.show_rotation(context, found, grace, destinations)
        return
    secrets.remind(context)
    if not grace:
        output.ensure_confirmed(
            f"Rotate {described(found)}, {last_use(found, own.id)}, and end its old secret at once? "
            "Whatever uses the old one stops working."
        )
        guards.refuse_in_use(found)  # again: the user may have thought for long
    rotated = Rotation(operation, destinations, grace, force=force).run(found).ended
    secrets.say_rotated(context, rotated, own=own.id == found.id)
    secrets.print_key(context, rotated.key.row)
