"""`astalty keys rename`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from astalty_cli.api import contract
from astalty_cli.cli.options import ACCOUNT, DRY_RUN, OUTPUT, RECORD, takes
from astalty_cli.cli.parameters import argument
from astalty_cli.commands.keys.arguments import NAME_TYPE, Key, hint_for_refused_name
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.services.keys.record import KeyRecord


@takes(OUTPUT, ACCOUNT, RECORD, DRY_RUN)
def rename(
    context: Context,
    key: Key,
    new_name: Annotated[str, argument("NEW_NAME", type=NAME_TYPE, help="1 to 100 characters.")],
) -> None:
    from astalty_cli.commands.shared import offering
    from astalty_cli.commands.shared.record import key_columns, service_or_record

    key_columns(context, columns.KEY)
    with offering.unless_without_keys(context):
        offering.ensure_key_calls(context, [("PATCH", contract.api_key("{id}"))])
    service_or_record(
        context,
        lambda client: _at_the_service(context, client, key, new_name),
        lambda record: _in_the_record(context, record, key, new_name),
    )


def _at_the_service(context: Context, client: Client, key: str, new_name: str) -> None:
    from astalty_cli.api.models import RenameKey
    from astalty_cli.commands.shared import dry_run, secrets
    from astalty_cli.commands.shared.record import key_columns, key_record
    from astalty_cli.services.keys.finder import KeyFinder

    found = KeyFinder(client).find_active(key)
    if context.get(DRY_RUN):
        dry_run.show(context, [("PATCH", contract.api_key(found.id), RenameKey(new_name))])
        return
    secrets.remind(context)
    with hint_for_refused_name("Choose another name; `keys list` has those that are taken."):
        renamed = client.rename_key(found.id, new_name)
    context.completion_cache.note_key(found.id, renamed.value.name)
    context.output.note(f"Renamed {found.name!r} to {renamed.value.name!r} ({found.id}).")
    key_record(context).renamed(renamed.value, found.name)
    if context.output.result_wanted:
        context.output.item(renamed.raw, key_columns(context, columns.KEY))


def _in_the_record(context: Context, record: KeyRecord, key: str, new_name: str) -> None:
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.record import key_columns
    from astalty_cli.services.keys.finder import KeyFinder
    from astalty_cli.services.keys.recorded import RecordedKeys

    keys = RecordedKeys(record.file, record.origin, {})
    found = KeyFinder(keys).find_active(key)
    if context.get(DRY_RUN):
        record.ensure_free(new_name)
        context.output.note("A dry run: no request would be sent; only the record would be changed.")
        return
    secrets.remind(context)
    record.rename(found.id, new_name)
    context.completion_cache.note_key(found.id, new_name)
    page = f", where it is {found.page_name!r}" if found.page_name else ""
    context.output.note(
        f"Renamed {found.name!r} to {new_name!r} ({found.id}) in the record only. "
        f"Its name on the web page is unchanged{page}."
    )
    if context.output.result_wanted:
        context.output.item(keys.get_key(found.id).raw, key_columns(context, columns.RECORDED_KEY))
