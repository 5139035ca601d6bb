"""Verifying that a person has deleted an old key on the web page, and nothing else.

The old secret has to get a 401 twice in a row while the new one, or another key of the account, is accepted.
Any other answer verifies nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Final

import msgspec

from astalty_cli.base.errors import ConflictError, LeftOpenError, ServiceError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import utc_now
from astalty_cli.config.journal import Journal, JournalEntry, Operation, Phase
from astalty_cli.config.record import Ending
from astalty_cli.services.keys.by_hand.checks import SECOND_LOOK, accepting_status, is_accepted
from astalty_cli.services.keys.by_hand.page_names import unnamed
from astalty_cli.services.keys.by_hand.person import Deletion, PageKey, Person
from astalty_cli.services.keys.by_hand.slots import Slots
from astalty_cli.services.keys.operation import LocalContext

_BETWEEN_LOOKS: Final = 15.0  # seconds, on a terminal: at most 4 looks a minute


class Seen(Enum):
    """What one look at the old key and its control has shown."""

    DELETED = auto()
    STILL_WORKS = auto()
    WRONG_KEY = auto()  # the new key was deleted instead of the old one
    BOTH = auto()  # neither works any more
    UNKNOWN = auto()


_DECIDING: Final = frozenset({Seen.DELETED, Seen.WRONG_KEY, Seen.BOTH})


@dataclass
class DeletionCheck:
    """`control` is the secret that has to be accepted; without one, the two 401s are enough."""

    context: LocalContext
    person: Person
    slots: Slots
    old: Secret
    control: Secret | None
    _problem: str = ""
    _is_sure: bool = True  # whether the control was accepted by more than a 403, which a firewall answers too

    def run(self, entry: JournalEntry) -> None:
        """Ask for the deletion and wait for it; look once without a terminal. The caller says it is due.

        It checks both keys before it asks: it never asks to delete the last key that works.
        Raises LeftOpenError if it is not verified.
        """
        try:
            seen = self._wait(entry) if self.person.is_here else self._look_once(entry)
        except KeyboardInterrupt:
            self.person.interrupted()
            raise self._left_open(entry, "Stopped.") from None
        self.conclude(entry, seen)

    def conclude(self, entry: JournalEntry, seen: Seen) -> None:
        """Close the entry of a key that is deleted. Raises LeftOpenError for anything else."""
        ends = entry.last_fours[0] if entry.last_fours else ""
        match seen:
            case Seen.DELETED:
                self._finish(entry)
            case Seen.WRONG_KEY if entry.leaked:
                raise LeftOpenError(
                    f"The wrong key was deleted: the service rejects the new key (ends in "
                    f"{entry.last_fours[-1]}) and accepts the leaked one (ends in {ends}).",
                    hint="Delete the leaked key too. Sign in with another key, then create a new one: "
                    f"astalty keys create NAME\nContinue: {command(self.context.recover, entry.id[:8])}",
                )
            case Seen.WRONG_KEY:
                raise WrongKeyDeletedError(
                    f"The wrong key was deleted: the service rejects the new key (ends in "
                    f"{entry.last_fours[-1]}) and accepts the old one (ends in {ends}).",
                    hint=f"Put the old secret back: {command(self.context.recover, entry.id[:8])}",
                )
            case Seen.BOTH if len(entry.last_fours) < 2:
                raise self._left_open(entry, "The service rejects every key that is stored here.")
            case Seen.BOTH:
                raise LeftOpenError(
                    "The service rejects both the old key and the new one: both were deleted.",
                    hint="Sign in with another key: astalty auth login\n"
                    "Then create a new one: astalty keys create NAME\n"
                    f"Close this: {command(self.context.recover, entry.id[:8])} --abandon",
                )
            case Seen.STILL_WORKS:
                raise self._left_open(entry, f"The service still accepts the key that ends in {ends}.")
            case Seen.UNKNOWN:
                raise self._left_open(entry, self._problem)

    def look(self, entry: JournalEntry) -> Seen:
        try:
            works = is_accepted(self.context, self.old)
            status = 200 if self.control is None else accepting_status(self.context, self.control)
            control, self._is_sure = status is not None, status == 200
            if not (works or control or self._is_new(entry)):
                control = self._another_works()
        except ServiceError as error:
            self._problem = error.message
            return Seen.UNKNOWN
        if not works:
            return Seen.DELETED if control else Seen.BOTH
        return Seen.STILL_WORKS if control or not self._is_new(entry) else Seen.WRONG_KEY

    def _is_new(self, entry: JournalEntry) -> bool:
        """Whether the control is what replaced the old secret; a later rotation may have replaced that."""
        newest = self.control is not None and self.control.last_four == entry.last_fours[-1]
        rotated = entry.operation is Operation.ROTATE and not entry.is_replaced_afterwards
        return rotated and newest and not self._is_ending(entry)

    def _is_ending(self, entry: JournalEntry) -> bool:
        """Whether the key itself is revoked, or about to be: then its newest secret may be rejected."""
        context, key_id = self.context, entry.key_id or ""
        entries = context.journal.of_key(context.origin, key_id)
        return any(each.operation is Operation.REVOKE for each in entries) or not any(
            key.id == key_id for key in context.record.active_keys()
        )

    def _another_works(self) -> bool:
        """Whether the service accepts any other secret of this machine."""
        others = {held.secret for held in self.context.holders.held()} - {self.old, self.control}
        return any(is_accepted(self.context, secret) for secret in others)

    def look_twice(self, entry: JournalEntry) -> Seen:
        """A look that seems to decide is confirmed by another one, since reads may lag."""
        seen = self.look(entry)
        if seen not in _DECIDING:
            return seen
        self.context.sleep(SECOND_LOOK)
        again = self.look(entry)
        return again if again == seen or again not in _DECIDING else Seen.UNKNOWN

    def _look_once(self, entry: JournalEntry) -> Seen:
        seen = self.look_twice(entry)
        if seen is Seen.STILL_WORKS and not self._is_sure:
            self.context.sleep(SECOND_LOOK)
            seen = self.look_twice(entry)
        if seen is Seen.STILL_WORKS:
            self.person.delete(deletion_of(entry))
        return seen

    def _wait(self, entry: JournalEntry) -> Seen:
        before: Seen | None = None
        is_asked_for = False
        while True:
            seen = self.look(entry)
            if seen in _DECIDING and seen == before:
                return seen
            if seen is Seen.STILL_WORKS and not is_asked_for and (self._is_sure or seen == before):
                self.person.delete(deletion_of(entry))
                is_asked_for = True
            if seen != before:
                self.person.waiting(self._text(entry, seen))
            before = seen
            self.context.sleep(_BETWEEN_LOOKS)

    def _text(self, entry: JournalEntry, seen: Seen) -> str:
        which = "The key" if entry.operation is Operation.REVOKE else "The old key"
        which = "The leaked key" if entry.leaked else which
        return {
            Seen.DELETED: f"{which} is rejected. Checking once more…",
            Seen.STILL_WORKS: f"{which} still works. Checking every 15 s; press Ctrl-C to finish later.",
            Seen.WRONG_KEY: "The service rejects the new key and accepts the old one. Checking once more…",
            Seen.BOTH: "The service rejects both keys. Checking once more…",
            Seen.UNKNOWN: self._problem,
        }[seen]

    def _finish(self, entry: JournalEntry) -> None:
        context, key_id = self.context, entry.key_id or ""
        if entry.leaked:
            record_leak_ended(context, entry)
        if entry.is_replaced_afterwards:
            self._await_secret(entry)
        else:
            if entry.operation is Operation.ROTATE or not self._is_the_keys_newest(entry):
                context.record.deletion_verified(key_id, still_due(context.journal, entry))
            elif not entry.leaked:
                context.record.ended(key_id, Ending.REJECTED)
            self.slots.remove(entry)
            context.journal.close(entry)
        ends = f" (ends in {entry.last_fours[0]})" if entry.last_fours else ""
        context.say(f"Verified: {_which(entry)}{ends} is deleted.")

    def _is_the_keys_newest(self, entry: JournalEntry) -> bool:
        """Whether no other key has taken the name meanwhile: a rotation may have begun after a revocation."""
        return not any(
            key.id == entry.key_id and key.last_four not in entry.last_fours
            for key in self.context.record.active_keys()
        )

    def _await_secret(self, entry: JournalEntry) -> None:
        """The slot stays: by it, the profiles that hold the leaked secret are known."""
        context = self.context
        with context.journal.lock(entry.lock_name):
            if context.journal.read(entry.id) != entry:
                raise ConflictError(f"The entry of {entry.name!r} has moved on meanwhile.")
            context.journal.write(
                msgspec.structs.replace(entry, phase=Phase.AWAITING_SECRET, old_is_gone=True, due_at=None)
            )

    def _left_open(self, entry: JournalEntry, why: str) -> LeftOpenError:
        again = command(self.context.recover, entry.id[:8])
        which = _which(entry)
        return LeftOpenError(
            f"{why} {which[0].upper()}{which[1:]} is still to be deleted.",
            hint=f"Continue: {again}\nIf you know that it is deleted: {again} --abandon",
        )


def record_leak_ended(context: LocalContext, entry: JournalEntry) -> None:
    context.record.leak_ended(
        entry.key_id or "", entry.name, last_four=entry.last_fours[0], page_name=entry.old_page_name
    )


def _which(entry: JournalEntry) -> str:
    if entry.leaked:
        return "the leaked key"
    is_old = entry.operation is not Operation.REVOKE
    return f"the old key of {entry.name!r}" if is_old else f"the key {entry.name!r}"


class WrongKeyDeletedError(LeftOpenError):
    """The new key was deleted on the page, and the old one works."""


def deletion_of(entry: JournalEntry) -> Deletion:
    """The key that an entry waits for to be deleted."""
    ends = [*entry.last_fours, "", ""]
    is_alone = entry.operation is Operation.REVOKE or entry.is_replaced_afterwards
    new = None if is_alone else PageKey(entry.page_name, entry.access, ends[1])
    name = None if entry.name == unnamed(ends[0]) else entry.name
    old, due = PageKey(entry.old_page_name, None, ends[0]), entry.due_at or utc_now()
    return Deletion(name, old, new, due, comes_first=entry.is_replaced_afterwards)


def still_due(journal: Journal, finished: JournalEntry) -> datetime | None:
    """When the next old key of the same key is due, if there is another one."""
    others = journal.of_key(finished.base_url, finished.key_id or "")
    return min((each.due_at for each in others if each.due_at and each.id != finished.id), default=None)
