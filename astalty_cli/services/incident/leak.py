"""What this machine knows of a leaked secret whose key is on a web page: its key, its users, what is open."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.journal import JournalEntry, Operation, Phase, Way
from astalty_cli.config.record import RecordedKey, new_id
from astalty_cli.services.keys.by_hand.page_names import unnamed
from astalty_cli.services.keys.operation import LocalContext


@dataclass(frozen=True)
class Leak:
    """`key` is as the record has it, else one that is made up. `holders` are the profiles with the secret.

    `storage` is where a copy may be kept. `earlier` is an open entry that waits for this key's deletion.
    """

    secret: Secret
    key: RecordedKey
    is_recorded: bool
    holders: tuple[str, ...]
    storage: Storage
    earlier: JournalEntry | None

    @property
    def is_replaced(self) -> bool:
        """Whether a rotation has replaced the secret already, and only the deletion is left to do."""
        return self.replaced_by is not None

    @property
    def replaced_by(self) -> str | None:
        """The last four characters of the secret that has replaced it."""
        if self.earlier is None or self.earlier.operation is not Operation.ROTATE:
            return None
        return self.earlier.last_fours[1] if len(self.earlier.last_fours) > 1 else None


def find(context: LocalContext, secret: Secret) -> Leak:
    """A record that can't be read is said, and holds nothing up. Raises LocalError for the journal."""
    held = [each for each in context.holders.held() if each.secret == secret]
    earlier = _earlier(context, secret)
    try:
        key = _recorded(context, secret, earlier)
    except LocalError as error:
        context.warn(f"What the record knows of the leaked key is not known. {error.message}")
        key = None
    return Leak(
        secret=secret,
        key=key or _made_up(context, secret),
        is_recorded=key is not None,
        holders=tuple(each.holder for each in held),
        storage=held[0].storage if held else Storage.FILE,
        earlier=earlier,
    )


def _earlier(context: LocalContext, secret: Secret) -> JournalEntry | None:
    """A rotation before anything else: it knows the new secret."""
    found = [
        entry
        for entry in context.journal.contents().entries
        if (entry.base_url, entry.way, entry.phase) == (context.origin, Way.BY_HAND, Phase.AWAITING_DELETION)
        and secret.last_four
        and entry.last_fours[:1] == [secret.last_four]
    ]
    return max(found, key=lambda entry: len(entry.last_fours), default=None)


def _recorded(context: LocalContext, secret: Secret, earlier: JournalEntry | None) -> RecordedKey | None:
    """The key that the secret is of, one that has ended if need be; None if several may be meant."""
    keys = [key for key in context.record.file.read() if key.origin == context.origin]
    live = [key for key in keys if not key.ended_at]
    if earlier and (known := [key for key in live if key.id == earlier.key_id]):
        old = {"last_four": secret.last_four, "page_name": earlier.old_page_name}
        return msgspec.structs.replace(known[0], **old)
    alike = [key for key in live if secret.last_four and key.last_four == secret.last_four]
    if len(alike) == 1:
        return alike[0]
    ended = [key for key in keys if key.ended_at and secret.last_four and key.last_four == secret.last_four]
    return None if alike or not ended else _named_freely(ended[-1], live)


def _named_freely(ended: RecordedKey, live: Iterable[RecordedKey]) -> RecordedKey:
    """A key that has ended; another one may have its name by now."""
    is_free = all(key.name != ended.name for key in live)
    return ended if is_free else msgspec.structs.replace(ended, name=unnamed(ended.last_four))


def _made_up(context: LocalContext, secret: Secret) -> RecordedKey:
    return RecordedKey(
        name=unnamed(secret.last_four), origin=context.origin, id=new_id(), last_four=secret.last_four
    )
