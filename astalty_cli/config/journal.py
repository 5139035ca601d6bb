"""What a key operation has left open: a file for each, written before the call that makes or ends a secret.

It holds ids, names, rotation numbers, idempotency keys, destinations and phases, and never a secret. With it
`keys recover` finishes what a crash or a lost answer has interrupted.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from astalty_cli.api.models import Grace, Timestamp
from astalty_cli.base import locks, private_files
from astalty_cli.base.durations import LONGEST
from astalty_cli.base.errors import ConflictError, LeftOpenError, LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.shell_words import command, quoted
from astalty_cli.base.vocabulary import Access, Storage

_VERSION: Final = 2
_PATIENCE: Final = 0.5  # seconds: who only looks has a lock for a moment
_GROWTH: Final = 4096  # bytes that an entry may become longer by


class Operation(StrEnum):
    CREATE = "create"
    ROTATE = "rotate"
    REVOKE = "revoke"


class Way(StrEnum):
    """How secrets are obtained and ended: through the API, or by a person on the web page."""

    IN_PLACE = "in_place"
    BY_HAND = "by_hand"


class Phase(StrEnum):
    """How far an operation certainly is; it may be one step further than the journal knows."""

    AWAITING_SECRET = "awaiting_secret"  # noqa: S105 - a person may have created a key on the page
    ASKED = "asked"  # the call that makes or ends a secret may have been sent
    DELIVERING = "delivering"  # a secret was made; any of the destinations may have it
    DELIVERED = "delivered"  # all destinations have it
    VERIFIED = "proved"  # it works, and this machine's profiles use it
    AWAITING_DELETION = "awaiting_deletion"  # a person has to delete the old key on the page


class JournalEntry(Struct, frozen=True, kw_only=True):
    """One open operation.

    `rotation` is the key's before the call (-1 before it exists), so the secret in question is that of
    `rotation + 1`; `last_fours` are of the secret before it and of each one made since. `first_grace` and
    `grace` are seconds: what the call that makes the secret gives the old one, and what the user asked for.
    `lost`: an earlier call of it made a secret that nobody has. `own`: the key makes the calls itself.
    `allow_self`, `allow_last` and `idle` (seconds) are what a revocation was given. `started_at` is by the
    service's clock. `access` is what was asked for: a replay sends the same bytes. `version` is another one
    if this program cannot know what the entry means; version 1 had no way by hand.

    By hand, `page_name` is the new key's name on the web page and `old_page_name` the old one's, if known.
    `slot` is where a copy of the old secret is kept until its key is verified to be deleted; `due_at` is when
    the key should be deleted. `old_is_gone`: it was deleted already when the operation began. `leaked`: the
    old secret has leaked: it is never put back, and its key may be deleted before there is a new one.
    `going_back`: the new key was deleted, and the old secret is being put back.
    """

    version: Annotated[int, Meta(ge=1, le=_VERSION)] = _VERSION
    id: str
    operation: Operation
    way: Way = Way.IN_PLACE
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
    page_name: str | None = None
    old_page_name: str | None = None
    old_is_gone: bool = False
    going_back: bool = False
    slot: Storage | None = None
    due_at: Timestamp | None = None
    leaked: bool = False

    @property
    def is_replaced_afterwards(self) -> bool:
        """Whether a person deletes the leaked key first, and creates a new one then."""
        waits = self.phase is Phase.AWAITING_DELETION and len(self.last_fours) == 1
        return self.leaked and waits and self.operation is Operation.ROTATE

    @property
    def lock_name(self) -> str:
        """A created key has no id before the answer, so its operation is locked by its own."""
        return self.id if self.operation is Operation.CREATE or self.key_id is None else self.key_id

    @property
    def awaits_deletion(self) -> bool:
        """Whether all that is left is that a person deletes a key on the web page."""
        return self.phase is Phase.AWAITING_DELETION

    @property
    def blocks_others(self) -> bool:
        """Whether another operation on the key has to wait until this one is finished."""
        return self.operation is not Operation.REVOKE and not self.awaits_deletion


class Glimpse(Struct):
    """What may be told of an entry that cannot be read as one."""

    key_id: str | None = None
    base_url: str | None = None
    slot: str | None = None


def new_idempotency_key() -> str:
    return os.urandom(16).hex()


class Contents(NamedTuple):
    """What the journal holds: entries, the oldest first, and the files that cannot be read, each with why."""

    entries: list[JournalEntry]
    damaged: dict[Path, LocalError]


class Journal:
    """The open operations of this user on this machine, in a 0700 folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, entry: JournalEntry) -> JournalEntry:
        """Put an entry on the disk, new or changed. Raises LocalError.

        A new one is written only where it can be replaced later, when there is a secret at risk. One that may
        not outlast a power cut is not left there: the call that it is about is not made.
        """
        path, data = self._path(entry.id), msgspec.json.encode(entry)
        if path.exists():
            private_files.write_private(path, data)
            return entry
        private_files.private_folder(self._folder)
        private_files.ensure_writable(path, 2 * len(data) + _GROWTH)
        try:
            private_files.write_private(path, data)
        except LocalError:
            with suppress(LeftOpenError):
                self.close(entry)
            raise
        return entry

    def close(self, entry: JournalEntry) -> None:
        """Raises LeftOpenError where its file cannot be removed: whatever was done, it is listed as open."""
        try:
            private_files.remove(self._path(entry.id))
        except LocalError as error:
            raise LeftOpenError(
                f"{error.message} So the operation on {entry.name!r} is still listed as open.",
                hint=f"When the folder can be written: {command('astalty keys recover', entry.id[:8])}",
            ) from None
        if entry.lock_name == entry.id:  # nobody else will ever lock this name; a key's lock file stays
            with suppress(LocalError):
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
        return msgspec.structs.replace(entry, version=_VERSION)

    def contents(self) -> Contents:
        """All that is open, also what is being worked on right now; each file is read once.

        Raises LocalError if the folder cannot be looked into: then nobody knows what is open.
        """
        entries, damaged = [], {}
        for path in private_files.listed(self._folder):
            if path.suffix == ".json" and not path.name.startswith("."):
                try:
                    entries.append(self.read(path.stem))
                except LocalError as error:
                    damaged[path] = error
        there = (entry for entry in entries if entry is not None)
        return Contents(sorted(there, key=lambda entry: entry.started_at), damaged)

    def unreadable(self, base_url: str, key_id: str | None) -> list[LocalError]:
        """Why files cannot be read that may be about this key; None is one that is to be made."""
        damaged = self.contents().damaged
        return [damaged[path] for path in damaged if _may_be_of(glimpse(path), base_url, key_id)]

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
        f"{path} cannot be read: {problem}.",
        hint="It says what a key operation has left open. Look at the keys, then: "
        f"astalty keys recover {quoted(path.stem)} --abandon",
    )


def glimpse(path: Path) -> Glimpse:
    """What can be learned from a file that cannot be read as an entry.

    Nothing of one that others could write: it may name another key than its own.
    """
    try:
        data = private_files.read_private(path, others_may_read=True)
        return msgspec.json.decode(data or b"", type=Glimpse)
    except (LocalError, *JSON_DECODE_ERRORS):
        return Glimpse()


def _may_be_of(seen: Glimpse, base_url: str, key_id: str | None) -> bool:
    return seen.base_url in {base_url, None} and seen.key_id in {key_id, None}
