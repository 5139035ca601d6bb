"""`astalty sandbox reset`: delete the sandbox's data."""

from __future__ import annotations

from astalty_cli.cli.options import ASK, takes
from astalty_cli.context import Context


@takes(ASK)
def reset(context: Context) -> None:
    from astalty_cli.config.settings import SANDBOX_ORIGIN
    from astalty_cli.services.keys.by_hand.slots import Slots

    home, slots = context.sandbox, Slots(context.program.folders.data)
    context.output.ensure_confirmed(f"Remove {home.database} with its keys and its history?")
    home.reset()
    for entry in context.journal.contents().entries:
        if entry.base_url == SANDBOX_ORIGIN:
            slots.remove(entry)
            context.journal.close(entry)
    context.output.note("Removed. The next use creates a new one.")
