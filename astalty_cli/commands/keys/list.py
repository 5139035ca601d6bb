"""`astalty keys list`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from astalty_cli.api import contract
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import Choices, Sort, option
from astalty_cli.context import Context
from astalty_cli.output import columns


@takes(OUTPUT, ACCOUNT)
def list_keys(
    context: Context,
    status: Annotated[
        str | None,
        option("--status", metavar="STATUS", type=Choices(KeyStatus), help="Only these statuses"),
    ] = None,
    sort: Annotated[
        str | None, option("--sort", metavar="FIELD", type=Sort(contract.KEY_SORTS), help="Sort by")
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
