"""Keys that a person still has to delete on the web page: what reminds of them, and for how long.

The journal of this machine knows them. A record that is shared knows only when a key's earlier secret is due.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from astalty_cli.base.errors import ConflictError, LocalError
from astalty_cli.base.times import local
from astalty_cli.config.journal import Journal, JournalEntry, Operation
from astalty_cli.config.record import RecordedKey
from astalty_cli.services.keys.by_hand.slots import Slots

SLOT_KEPT: Final = timedelta(days=30)  # after the date when the key was due for deletion


@dataclass(frozen=True)
class AwaitedDeletion:
    """A key to delete. `id` and `name` are the recorded key's, `last_four` and `page_name` its own.

    `is_old`: another key has replaced it. `can_verify`: False once the copy of its secret is removed.
    """

    id: str
    name: str
    last_four: str | None
    page_name: str | None
    due_at: datetime
    is_old: bool = True
    can_verify: bool = True

    @property
    def subject(self) -> str:
        """The key in a sentence, after "the"."""
        return f"{'old key of' if self.is_old else 'key'} {self.name!r}"

    @property
    def what(self) -> str:
        """As `subject`, with the name on the web page if that is known, else the end of its secret."""
        ends = f" (ends in {self.last_four})" if self.last_four else ""
        return self.subject + (f" ({self.page_name!r} on the web page)" if self.page_name else ends)

    def is_due(self, now: datetime) -> bool:
        return self.due_at <= now


def awaited(entry: JournalEntry, now: datetime, name: str = "") -> AwaitedDeletion:
    """What an entry waits for; `name` is the key's name now, if it is not the entry's any more."""
    due = entry.due_at or entry.started_at
    return AwaitedDeletion(
        id=entry.key_id or entry.id,
        name=name or entry.name,
        last_four=entry.last_fours[0] or None if entry.last_fours else None,
        page_name=entry.old_page_name,
        due_at=due,
        is_old=entry.operation is not Operation.REVOKE,
        can_verify=entry.slot is not None or not is_past_keeping(entry, now),
    )


def all_awaited(
    entries: Iterable[JournalEntry], keys: Sequence[RecordedKey], now: datetime
) -> list[AwaitedDeletion]:
    """Those of the entries, and of the other keys those that the record knows, as from another machine."""
    names = {key.id: key.name for key in keys}
    found = [
        awaited(entry, now, names.get(entry.key_id or "", "")) for entry in entries if entry.awaits_deletion
    ]
    known = {each.id for each in found}
    found += [
        AwaitedDeletion(key.id, key.name, None, None, due)
        for key in keys
        if (due := _due(key)) and key.id not in known
    ]
    return sorted(found, key=lambda each: (each.due_at, each.name, each.id))


def _due(key: RecordedKey) -> datetime | None:
    """A key that the service knows by an id loses its earlier secret by itself."""
    return key.previous_expires_at if key.service_id is None and not key.ended_at else None


def reminder(deletion: AwaitedDeletion) -> str:
    """Sentences about one that is due."""
    lost = "" if deletion.can_verify else " Nothing here can verify it any more."
    return f"The {deletion.what} was due for deletion on {local(deletion.due_at)}.{lost}"


def upcoming(deletions: Iterable[AwaitedDeletion], now: datetime) -> str:
    """One line for all that are not due yet; an empty text if there is none."""
    later = [f"the {each.what} on {local(each.due_at)}" for each in deletions if not each.is_due(now)]
    return f"Due for deletion: {', '.join(later)}." if later else ""


def is_past_keeping(entry: JournalEntry, now: datetime) -> bool:
    """Whether the copy of the old secret has been kept for long enough."""
    return entry.awaits_deletion and entry.due_at is not None and now - entry.due_at > SLOT_KEPT


def remove_expired_slots(
    journal: Journal, slots: Slots, entries: Iterable[JournalEntry], now: datetime
) -> list[JournalEntry]:
    """Remove the copies of old secrets whose keys were due thirty days ago; return the entries as they are.

    The entries stay open. What can't be removed now is tried again the next time.
    """
    return [
        _without_slot(journal, slots, entry)
        if entry.slot is not None and is_past_keeping(entry, now)
        else entry
        for entry in entries
    ]


def _without_slot(journal: Journal, slots: Slots, entry: JournalEntry) -> JournalEntry:
    with suppress(LocalError, ConflictError), journal.lock(entry.lock_name):
        if journal.read(entry.id) == entry:
            slots.remove(entry)
            return journal.write(msgspec.structs.replace(entry, slot=None))
    return entry
