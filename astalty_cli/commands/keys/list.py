"""`astalty keys list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from astalty_cli.api import contract
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.cli.options import ACCOUNT, OUTPUT, RECORD, takes
from astalty_cli.cli.parameters import Choices, Sort, option
from astalty_cli.commands.keys.arguments import Verify
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.output.fields import Field
    from astalty_cli.services.keys.record import KeyRecord

    Listing = tuple[Iterator[tuple[str, str, bytes]], tuple[Field, ...]]  # id, name, JSON; the columns


@takes(OUTPUT, ACCOUNT, RECORD)
def list_keys(
    context: Context,
    *,
    status: Annotated[
        str | None,
        option("--status", metavar="STATUS", type=Choices(KeyStatus), help="Only these statuses"),
    ] = None,
    sort: Annotated[
        str | None, option("--sort", metavar="FIELD", type=Sort(contract.KEY_SORTS), help="Sort by")
    ] = None,
    verify: Verify = False,
) -> None:
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.record import key_columns, key_record, service_or_record

    key_columns(context, columns.KEYS)
    wanted = status or f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}"
    accepted: dict[str, bool | None] = {}
    if verify:
        from astalty_cli.commands.shared.verification import verified

        accepted = verified(context, key_record(context))

    def by_service(client: Client) -> Listing:
        rows = client.all_keys(status=wanted, sort=sort)
        return ((row.value.id, row.value.name, row.raw) for row in rows), columns.KEYS

    def by_record(record: KeyRecord) -> Listing:
        from astalty_cli.services.keys.recorded import RecordedKeys

        rows = RecordedKeys(record.file, record.origin, accepted).all_keys(status=wanted, sort=sort)
        return ((row.value.id, row.value.name, row.raw) for row in rows), columns.RECORDED_KEYS

    listing, known = service_or_record(context, by_service, by_record)
    names: dict[str, str] = {}

    def rows() -> Iterator[bytes]:
        for key_id, name, raw in listing:
            names[key_id] = name
            yield raw

    context.output.rows(rows(), key_columns(context, known), none="No keys.")
    if status is None:
        context.completion_cache.set_keys(names)
    secrets.remind(context, also_upcoming=True)
