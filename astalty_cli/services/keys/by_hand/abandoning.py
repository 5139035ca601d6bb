"""Closing an entry by hand on a person's word: what that leaves as it is, and what the record says then."""

from astalty_cli.config.journal import Journal, JournalEntry, Operation, Phase
from astalty_cli.config.record import Ending
from astalty_cli.services.keys.by_hand.deletion import still_due
from astalty_cli.services.keys.by_hand.slots import Slots
from astalty_cli.services.keys.record import KeyRecord


def left_as_it_is(entry: JournalEntry) -> str:
    """What holds once the entry is closed, as part of a sentence."""
    new = f"the new key{_named(entry.page_name)}"
    old = f"the old key{_named(entry.old_page_name)}"
    match entry.operation, entry.phase:
        case Operation.REVOKE, _:
            return "you say that the key is deleted. If it still exists, it still works."
        case Operation.ROTATE, Phase.AWAITING_DELETION:
            return f"you say that {old} is deleted. If it still exists, it still works."
        case Operation.CREATE, Phase.AWAITING_SECRET:
            return f"if you created {new} on the web page, it works until you delete it there."
        case Operation.CREATE, _:
            return f"{new} works until you delete it on the web page, even if its secret was not saved."
        case Operation.ROTATE, Phase.AWAITING_SECRET:
            stays = "is deleted" if entry.old_is_gone else "stays in use"
            return f"{old} {stays}. If you created {new} on the web page, it works until you delete it."
        case _:
            return (
                f"{old} and {new} both work. The new secret may not be saved everywhere, and nothing reminds "
                "you of deleting the old key."
            )


def close(entry: JournalEntry, journal: Journal, record: KeyRecord, slots: Slots) -> None:
    """Close the entry, without a copy of the old secret; the record notes what the person said.

    Raises LocalError if the copy can't be removed: the entry is then still open.
    """
    slots.remove(entry)
    if entry.awaits_deletion and entry.key_id:
        if entry.operation is Operation.REVOKE or entry.is_replaced_afterwards:
            record.ended(entry.key_id, Ending.STATED)
        else:
            record.deletion_stated(entry.key_id, still_due(journal, entry))
    journal.close(entry)


def _named(page_name: str | None) -> str:
    return f" ({page_name!r} on the web page)" if page_name else ""
