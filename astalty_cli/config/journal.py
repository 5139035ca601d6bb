"""What a key operation has left open: a file for each, written before the call that makes or ends a secret.

It holds ids, names, rotation numbers, idempotency keys, destinations and phases, and never a secret. With it
`keys recover` finishes what a crash or a lost answer has interrupted.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Struct

from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import ConflictError, LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS

_PATIENCE: Final = 0.5  # seconds: who only looks has a lock for a moment
_GROWTH: Final = 4096  # bytes that an entry may become longer by


class Operation(StrEnum):
    CREATE = "create"
    ROTATE = "rotate"
    REVOKE = "revoke"


class Phase(StrEnum):
    """How far an operation certainly is; it may be one step further than the journal knows."""

    ASKED = "asked"  # the call that makes or ends a secret may have been sent
    DELIVERING = "delivering"  # a secret was made; any of the destinations may have it
    DELIVERED = "delivered"  # all destinations have it
    VERIFIED = "proved"  # it works, and this machine's profiles use it


class JournalEntry(Struct, frozen=True, kw_only=True):
    """One open operation.

    `rotation` is the key's before the call (-1 before it exists), so the secret in question is that of
    `rotation + 1`; `last_fours` are of the secret before it and of each one made since. `first_grace` and
    `grace` are seconds: what the call that makes the secret gives the old one, and what the user asked for.
    `lost`: an earlier call of it made a secret that nobody has. `own`: the key makes the calls itself.
    `started_at` is by the service's clock.
    """

    id: str
    operation: Operation
    phase: Phase = Phase.ASKED
    key_id: str | None = None
    name: str
    rotation: int = -1
    last_fours: list[str] = []
    idempotency_key: str
    first_grace: int = 0
    grace: int = 0
    destinations: list[str] = msgspec.field(default_factory=list, name="sinks")  # its name on the disk
    delivered: list[str] = []
    lost: bool = False
    force: bool = False
    own: bool = False
    profile: str
    base_url: str
    account_id: str
    started_at: datetime

    @property
    def lock_name(self) -> str:
        """A created key has no id before the answer, so its operation is locked by its own."""
        return self.id if self.operation is Operation.CREATE or self.key_id is None else self.key_id


def new_idempotency_key() -> str:
    return os.urandom(16).hex()


class Contents(NamedTuple):
    """What the journal holds: entries, the oldest first, and the files that cannot be read."""

    entries: list[JournalEntry]
    damaged: list[Path]


class Journal:
    """The open operations of this user on this machine, in a 0700 folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, entry: JournalEntry) -> JournalEntry:
        """Put an entry on the disk, new or changed. Raises LocalError.

        A new one is written only where it can be replaced later, when there is a secret at risk.
        """
        path, data = self._path(entry.id), msgspec.json.encode(entry)
        if not path.exists():
            private_files.private_folder(self._folder)
            private_files.ensure_writable(path, 2 * len(data) + _GROWTH)
        private_files.write_private(path, data)
        return entry

    def close(self, entry: JournalEntry) -> None:
        private_files.remove(self._path(entry.id))
        if entry.lock_name == entry.id:  # nobody else will ever lock this name; a key's lock file stays
            private_files.remove(self._folder / f"{entry.id}.lock")

    def read(self, entry_id: str) -> JournalEntry | None:
        """Raises LocalError where the file is not what was written."""
        path = self._path(entry_id)
        data = private_files.read_private(path)
        try:
            return None if data is None else msgspec.json.decode(data, type=JournalEntry)
        except JSON_DECODE_ERRORS as error:
            raise LocalError(
                f"{path} is not usable: {error}.",
                hint="It says what a key operation has left open. Look at the key, then move the file away.",
            ) from None

    def contents(self) -> Contents:
        """All that is open, also what is being worked on right now; each file is read once.

        Raises LocalError where the folder cannot be looked into: then nobody knows what is open.
        """
        entries, damaged = [], []
        for path in private_files.listed(self._folder):
            if path.suffix == ".json" and not path.name.startswith("."):
                try:
                    entries.append(self.read(path.stem))
                except LocalError:
                    damaged.append(path)
        there = (entry for entry in entries if entry is not None)
        return Contents(sorted(there, key=lambda entry: entry.started_at), damaged)

    def of_key(self, base_url: str, key_id: str) -> list[JournalEntry]:
        entries = self.contents().entries
        return [entry for entry in entries if (entry.base_url, entry.key_id) == (base_url, key_id)]

    def abandoned(self, found: Contents) -> list[JournalEntry]:
        """Those of the entries that no running process works on."""
        return [entry for entry in found.entries if self.is_abandoned(entry)]

    def is_abandoned(self, entry: JournalEntry) -> bool:
        """Whether no running process works on it."""
        lock = self._acquired(entry.lock_name, shared=True)  # so that those who only look see it free
        if lock is None:
            return False
        lock.close()
        return True

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Work on one key alone. Raises ConflictError where another process does so."""
        lock = self._acquired(name, wait=_PATIENCE)
        if lock is None:
            raise ConflictError(
                "Busy: another astalty on this machine is working on this key.",
                hint="Nothing was done. Wait for it to end.",
            )
        with lock:
            yield

    def _acquired(self, name: str, *, shared: bool = False, wait: float = 0.0) -> BinaryIO | None:
        private_files.private_folder(self._folder)
        safe = re.sub(r"[^0-9A-Za-z-]", "_", name)[:64]  # a key's id is a server's text
        return locks.acquire(self._folder / f"{safe}.lock", shared=shared, wait=wait)

    def _path(self, entry_id: str) -> Path:
        return self._folder / f"{entry_id}.json"
