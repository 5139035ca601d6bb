"""`astalty keys show`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astalty_cli.cli.options import ACCOUNT, OUTPUT, RECORD, takes
from astalty_cli.commands.keys.arguments import Key, Verify
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.output.fields import Field
    from astalty_cli.services.keys.record import KeyRecord

    Shown = tuple[bytes, tuple[Field, ...]]


@takes(OUTPUT, ACCOUNT, RECORD)
def show(context: Context, key: Key, *, verify: Verify = False) -> None:
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.record import key_columns, key_record, service_or_record
    from astalty_cli.commands.shared.verification import verified
    from astalty_cli.services.keys.finder import KeyFinder

    key_columns(context, columns.KEY)

    def by_service(client: Client) -> Shown:
        found = KeyFinder(client).find(key)
        if verify:
            verified(context, key_record(context), found.value.id)
        return found.raw, columns.KEY

    def by_record(record: KeyRecord) -> Shown:
        from astalty_cli.services.keys.recorded import RecordedKeys

        found = KeyFinder(RecordedKeys(record.file, record.origin, {})).find(key).value.id
        accepted = verified(context, record, found) if verify else {}
        return RecordedKeys(record.file, record.origin, accepted).get_key(found).raw, columns.RECORDED_KEY

    row, known = service_or_record(context, by_service, by_record)
    context.output.item(row, key_columns(context, known))
    secrets.remind(context)
