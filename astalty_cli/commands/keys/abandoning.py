"""`astalty keys recover ID --abandon`: what cannot be finished is closed on the user's word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from astalty_cli.base.errors import UsageError
from astalty_cli.base.vocabulary import Storage
from astalty_cli.cli.options import SECRET
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.services.keys.record import KeyRecord


def abandon(context: Context, ids: list[str]) -> None:
    """Ask, with what that leaves as it is, and close. Nothing is asked of the service."""
    from astalty_cli.commands.shared.records import OpenOperation
    from astalty_cli.services.keys.abandoning import Abandonment
    from astalty_cli.services.keys.by_hand.slots import Slots

    output, wanted = context.output, context.get(SECRET)
    if not ids:
        raise UsageError("--abandon closes what you name.", hint="Name it: astalty keys recover ID --abandon")
    if wanted.to or wanted.copy:
        raise UsageError("--abandon makes no secret: it does not go with --to or --copy.")
    output.ensure_can_ask("close it without finishing it?")
    shown = output.columns(columns.JOURNAL, OpenOperation)
    given_up = Abandonment.of(context.journal, Slots(context.program.folders.data), ids)
    consequences = "\n".join(given_up.consequences)
    output.ensure_confirmed(f"{consequences}\nClose without finishing? You will not be reminded of it.")
    origin = _keyring_origin(context) if given_up.damaged else None
    given_up.run(output.note, lambda origin: _record_of(context, origin), origin)
    if output.result_wanted:
        output.rows([], shown, none="")


def _record_of(context: Context, origin: str) -> KeyRecord:
    from astalty_cli.commands.shared.record import key_record

    return replace(key_record(context), origin=origin)


def _keyring_origin(context: Context) -> str | None:
    """The origin in force, if this profile's keys are in the keyring."""
    stored = context.settings.stored
    return stored.base_url if stored and stored.storage is Storage.KEYRING else None
