"""`astalty keys recover ID --abandon`: what cannot be finished is closed on the user's word."""

from __future__ import annotations

from astalty_cli.base.errors import UsageError
from astalty_cli.cli.options import SECRET
from astalty_cli.context import Context
from astalty_cli.output import columns


def abandon(context: Context, ids: list[str]) -> None:
    """Ask, with what that leaves as it is, and close. Nothing is asked of the service."""
    from astalty_cli.commands.shared.records import OpenOperation
    from astalty_cli.services.keys.abandoning import Abandonment

    output, wanted = context.output, context.get(SECRET)
    if not ids:
        raise UsageError("--abandon closes what you name.", hint="Name it: astalty keys recover ID --abandon")
    if wanted.to or wanted.copy:
        raise UsageError("--abandon makes no secret: it does not go with --to or --copy.")
    output.ensure_can_ask("close it without finishing it?")
    shown = output.columns(columns.JOURNAL, OpenOperation)
    given_up = Abandonment.of(context.journal, ids)
    consequences = "\n".join(given_up.consequences)
    output.ensure_confirmed(f"{consequences}\nClose without finishing? You will not be reminded of it.")
    given_up.run(output.note)
    if output.result_wanted:
        output.rows([], shown, none="")
