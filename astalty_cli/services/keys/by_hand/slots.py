"""The slots of old secrets: copies that are kept until their keys are verified to be deleted."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.credentials import slot_in
from astalty_cli.config.journal import JournalEntry, glimpse


@dataclass(frozen=True)
class Slots:
    """They lie below the `data` folder, or in the keyring. Each method raises LocalError."""

    data: Path

    def store(self, entry: JournalEntry, secret: Secret) -> None:
        if entry.slot is not None:
            slot_in(entry.slot, self.data).store(entry.id, entry.base_url, secret)

    def load(self, entry: JournalEntry) -> Secret | None:
        return None if entry.slot is None else slot_in(entry.slot, self.data).load(entry.id, entry.base_url)

    def remove(self, entry: JournalEntry) -> None:
        if entry.slot is not None:
            slot_in(entry.slot, self.data).remove(entry.id, entry.base_url)

    def remove_unread(self, path: Path, origin: str | None) -> None:
        """Remove what may be kept for an entry that can't be read.

        If the file tells nothing, the keyring is tried for `origin`, if there is one.
        """
        seen = glimpse(path)
        slot_in(Storage.FILE, self.data).remove(path.stem, "")
        keyring = slot_in(Storage.KEYRING, self.data)
        if seen.slot == Storage.KEYRING and seen.base_url:
            keyring.remove(path.stem, seen.base_url)
        elif origin and not seen.base_url:
            with suppress(LocalError):
                keyring.remove(path.stem, origin)
