"""`astalty keys create`."""

from __future__ import annotations

from typing import Annotated

from astalty_cli.api import contract
from astalty_cli.base.vocabulary import Access
from astalty_cli.cli.options import ACCOUNT, BY_HAND, DRY_RUN, JSON, RECORD, SECRET, takes
from astalty_cli.cli.parameters import Choice, option
from astalty_cli.commands.keys.arguments import Name, hint_for_refused_name
from astalty_cli.context import Context


@takes(SECRET, BY_HAND, JSON, ACCOUNT, RECORD, DRY_RUN)
def create(
    context: Context,
    name: Name,
    *,
    access: Annotated[
        Access | None,
        option(
            "--access",
            metavar="LEVEL",
            type=Choice(Access),
            help="What the key may do; read-only if it is enough.",
        ),
    ] = None,
) -> None:
    import msgspec

    from astalty_cli.api.models import CreateKey
    from astalty_cli.commands.keys import by_hand
    from astalty_cli.commands.shared import dry_run, offering, secrets
    from astalty_cli.commands.shared.record import key_record
    from astalty_cli.services.keys.creation import Creation
    from astalty_cli.services.keys.delivery import probe

    key_record(context).check()
    account = None
    if not by_hand.is_wanted(context):
        account = offering.in_place(context, offering.CREATION, lambda: secrets.destinations(context))
    if account is None:
        by_hand.create(context, name, access)
        return
    destinations, force = secrets.destinations(context), context.get(SECRET).force
    if context.get(DRY_RUN):
        probe(destinations, None, force=force)
        dry_run.show(
            context, [("POST", contract.API_KEYS, CreateKey(name, access or msgspec.UNSET))], destinations
        )
        return
    secrets.remind(context)
    another_name = "Choose another name; `keys rotate` gives a key that is there a new secret."
    with hint_for_refused_name(another_name):
        made = Creation(account, destinations, force).run(name, access)
    context.completion_cache.note_key(made.id, made.name)
    secrets.print_key(context, made.row)
