"""Creating a key, replacing its secret and ending it by hand, from the guards to the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec

from astalty_cli.base.errors import ConflictError, LeftOpenError, LocalError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.signals import deferred
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import Access
from astalty_cli.config.journal import JournalEntry, Operation, Phase, Way, new_idempotency_key
from astalty_cli.config.record import Ending, RecordedKey, new_id
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.awaiting_deletion import awaited
from astalty_cli.services.keys.by_hand.deletion import DeletionCheck, deletion_of
from astalty_cli.services.keys.by_hand.issuer import ByHand
from astalty_cli.services.keys.by_hand.old_secret import OldSecret
from astalty_cli.services.keys.by_hand.page_names import next_page_name
from astalty_cli.services.keys.by_hand.person import Person
from astalty_cli.services.keys.by_hand.slots import Slots
from astalty_cli.services.keys.creation import at_risk_text
from astalty_cli.services.keys.delivery import probe
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.issuer import Ended, NewSecret, left_open
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.operation import LocalContext
from astalty_cli.services.keys.record import lasting
from astalty_cli.services.keys.rotation import RotationFinish


@dataclass(frozen=True)
class HandOperation:
    """One operation on a key. `destinations` get the new secret."""

    context: LocalContext
    person: Person
    slots: Slots
    destinations: Sequence[Destination] = ()
    force: bool = False
    allow_other_account: bool = False

    def create(self, name: str, access: Access | None, known: Secret | None) -> NewSecret:
        """Create a key; `known` is another one of the account that works, to compare it with.

        Raises ConflictError if the record has the name, and LeftOpenError if something is left to finish.
        """
        context = self.context
        context.record.ensure_free(name)
        self._ensure_not_begun(name)
        probe(self.destinations, None, force=self.force)
        context.ensure_readable(None)
        entry = self.new_entry(Operation.CREATE, new_id(), name, access=access, page_name=name)
        with context.journal.lock(entry.lock_name):
            new = self.issue(self.issuer(None, None, known), entry)
            context.journal.close(new.entry)
        return new

    def rotate(self, key: RecordedKey, old: OldSecret, grace: timedelta) -> Ended:
        """Replace a key by another one under the same name.

        Raises UsageError if nothing would get the new secret, and LeftOpenError if something is left to do.
        """
        context = self.context
        self.ensure_delivered_somewhere(old.holders)
        if not old.is_accepted:
            context.say(f"The old key of {described(key)} is already deleted: only a new one is needed.")
        with context.journal.lock(key.id):
            context.ensure_none_open(key.id)
            self._ensure_unchanged(key)
            probe(self.destinations, key, force=self.force)
            entry = self.new_entry(
                Operation.ROTATE,
                key.id,
                key.name,
                access=access_of(key),
                page_name=self.next_page_name(key),
                old_page_name=key.page_name,
                last_fours=[old.secret.last_four],
                grace=int(grace.total_seconds()),
                old_is_gone=not old.is_accepted,
                slot=old.slot if old.is_accepted else None,
            )
            issuer = self.issuer(key, old.secret, old.secret if old.is_accepted else None)
            new = self.issue(issuer, entry)
            ended = RotationFinish(context, issuer).run(new)
        self.check_if_due(new.entry.id, old.secret, new.secret)
        return ended

    def revoke(self, key: RecordedKey, old: OldSecret | None, control: Secret | None) -> None:
        """End a key. `control` is another secret that should be accepted meanwhile, if there is one.

        Raises LeftOpenError until the service rejects it.
        """
        context = self.context
        if old is not None and not old.is_accepted:
            context.record.ended(key.id, Ending.REJECTED)
            context.say(f"{described(key)} is already deleted: the service rejects it.")
            return
        with context.journal.lock(key.id):
            context.ensure_readable(key.id)
            self._ensure_unchanged(key)
            entry = self._begun_revocation(key) or self._begin_revocation(key, old)
        if old is None:
            self.person.delete(deletion_of(entry))
            raise unverifiable(context, entry)
        self.deletion_check(old.secret, control).run(entry)

    def _begun_revocation(self, key: RecordedKey) -> JournalEntry | None:
        """An earlier revocation of the same key, which goes on."""
        for entry in self.context.journal.of_key(self.context.origin, key.id):
            if entry.operation is Operation.REVOKE and entry.last_fours == [key.last_four]:
                return entry
        return None

    def _begin_revocation(self, key: RecordedKey, old: OldSecret | None) -> JournalEntry:
        journal = self.context.journal
        entry = journal.write(
            self.new_entry(
                Operation.REVOKE,
                key.id,
                key.name,
                old_page_name=key.page_name,
                last_fours=[key.last_four],
                slot=old.slot if old else None,
                due_at=utc_now(),
                phase=Phase.AWAITING_DELETION,
            )
        )
        if old is not None:
            self.keep(entry, old.secret)
        return entry

    def keep(self, entry: JournalEntry, old: Secret) -> None:
        """Keep a copy of the old secret. If that fails, close the entry: nothing was asked yet.

        Raises LocalError, and LeftOpenError if the entry stays, since a copy may be there all the same.
        """
        try:
            self.slots.store(entry, old)
        except LocalError as error:
            self._undo(entry, error)
            raise

    def _undo(self, entry: JournalEntry, error: LocalError) -> None:
        try:
            self.slots.remove(entry)
        except LocalError:
            again = command(self.context.recover, entry.id[:8])
            raise LeftOpenError(
                f"{error.message} A copy of the key's secret may be there.",
                hint=f"Continue: {again}\nOr remove the copy: {again} --abandon",
            ) from None
        self.context.journal.close(entry)

    def issuer(self, key: RecordedKey | None, old: Secret | None, known: Secret | None) -> ByHand:
        """`key` is the one to replace; `known` a secret to compare the account with, if it works."""
        given = set(lasting(destination.spec for destination in self.destinations))
        others = [spec for spec in key.destinations if spec not in given] if key else []
        return ByHand(self.context, self.person, self.slots, old, known, others, self.allow_other_account)

    def issue(self, issuer: ByHand, entry: JournalEntry) -> NewSecret:
        """Ask for the secret, which may be interrupted, and hand it over, which may not."""
        return self.hand_over(issuer, issuer.issue(self.context.journal.write(entry)))

    def hand_over(self, issuer: ByHand, new: NewSecret) -> NewSecret:
        context, entry = self.context, new.entry
        with deferred(context.warn, at_risk_text(entry.name)) as signals:
            new = Issuing(context, issuer, self.destinations).deliver(new)
        with left_open(context, new.entry, new.key, issuer.old_text(new.entry)):
            signals.obey()
        return new

    def ensure_delivered_somewhere(self, holders: Sequence[str]) -> None:
        """Raises UsageError unless a destination or a profile gets the new secret."""
        if not (self.destinations or holders):
            raise UsageError(
                "The new secret has nowhere to go.",
                hint="Name a destination, such as --to dotenv:.env#NAME or --to keyring:PROFILE.",
            )

    def deletion_check(self, old: Secret, control: Secret | None) -> DeletionCheck:
        return DeletionCheck(self.context, self.person, self.slots, old, control)

    def check_if_due(self, entry_id: str, old: Secret, control: Secret | None) -> None:
        """Ask for the deletion and wait for it, if that is due. Raises LeftOpenError if it isn't verified."""
        entry = self.context.journal.read(entry_id)
        if entry is None or entry.due_at is None:
            return
        if entry.due_at <= utc_now():
            self.deletion_check(old, control).run(entry)
        else:
            self.person.delete_later(deletion_of(entry), command(self.context.recover, entry.id[:8]))

    def _ensure_unchanged(self, key: RecordedKey) -> None:
        """The user may have thought for long. Raises ConflictError if the key is another one by now."""
        now = next((each for each in self.context.record.active_keys() if each.id == key.id), None)
        if now is None or now.last_four != key.last_four:
            raise ConflictError(
                f"Someone else changed {described(key)} meanwhile; nothing was done.",
                hint=f"See: {command('astalty keys show', key.name)}",
            )

    def _ensure_not_begun(self, name: str) -> None:
        """Raises LeftOpenError if another creation of this name waits for its key."""
        for entry in self.context.journal.contents().entries:
            begun = (entry.operation, entry.name, entry.base_url)
            if begun == (Operation.CREATE, name, self.context.origin):
                raise LeftOpenError(
                    f"The creation of {name!r} is open; nothing was done.",
                    hint=f"Finish it first: {command(self.context.recover, entry.id[:8])}",
                )

    def next_page_name(self, key: RecordedKey) -> str:
        context, day = self.context, utc_now().astimezone().date()
        entries = context.journal.contents().entries
        return next_page_name(key.name, day, context.record.active_keys(), entries)

    def new_entry(self, operation: Operation, key_id: str, name: str, **fields: Any) -> JournalEntry:
        context = self.context
        entry = JournalEntry(
            id=uuid4().hex,
            operation=operation,
            way=Way.BY_HAND,
            phase=Phase.AWAITING_SECRET,
            key_id=key_id,
            name=name,
            idempotency_key=new_idempotency_key(),
            destinations=[destination.spec for destination in self.destinations],
            force=self.force,
            profile=context.profile,
            base_url=context.origin,
            account_id="",
            started_at=utc_now(),
        )
        return msgspec.structs.replace(entry, **fields)


def access_of(key: RecordedKey) -> Access | None:
    """The access level to choose on the page; None if it is unknown, or not one that the page has."""
    return next((level for level in Access if level == key.access), None)


def unverifiable(context: LocalContext, entry: JournalEntry) -> LeftOpenError:
    """What to raise if the old secret is not here, or not any more."""
    again = command(context.recover, entry.id[:8])
    deletion = awaited(entry, utc_now())
    why = (
        "its secret is not on this machine"
        if deletion.can_verify
        else "the copy of its secret was only kept for 30 days"
    )
    return LeftOpenError(
        f"Can't verify that the {deletion.what} is deleted: {why}.",
        hint=f"If you have its secret: {again}\nOnce you have deleted the key: {again} --abandon",
    )
