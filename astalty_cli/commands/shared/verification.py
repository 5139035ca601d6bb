"""`--verify`: whether the keys that are stored on this machine still work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.services.keys.record import KeyRecord


def verified(context: Context, record: KeyRecord, key_id: str | None = None) -> dict[str, bool | None]:
    """Ask about each key that is stored here, or about one; say what came of it, and write it down."""
    from astalty_cli.commands.shared.secrets import destination_environment, holders
    from astalty_cli.services.keys.finder import described
    from astalty_cli.services.keys.verification import verify

    keys = [key for key in record.active_keys() if key_id in {None, key.id}]
    variable = context.settings.variable
    stored = [(held.key_id, held.secret) for held in holders(context).held()]
    accepted = verify(
        keys,
        [*([(None, variable)] if variable else []), *stored],
        destination_environment(context),
        lambda secret: context.client_with(secret, context.timeout),
    )
    record.verified([each for each, answer in accepted.items() if answer])
    words = {True: "still accepted", False: "not accepted any more (401)", None: "not known: no clear answer"}
    for key in keys:
        answer = words[accepted[key.id]] if key.id in accepted else "not asked: its secret is not stored here"
        context.output.note(f"{described(key)}: {answer}.")
    return accepted
