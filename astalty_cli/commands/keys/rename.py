"""`astalty keys rename`."""

from __future__ import annotations

from typing import Annotated

from astalty_cli.api import contract
from astalty_cli.cli.options import ACCOUNT, DRY_RUN, OUTPUT, takes
from astalty_cli.cli.parameters import argument
from astalty_cli.commands.keys.arguments import NAME_TYPE, Key, hint_for_refused_name
from astalty_cli.context import Context
from astalty_cli.output import columns


@takes(OUTPUT, ACCOUNT, DRY_RUN)
def rename(
    context: Context,
    key: Key,
    new_name: Annotated[str, argument("NEW_NAME", type=NAME_TYPE, help="1 to 100 characters.")],
) -> None:
    from astalty_cli.api.models import ApiKey, RenameKey
    from astalty_cli.commands.shared import dry_run, offering, secrets
    from astalty_cli.services.keys.finder import KeyFinder

    shown = context.output.columns(columns.KEY, ApiKey)
    offering.ensure_key_calls(context, [("PATCH", contract.api_key("{id}"))])
    found = KeyFinder(context.client).find_active(key)
    if context.get(DRY_RUN):
        dry_run.show(context, [("PATCH", contract.api_key(found.id), RenameKey(new_name))])
        return
    secrets.remind(context)
    with hint_for_refused_name("Choose another name; `keys list` has those that are taken."):
        renamed = context.client.rename_key(found.id, new_name)
    context.completion_cache.note_key(found.id, renamed.value.name)
    context.output.note(f"Renamed {found.name!r} to {renamed.value.name!r} ({found.id}).")
    if context.output.result_wanted:
        context.output.item(renamed.raw, shown)
