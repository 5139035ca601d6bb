"""A secret by hand: a person creates a key on the web page, and deletes the old one there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from astalty_cli.api.identity import LOCAL, KeyIdentity
from astalty_cli.base.errors import AstaltyError, LeftOpenError, ServiceError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import utc_now
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.services.keys.by_hand.pasting import Pasting
from astalty_cli.services.keys.by_hand.person import PageKey, Person
from astalty_cli.services.keys.by_hand.slots import Slots
from astalty_cli.services.keys.issuer import Ended, NewSecret, left_open
from astalty_cli.services.keys.operation import LocalContext

_REFUSED = (
    "Nothing was changed here. The key that you created still exists in the web app. "
    "Delete it there, unless you use it in another try."
)


@dataclass(frozen=True)
class ByHand:
    """The KeyIssuer of a service that has no calls for keys.

    `old` is the secret to replace, if it is at hand. `known` is a secret of the account that works, to
    compare the new one with. `others` are recorded destinations of the key that do not get the new secret.
    """

    context: LocalContext
    person: Person
    slots: Slots
    old: Secret | None = None
    known: Secret | None = None
    others: Sequence[str] = ()
    allow_other_account: bool = False

    def old_text(self, entry: JournalEntry) -> str:
        return "the old key is deleted" if entry.old_is_gone else "the old key still works"

    def issue(self, entry: JournalEntry) -> NewSecret:
        """Ctrl-C leaves the entry open: the key may have been created."""
        try:
            return self._issue(entry)
        except KeyboardInterrupt:
            raise self._awaiting(entry, "Interrupted.") from None

    def _issue(self, entry: JournalEntry) -> NewSecret:
        before = entry.last_fours[:1] if entry.operation is Operation.ROTATE else []
        keeps_old = before and not entry.old_is_gone
        replacing = PageKey(entry.old_page_name, last_four=before[0]) if keeps_old else None
        self.person.create(PageKey(entry.page_name, entry.access), replacing)
        secret = self._pasted(entry)
        earlier = _pasted_before(entry)
        if earlier and earlier != secret.last_four:
            self.context.warn(
                f"The key that ends in {earlier} is no longer needed. Delete it on the web page once this is "
                "finished."
            )
        try:
            if self.old is not None and not entry.old_is_gone:
                self.slots.store(entry, self.old)
            entry = self.context.journal.write(
                msgspec.structs.replace(entry, phase=Phase.DELIVERING, last_fours=[*before, secret.last_four])
            )
        except AstaltyError as error:
            raise self._awaiting(entry, error.message) from None
        return NewSecret(entry, _named(entry, secret), secret)

    def delivered(self, new: NewSecret) -> None:
        self.record_created(new.entry, new.secret.last_four)

    def record_created(self, entry: JournalEntry, last_four: str) -> None:
        self.context.record.issued_by_hand(
            entry.key_id or "",
            entry.name,
            entry.delivered,
            last_four=last_four,
            page_name=entry.page_name,
            access=entry.access,
        )

    def verify(self, new: NewSecret) -> None:
        context = self.context
        context.client_with(new.secret).capabilities.check_key()
        if self.old is not None:
            for name in context.holders.replace(self.old, new.key, new.secret):
                context.say(f"Profile {name!r} now uses the new secret.")

    def end_old(self, new: NewSecret) -> Ended:
        return self.await_deletion(new.entry, new.key)

    def await_deletion(self, entry: JournalEntry, new: KeyIdentity) -> Ended:
        """Note when the old key is due for deletion; if it is gone already, close the entry."""
        context = self.context
        due = None if entry.old_is_gone else utc_now() + timedelta(seconds=entry.grace)
        key = replace(new, id=_local_id(entry, new.id))
        with left_open(context, entry, key, self.old_text(entry)):
            context.record.replaced_by_hand(
                new.id,
                entry.name,
                entry.delivered,
                new_id=key.id,
                last_four=new.last_four,
                page_name=entry.page_name,
                access=entry.access,
                due_at=due,
            )
            if due is None:
                self.slots.remove(entry)
                context.journal.close(entry)
                return Ended(key, None)
            entry = context.journal.write(
                msgspec.structs.replace(entry, phase=Phase.AWAITING_DELETION, due_at=due, key_id=key.id)
            )
        if self.others:
            context.warn(
                f"The new secret was not saved in {', '.join(self.others)}, which the record lists too. "
                "Save it there before the old key is deleted."
            )
        return Ended(key, due)

    def _pasted(self, entry: JournalEntry) -> Secret:
        """Raises LeftOpenError if no secret was given; the entry is closed after one that was refused.

        It stays open if an earlier secret was pasted.
        """
        context = self.context
        pasting = Pasting(context, self.person, self.old, self.known, self.allow_other_account)
        try:
            secret = pasting.read()
        except ServiceError as error:
            raise self._awaiting(entry, error.message) from None
        except AstaltyError as error:
            if _pasted_before(entry):  # a destination may have that key already
                raise self._awaiting(entry, error.message) from None
            self.slots.remove(entry)
            context.journal.close(entry)
            error.hint = f"{error.hint}\n{_REFUSED}".lstrip()
            raise
        if secret is None:
            raise self._awaiting(entry, "The new key was not given.")
        return secret

    def _awaiting(self, entry: JournalEntry, why: str) -> LeftOpenError:
        again, earlier = command(self.context.recover, entry.id[:8]), _pasted_before(entry)
        if earlier:
            return LeftOpenError(
                f"{why} {entry.name!r} still needs its new key: the one that ends in {earlier}, or another.",
                hint=f"Continue: {again}",
            )
        return LeftOpenError(
            f"{why} Nothing was changed here. {entry.name!r} still needs its new key.",
            hint=f"Continue: {again}\nIf you did not create a key: {again} --abandon",
        )


def _pasted_before(entry: JournalEntry) -> str:
    """The last four characters of a secret that this operation was given already, if it was."""
    new = entry.last_fours[1:] if entry.operation is Operation.ROTATE else entry.last_fours
    return new[-1] if new else ""


def _local_id(entry: JournalEntry, key_id: str) -> str:
    """The id to go on with: a key that the service knew by an id, or that has leaked, gets another one.

    It is the same again if this runs twice.
    """
    return key_id if key_id.startswith(LOCAL) and not entry.leaked else f"{LOCAL}{entry.id[:12]}"


def _named(entry: JournalEntry, secret: Secret) -> KeyIdentity:
    assert entry.key_id is not None  # noqa: S101 - an entry by hand begins with one
    return KeyIdentity(entry.key_id, entry.name, secret.last_four, None, entry.access)
