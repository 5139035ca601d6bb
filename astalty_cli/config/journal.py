"""What a key operation has left open: a file for each, written before the call that makes or ends a secret.

It holds ids, names, rotation numbers, idempotency keys, destinations and phases, and never a secret. With it
`keys recover` finishes what a crash or a lost answer has interrupted.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from astalty_cli.api.models import Grace, Timestamp
from astalty_cli.base import locks, private_files
from astalty_cli.base.durations import LONGEST
from astalty_cli.base.errors import ConflictError, LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.vocabulary import Access

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
    `allow_self`, `allow_last` and `idle` (seconds) are what a revocation was given. `started_at` is by the
    service's clock. `access` is what was asked for: a replay sends the same bytes. `version` is another one
    where this program cannot know what the entry means.
    """

    version: Annotated[int, Meta(ge=1, le=1)] = 1
    id: str
    operation: Operation
    phase: Phase = Phase.ASKED
    key_id: str | None = None
    name: str
    access: Access | None = None
    rotation: Annotated[int, Meta(ge=-1, le=2**53)] = -1
    last_fours: list[str] = []
    idempotency_key: str
    first_grace: Grace = 0
    grace: Grace = 0
    destinations: list[str] = msgspec.field(default_factory=list, name="sinks")  # its name on the disk
    delivered: list[str] = []
    lost: bool = False
    force: bool = False
    own: bool = False
    allow_self: bool = False
    allow_last: bool = False
    idle: Annotated[int, Meta(ge=0, le=int(LONGEST.total_seconds()))] | None = None
    profile: str
    base_url: str
    account_id: str
    started_at: Timestamp

    @property
    def lock_name(self) -> str:
        """A created key has no id before the answer, so its operation is locked by its own."""
        return self.id if self.operation is Operation.CREATE or self.key_id is None else self.key_id


class _Glimpse(Struct):
    """What may be told of an entry that cannot be read as one."""

    key_id: str | None = None
    base_url: str | None = None


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
        """Raises LocalError if the file is not what was written."""
        path = self._path(entry_id)
        data = private_files.read_private(path)
        if data is None:
            return None
        try:
            entry = msgspec.json.decode(data, type=JournalEntry)
        except JSON_DECODE_ERRORS as error:
            raise _unusable(path, str(error)) from None
        if entry.id != entry_id:
            raise _unusable(path, f"it is of the entry {entry.id}")
        return entry

    def contents(self) -> Contents:
        """All that is open, also what is being worked on right now; each file is read once.

        Raises LocalError if the folder cannot be looked into: then nobody knows what is open.
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

    def unreadable(self, base_url: str, key_id: str | None) -> list[Path]:
        """The files that cannot be read and may be about this key; None is one that is to be made."""
        return [path for path in self.contents().damaged if _may_be_of(_glimpse(path), base_url, key_id)]

    def move_away(self, path: Path) -> Path:
        """Let a file that cannot be read count no longer; return where it is now. Raises LocalError."""
        place = path.with_suffix(".abandoned")
        try:
            path.replace(place)
        except OSError as error:
            raise LocalError(f"Cannot move {path} away: {error.strerror or error}.") from None
        return place

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
        """Work on one key alone. Raises ConflictError if another process does so."""
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


def _unusable(path: Path, problem: str) -> LocalError:
    return LocalError(
        f"{path} is not usable: {problem}.",
        hint="It says what a key operation has left open. Look at the keys, then: "
        f"astalty keys recover {quoted(path.stem)} --abandon",
    )


def _glimpse(path: Path) -> _Glimpse:
    try:
        return msgspec.json.decode(private_files.read_private(path) or b"", type=_Glimpse)
    except (LocalError, *JSON_DECODE_ERRORS):
        return _Glimpse()


def _may_be_of(seen: _Glimpse, base_url: str, key_id: str | None) -> bool:
    return seen.base_url in {base_url, None} and seen.key_id in {key_id, None}
