"""`astalty keys show`."""

from __future__ import annotations

from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.commands.keys.arguments import Key
from astalty_cli.context import Context
from astalty_cli.output import columns


@takes(OUTPUT, ACCOUNT)
def show(context: Context, key: Key) -> None:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.commands.shared import secrets
    from astalty_cli.services.keys.finder import KeyFinder

    shown = context.output.columns(columns.KEY, ApiKey)
    context.output.item(KeyFinder(context.client).find(key).raw, shown)
    secrets.remind(context)
