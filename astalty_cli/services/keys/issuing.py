"""Making a secret, once and for all: the call, what a lost answer means, and the hand-over.

The order is the product's promise (docs/explanation/rotation.md): the journal, the call, every destination. A
lost answer is "unknown", never "failed": the same request is sent again with the same Idempotency-Key,
which makes no second secret. Where the service says that the secret was already shown, and nobody has
seen it, the key is rotated once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from astalty_cli.api.answers import Issued, Row
from astalty_cli.api.client import Client
from astalty_cli.api.identity import identity_of
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import (
    AstaltyError,
    BehindError,
    ConflictError,
    LeftOpenError,
    LocalError,
    RefusedError,
    ServiceError,
)
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.vocabulary import Access, access_name
from astalty_cli.config.journal import JournalEntry, Operation, Phase, new_idempotency_key
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.delivery import Delivery, failure_text
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.operation import OperationContext

_TRIES = 4  # of rotating once more, if the secret that was created is lost again


@dataclass(frozen=True)
class Delivered:
    """A secret that every destination has, the key that came with it, and the journal entry."""

    entry: JournalEntry
    key: Row[ApiKey]
    secret: Secret


@dataclass
class Issuing:
    """Creates the secret that an entry asks for, and hands it over.

    `unknown`: a secret may have been created already, by a call whose answer nobody has seen.
    """

    operation: OperationContext
    destinations: Sequence[Destination]
    unknown: bool = False
    _over: bool = field(default=False, init=False)

    def run(self, entry: JournalEntry) -> Delivered:
        """Create it and hand it over; the caller holds signals back (`signals.deferred`).

        Raises LeftOpenError from the moment when a secret may exist, and the entry stays. Any other error
        says that there is nothing to finish, and the entry is closed.
        """
        try:
            entry, issued = self._made(entry)
            key, secret = issued.row, issued.secret
            assert secret is not None  # noqa: S101 - `_made` returns when there is one
            entry = self._delivering(entry, key.value)
            self.operation.say(_made_line(entry, key.value))
            return self.hand_over(entry, key, secret)
        except LeftOpenError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if self._over:
                raise
            raise self._open(entry, error) from None

    def hand_over(self, entry: JournalEntry, key: Row[ApiKey], secret: Secret) -> Delivered:
        """Give a secret to the destinations. Raises LeftOpenError if one of them did not take it."""
        delivery = Delivery(self.operation, done=list(entry.delivered))
        delivery.run(self.destinations, identity_of(key), secret)
        done = delivery.done
        if done and entry.operation is Operation.CREATE:
            self.operation.record.created(key.value, done)
        if delivery.failed:
            self._advanced(entry, delivered=done)
            raise LeftOpenError(delivery.story(key.value), hint=f"Finish it: {self.operation.recover}")
        try:
            entry = self._advanced(entry, phase=Phase.DELIVERED, delivered=done)
        except LocalError as error:
            raise LeftOpenError(
                f"{error.message} The new secret of {described(key.value)} was saved all the same.",
                hint=f"Finish it: {self.operation.recover}",
            ) from None
        return Delivered(entry, key, secret)

    def once_more(self, entry: JournalEntry, key: ApiKey) -> JournalEntry:
        """The entry for another secret, if nobody has the one that was created.

        Raises ConflictError, and closes the entry, if the key has moved on since.
        """
        if key.rotation > entry.rotation + 1:
            raise self._elsewhere(entry, key)
        self.unknown = True
        self.operation.say(f"Nobody has the secret that was created for {described(key)}: rotating again.")
        return self._advanced(
            entry,
            phase=Phase.ASKED,
            key_id=key.id,
            rotation=key.rotation,
            idempotency_key=new_idempotency_key(),
            delivered=[],
            lost=True,
        )

    # -- the call --------------------------------------------------------------------------------

    def _made(self, entry: JournalEntry) -> tuple[JournalEntry, Issued]:
        for _ in range(_TRIES):
            issued = self._answered(entry)
            if issued.secret is not None:
                return entry, issued
            key_id = issued.row.value.id
            key = self.operation.key_since(self.operation.fresh(), key_id, entry.rotation + 1)
            entry = self.once_more(entry, key)
        raise LeftOpenError(
            f"The service creates secrets for {entry.name!r} but does not send them. {_lost(entry)}",
            hint=f"Try again: {self.operation.recover}",
        )

    def _answered(self, entry: JournalEntry) -> Issued:
        clients = self.operation.clients()

        def ask() -> Issued:
            try:
                return _asked(next(clients), entry)
            except ServiceError as error:
                self.unknown = self.unknown or error.outcome_unknown
                raise

        def on_failure(error: ServiceError) -> None:
            self.operation.say(f"{error.message} Asking again, with the same Idempotency-Key.")

        try:
            return self.operation.retry_safely(ask, on_failure)
        except AstaltyError as error:
            raise self._ended(entry, error) from None

    def _ended(self, entry: JournalEntry, error: AstaltyError) -> AstaltyError:
        """What to raise if no answer brings a secret: "unknown" unless nothing can have happened."""
        if isinstance(error, ConflictError) and entry.key_id is not None:
            return self._conflict(entry, entry.key_id)
        if self.unknown and not (entry.key_id is None and is_refused_name(error)):
            return self._open(entry, error)
        self._close(entry)
        return error

    def _conflict(self, entry: JournalEntry, key_id: str) -> AstaltyError:
        """A 409 says that someone else has rotated; the key has to show it before anything is closed."""
        if self.unknown:
            try:
                self.operation.key_since(self.operation.fresh(), key_id, entry.rotation + 1)
            except BehindError:
                return self._open(entry, ConflictError("The service refuses, and nobody rotated the key."))
            except AstaltyError as error:
                return self._open(entry, error)
        return self._elsewhere(entry, None)

    def _elsewhere(self, entry: JournalEntry, key: ApiKey | None) -> ConflictError:
        self._close(entry)
        whose = described(key) if key else f"{entry.name!r} ({entry.key_id})"
        return ConflictError(
            f"Someone else rotated {whose} first; nothing of theirs was ended.",
            hint=f"See: {command('astalty keys show', entry.key_id or '')}",
        )

    def _open(self, entry: JournalEntry, error: BaseException) -> LeftOpenError:
        return LeftOpenError(
            f"{failure_text(error)} {_lost(entry)}",
            hint=f"Finish it: {self.operation.recover}",
            status=error.status if isinstance(error, AstaltyError) else None,
        )

    # -- the journal -----------------------------------------------------------------------------

    def _delivering(self, entry: JournalEntry, key: ApiKey) -> JournalEntry:
        made = [*entry.last_fours, key.last_four]
        return self._advanced(entry, phase=Phase.DELIVERING, key_id=key.id, last_fours=made, delivered=[])

    def _advanced(self, entry: JournalEntry, **changes: object) -> JournalEntry:
        return self.operation.journal.write(msgspec.structs.replace(entry, **changes))

    def _close(self, entry: JournalEntry) -> None:
        self.operation.journal.close(entry)
        self._over = True


def is_refused_name(error: AstaltyError) -> bool:
    """Whether a creation was refused for its name: then the first request made no key either."""
    return isinstance(error, RefusedError) and error.status == 422 and "name" in error.errors


def _asked(client: Client, entry: JournalEntry) -> Issued:
    if entry.key_id is None:
        return client.create_key(entry.name, access=entry.access, idempotency_key=entry.idempotency_key)
    return client.rotate_key(
        entry.key_id,
        grace_seconds=entry.first_grace,
        if_rotation=entry.rotation,
        idempotency_key=entry.idempotency_key,
    )


def _made_line(entry: JournalEntry, key: ApiKey) -> str:
    if entry.operation is Operation.CREATE:
        return f"Created the key {described(key)}. {_access_line(entry, key)}"
    return f"Created a new secret (ends in {key.last_four}). The old one still works."


def _access_line(entry: JournalEntry, key: ApiKey) -> str:
    if key.access == Access.FULL_ACCESS and entry.access is None:
        return (
            "It has Full Access: it can do everything the account owner can. "
            "If reading is enough, use --access read-only."
        )
    return f"Access level: {access_name(key.access)}."


def _lost(entry: JournalEntry) -> str:
    if entry.operation is Operation.CREATE:
        return f"The key {entry.name!r} may exist, but its secret was not saved."
    whose = f"{entry.name!r} ({entry.key_id})"
    return f"{whose} may have a new secret that was not saved. The old one was not ended."
