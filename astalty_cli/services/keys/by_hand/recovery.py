"""Finishing what a person, a crash or a failed destination has left open by hand (`keys recover`)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.errors import AstaltyError, LeftOpenError, LocalError
from astalty_cli.base.secret import HeldSecret, Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local, utc_now
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.config.record import RecordedKey
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.by_hand.checks import accepted_elsewhere, is_accepted, is_still_accepted
from astalty_cli.services.keys.by_hand.deletion import Seen, WrongKeyDeletedError
from astalty_cli.services.keys.by_hand.issuer import ByHand
from astalty_cli.services.keys.by_hand.old_secret import OldSecret, checked, find
from astalty_cli.services.keys.by_hand.operations import HandOperation, unverifiable
from astalty_cli.services.keys.delivery import Delivery, can_take, readable_secret
from astalty_cli.services.keys.issuer import NewSecret
from astalty_cli.services.keys.recovery_destinations import Prompts, into
from astalty_cli.services.keys.recovery_steps import still_open, title_of
from astalty_cli.services.keys.rotation import RotationFinish


@dataclass(frozen=True)
class HandRecovery:
    """Finishes one entry. `operation` has the destinations that a secret may still go to.

    `own` are the destinations of the entry, and those that the record has for its key.

    `variable` is the key in the environment. `can_paste`: somebody, or stdin, can give a secret.
    """

    operation: HandOperation
    own: Sequence[Destination]
    prompts: Prompts
    variable: Secret | None
    can_paste: bool

    def run(self, entry: JournalEntry) -> None:
        """Raises LeftOpenError if the entry stays open and something is due or needs a person."""
        try:
            self.operation.context.holders.clear_leftovers()
            if entry.phase is Phase.AWAITING_DELETION:
                self._check_deletion(entry)
            elif entry.phase is Phase.AWAITING_SECRET:
                self._ask_again(entry)
            else:
                self._go_on(entry)
        except LeftOpenError:
            raise
        except AstaltyError as error:
            if self.operation.context.journal.read(entry.id) is None:
                raise
            raise still_open(entry, error.message, hint=error.hint) from None

    # -- a new secret ----------------------------------------------------------------------------

    def _ask_again(self, entry: JournalEntry) -> None:
        if not self.can_paste:
            raise still_open(
                entry,
                "It still needs the new key from the web app.",
                hint=f"Paste it: {self._again(entry)}\nOr on stdin: {self._again(entry)} --with-token",
            )
        operation, key = self.operation, self._recorded(entry)
        if entry.operation is Operation.CREATE:
            issuer = operation.issuer(None, None, self._accepted_elsewhere())
        elif entry.old_is_gone:
            gone = self._old(entry)
            operation.ensure_delivered_somewhere(self._holders(gone))
            issuer = operation.issuer(key, gone, self._accepted_elsewhere(gone))
        else:
            old = kept = self._kept(entry)
            if kept is None or not kept.is_accepted:  # another copy may work: a keyring may lie
                places = [*operation.destinations, *self.own]
                old = find(operation.context, key, places, self.variable, operation.person) or kept
            if old is None:
                raise still_open(
                    entry, "The old secret is not on this machine.", hint=f"Paste it: {self._again(entry)}"
                )
            operation.ensure_delivered_somewhere(old.holders)
            issuer = operation.issuer(key, old.secret, old.secret if old.is_accepted else None)
            entry = msgspec.structs.replace(
                entry,
                old_is_gone=not old.is_accepted,
                slot=entry.slot or (old.slot if old.is_accepted else None),  # one may be written already
            )
        self._ensure_takeable(entry)
        entry = msgspec.structs.replace(
            entry,
            phase=Phase.AWAITING_SECRET,
            destinations=[destination.spec for destination in operation.destinations],
            delivered=[],
        )
        self._finish(issuer, operation.issue(issuer, entry))

    def _go_on(self, entry: JournalEntry) -> None:
        """The secret was pasted: continue from where it is now, or ask for it again."""
        operation, key = self.operation, self._recorded(entry)
        old = self._old(entry)
        issuer = operation.issuer(key, old, old)
        found = self._held_here(entry.last_fours[-1], self._readable())
        if found is not None:
            missing = [each for each in operation.destinations if not _has(each, entry, found)]
            having = [each.spec for each in operation.destinations if each not in missing]
            delivered = list(dict.fromkeys([*entry.delivered, *having]))
            entry = msgspec.structs.replace(entry, delivered=delivered)
            again = replace(operation, destinations=missing)
            new = again.hand_over(issuer, NewSecret(entry, _identity(entry, found), found))
            self._finish(issuer, new)
        elif entry.operation is Operation.CREATE and (
            entry.phase is Phase.DELIVERED or not entry.destinations
        ):
            issuer.record_created(entry, entry.last_fours[-1])
            self._close(entry, "The key is created.")
        elif entry.phase is Phase.VERIFIED:
            issuer.await_deletion(entry, _identity(entry, None))
            self._follow_up(entry)
        else:
            operation.context.say(
                f"The new key (ends in {entry.last_fours[-1]}) is not here, so nothing can verify it. "
                "Paste it once more. If you don't have it any more, create another one."
            )
            self._ask_again(entry)

    def _finish(self, issuer: ByHand, new: NewSecret) -> None:
        context = self.operation.context
        if new.entry.operation is Operation.CREATE:
            self._close(new.entry, f"The key is created (ends in {new.secret.last_four}).")
            return
        RotationFinish(context, issuer).run(new)
        if issuer.old is not None:
            self.operation.check_if_due(new.entry.id, issuer.old, new.secret)
        self._follow_up(new.entry)

    def _follow_up(self, entry: JournalEntry) -> None:
        """Say when the old key is due for deletion, or check it, if it is due now."""
        left = self.operation.context.journal.read(entry.id)
        if left is None or left.due_at is None:
            return
        if left.due_at <= utc_now():
            self._check_deletion(left)
        else:
            self._say_due(left, left.due_at)

    def _say_due(self, entry: JournalEntry, due: datetime) -> None:
        self.operation.context.say(f"The old key of {entry.name!r} is due for deletion on {local(due)}.")

    def _ensure_takeable(self, entry: JournalEntry) -> None:
        for destination in self.operation.destinations:
            if not can_take(destination, entry.last_fours, force=self.operation.force or entry.force):
                raise still_open(
                    entry,
                    f"{destination.spec} holds another value.",
                    hint=f"Name another destination: {self._again(entry)} --to DESTINATION",
                )

    # -- an old key that a person deletes --------------------------------------------------------

    def _check_deletion(self, entry: JournalEntry) -> None:
        context, due = self.operation.context, entry.due_at or entry.started_at
        old = self._old(entry)
        if old is None and due > utc_now():
            self._say_due(entry, due)
            context.say(unverifiable(context, entry).message)
        elif old is None:
            raise unverifiable(context, entry)
        elif entry.going_back:
            self._restore(entry, old)
        else:
            self._check_with(entry, old, due)

    def _check_with(self, entry: JournalEntry, old: Secret, due: datetime) -> None:
        operation, is_due = self.operation, due <= utc_now()
        control = self._control(entry, old)
        if control is None and self._needs_control(entry):
            self._ensure_readable(entry)
            if not is_due:
                self._say_due(entry, due)
                return
            if not operation.person.is_here and is_accepted(operation.context, old):
                operation.deletion_check(old, None).conclude(entry, Seen.STILL_WORKS)
            control = self._typed_control(entry)
        check = operation.deletion_check(old, control)
        try:
            if is_due:
                check.run(entry)
            elif (seen := check.look_twice(entry)) in {Seen.STILL_WORKS, Seen.UNKNOWN}:
                self._say_due(entry, due)
                return
            else:
                check.conclude(entry, seen)
        except WrongKeyDeletedError as error:
            self._put_back(entry, old, error)
            return
        if entry.is_replaced_afterwards:
            self._replace_leaked(entry)

    def _needs_control(self, entry: JournalEntry) -> bool:
        """Whether the new secret has to be accepted too: otherwise either key may be the deleted one."""
        return entry.operation is Operation.ROTATE and not (entry.leaked or entry.is_replaced_afterwards)

    def _typed_control(self, entry: JournalEntry) -> Secret:
        """The new secret, from a person. Raises LeftOpenError if it is not given."""
        operation, ends = self.operation, entry.last_fours[-1]
        typed = operation.person.old_secret(entry.name, ends) if self.can_paste else None
        if typed is None or typed.last_four != ends:
            raise still_open(
                entry,
                f"The new secret (ends in {ends}) is not on this machine: without it, nothing can tell which "
                "key was deleted.",
                hint=f"Give it: {self._again(entry)}, or on stdin with --with-token\n"
                f"If you know that the old key is deleted: {self._again(entry)} --abandon",
            )
        return typed

    def _replace_leaked(self, entry: JournalEntry) -> None:
        """The leaked key is gone, and no new one was created yet."""
        journal = self.operation.context.journal
        with journal.lock(entry.lock_name):
            if current := journal.read(entry.id):
                self._ask_again(current)

    def _ensure_readable(self, entry: JournalEntry) -> None:
        """Raises LeftOpenError if the new secret is where it can't be read now: it may be deleted already."""
        for destination in self.own:
            try:
                if destination.readable:
                    destination.held()
            except LocalError as error:
                raise still_open(entry, error.message, hint=error.hint) from None

    def _put_back(self, entry: JournalEntry, old: Secret, wrong: WrongKeyDeletedError) -> None:
        """Use the old secret again, since the key that replaced it was deleted."""
        context = self.operation.context
        targets = self._delivered(entry)
        names = [into(targets)] if targets else []
        names += [f"profile {held.holder!r}" for held in self._holding_the_new(entry)]
        context.say(wrong.message)
        if not self.prompts.confirm(
            f"Put the old secret (ends in {old.last_four}) back {' and '.join(names)}?"
        ):
            raise wrong
        self._restore(context.journal.write(msgspec.structs.replace(entry, going_back=True)), old)

    def _restore(self, entry: JournalEntry, old: Secret) -> None:
        """Give the old secret to all that have the new one. `recover` repeats this until it is done."""
        context, identity = self.operation.context, _identity(entry, old)
        delivery = Delivery(context)
        delivery.run(self._delivered(entry), identity, old)
        for held in self._holding_the_new(entry):
            context.holders.replace(held.secret, identity, old)
        if delivery.failed:
            raise LeftOpenError(delivery.story(identity), hint=f"Try again: {self._again(entry)}")
        context.record.put_back(entry.key_id or "", last_four=old.last_four, page_name=entry.old_page_name)
        self.operation.slots.remove(entry)
        self._close(entry, f"The old secret (ends in {old.last_four}) is in use again.")

    def _delivered(self, entry: JournalEntry) -> list[Destination]:
        return [each for each in self.own if each.spec in entry.delivered]

    def _holding_the_new(self, entry: JournalEntry) -> list[HeldSecret]:
        ends = entry.last_fours[-1]
        return [held for held in self.operation.context.holders.held() if held.secret.last_four == ends]

    # -- what is where ---------------------------------------------------------------------------

    def _old(self, entry: JournalEntry) -> Secret | None:
        """The old secret: from its slot, the profiles, the destinations, the environment, or typed."""
        if entry.operation is Operation.CREATE:
            return None
        if kept := self._in_slot(entry):
            return kept
        ends = entry.last_fours[0]
        here = [*self._readable(), *([self.variable] if self.variable else [])]
        found = next((secret for secret in here if ends and secret.last_four == ends), None)
        if found or entry.old_is_gone or not self.can_paste:
            return found
        return self.operation.person.old_secret(entry.name, ends)

    def _kept(self, entry: JournalEntry) -> OldSecret | None:
        """The old secret in its slot, and whether it is accepted."""
        secret = self._in_slot(entry)
        return checked(self.operation.context, secret, entry.slot) if secret else None

    def _in_slot(self, entry: JournalEntry) -> Secret | None:
        """The old secret in its slot. A keyring may answer with another one, whose 401 proves nothing."""
        with suppress(LocalError):
            secret = self.operation.slots.load(entry)
            if secret and secret.last_four == entry.last_fours[0]:
                return secret
        return None

    def _control(self, entry: JournalEntry, old: Secret) -> Secret | None:
        """The key's newest secret; for a key that ends, another one that works."""
        if entry.operation is Operation.REVOKE or entry.is_replaced_afterwards:
            return self._accepted_elsewhere(old)
        key = self._recorded(entry)
        ends = {key.last_four, entry.last_fours[-1]} - {old.last_four}
        here = [*self._readable(), *([self.variable] if self.variable else [])]
        return next((secret for secret in here if secret.last_four in ends), None)

    def _accepted_elsewhere(self, old: Secret | None = None) -> Secret | None:
        return accepted_elsewhere(self.operation.context, self.variable, old)

    def _holders(self, secret: Secret | None) -> list[str]:
        return [held.holder for held in self.operation.context.holders.held() if held.secret == secret]

    def _held_here(self, ends: str, secrets: Iterator[Secret]) -> Secret | None:
        """The secret that ends so and that the service accepts."""
        for secret in dict.fromkeys(secrets):
            if ends and secret.last_four == ends and is_still_accepted(self.operation.context, secret):
                return secret
        return None

    def _readable(self) -> Iterator[Secret]:
        for destination in {each.spec: each for each in (*self.operation.destinations, *self.own)}.values():
            if held := readable_secret(destination):
                yield held
        for each in self.operation.context.holders.held():
            yield each.secret

    def _recorded(self, entry: JournalEntry) -> RecordedKey:
        """The key as the record has it, otherwise as the entry does."""
        keys = self.operation.context.record.active_keys()
        ends = entry.last_fours[0] if entry.last_fours else ""
        known = RecordedKey(
            name=entry.name, origin=entry.base_url, id=entry.key_id or entry.id, last_four=ends
        )
        return next((key for key in keys if key.id == entry.key_id), known)

    def _close(self, entry: JournalEntry, how: str) -> None:
        self.operation.context.journal.close(entry)
        self.operation.context.say(f"{title_of(entry)} is finished. {how}")

    def _again(self, entry: JournalEntry) -> str:
        return command(self.operation.context.recover, entry.id[:8])


def _identity(entry: JournalEntry, secret: Secret | None) -> KeyIdentity:
    ends = secret.last_four if secret else entry.last_fours[-1]
    return KeyIdentity(entry.key_id or entry.id, entry.name, ends, None, entry.access)


def _has(destination: Destination, entry: JournalEntry, secret: Secret) -> bool:
    return destination.held() == secret if destination.readable else destination.spec in entry.delivered
