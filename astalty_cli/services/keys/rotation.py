"""Rotating a key without ever locking anybody out.

A new secret with the longest grace period the service gives, every destination, a call that verifies the new
secret, this machine's profiles; only then is the old secret set to expire. The reasons are in
docs/explanation/rotation.md.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from astalty_cli.api.answers import Row
from astalty_cli.api.client import Client
from astalty_cli.api.contract import MAX_GRACE
from astalty_cli.api.models import ApiKey, CurrentKey
from astalty_cli.base.errors import (
    AstaltyError,
    BehindError,
    ConflictError,
    ForbiddenError,
    LeftOpenError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.signals import deferred
from astalty_cli.base.times import local
from astalty_cli.base.vocabulary import Access
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.creation import at_risk_text
from astalty_cli.services.keys.delivery import failure_text, probe
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.issuing import Delivered, Issuing
from astalty_cli.services.keys.operation import OperationContext, ensure_not_older


@dataclass(frozen=True)
class Rotation:
    """How to rotate: where the new secret goes, and how long the old one may still live.

    `first_grace` is what the old secret is given until the new one is verified.
    """

    operation: OperationContext
    destinations: Sequence[Destination]
    grace: timedelta
    first_grace: timedelta = timedelta(seconds=MAX_GRACE)
    force: bool = False

    def run(self, seen: ApiKey) -> tuple[Row[ApiKey], Secret]:
        """Rotate a key as the user saw it; return it as it is in the end, and its new secret.

        Raises ConflictError if somebody has rotated it since, and LeftOpenError from the moment when a
        new secret may exist: it says what still works.
        """
        operation, key_id = self.operation, seen.id
        with operation.journal.lock(key_id):
            _ensure_none_open(operation, key_id)
            key = operation.key_since(operation.client, key_id, seen.rotation)
            if key.rotation != seen.rotation:
                raise ConflictError(
                    f"Someone else rotated {described(seen)} meanwhile; nothing was done.",
                    hint=f"See: {command('astalty keys show', key_id)}",
                )
            probe(self.destinations, key, force=self.force)
            entry = operation.new_entry(
                Operation.ROTATE,
                key.name,
                key,
                last_fours=[key.last_four],
                first_grace=self.first_grace,
                grace=self.grace,
                destinations=self.destinations,
                force=self.force,
            )
            operation.say(f"Rotating {described(key)}.")
            with deferred(operation.warn, at_risk_text(key.name)) as signals:
                handed = Issuing(operation, self.destinations).run(operation.journal.write(entry))
            with left_open(operation, handed.entry, handed.key.value, NOT_ENDED):
                signals.obey()
            return RotationFinish(operation).run(handed), handed.secret


def ensure_free(operation: OperationContext, key_id: str) -> None:
    """Raises ConflictError if another process works on the key, LeftOpenError if one left it open."""
    with operation.journal.lock(key_id):
        _ensure_none_open(operation, key_id)


def _ensure_none_open(operation: OperationContext, key_id: str) -> None:
    operation.ensure_readable(key_id)
    for entry in operation.journal.of_key(operation.origin, key_id):
        if entry.operation is not Operation.REVOKE:
            raise LeftOpenError(
                f"An earlier operation on {entry.name!r} ({key_id}) is open; nothing was done.",
                hint=f"Finish it first: {operation.recover}",
            )


NOT_ENDED = "the old one was not set to expire and works for the longest grace period"


@dataclass(frozen=True)
class RotationFinish:
    """What follows a delivery: verify the new secret, switch the profiles, set the old secret to expire."""

    operation: OperationContext

    def run(self, handed: Delivered) -> Row[ApiKey]:
        """Prove, switch, start the old secret's clock, confirm, and close the entry."""
        operation, key = self.operation, handed.key.value
        with left_open(operation, handed.entry, key, NOT_ENDED):
            client = self._verified(handed)
            self._switched(key, handed.secret)
            entry = operation.journal.write(msgspec.structs.replace(handed.entry, phase=Phase.VERIFIED))
        return self.end_the_old(entry, key, client)

    def end_the_old(self, entry: JournalEntry, key: ApiKey, client: Client) -> Row[ApiKey]:
        """Set the secrets to expire that a verified one has replaced.

        A Read Only key can't do that itself: the key that asked for the rotation does.
        """
        operation = self.operation
        writing = operation.fresh() if key.access == Access.READ_ONLY else client
        unknown = "works for the grace period at least, and for the longest one at most"
        with left_open(operation, entry, key, f"the old one {unknown if entry.grace else 'may have ended'}"):
            ended = self._ended(entry, key, writing)
        until = ended.value.previous_expires_at
        works = f"the old one works until {local(until)}" if until else "the old one was ended"
        with left_open(operation, entry, key, works):
            operation.caught_up(
                lambda: _confirm(ended.value, client.get_key(key.id).value), (BehindError, NotFoundError)
            )
            operation.record.rotated(ended.value, entry.delivered)
            operation.journal.close(entry)
        return ended

    def _ended(self, entry: JournalEntry, key: ApiKey, client: Client) -> Row[ApiKey]:
        """Raises ConflictError if the key shows that someone else has rotated it; a 409 alone does not."""
        try:
            return self.operation.retry_safely(
                lambda: client.expire_previous(key.id, within_seconds=entry.grace, if_rotation=key.rotation)
            )
        except ConflictError as error:
            try:
                self.operation.key_since(client, key.id, key.rotation + 1)
            except BehindError:
                raise ServiceError(
                    "The service refuses to end the old secret, and nobody rotated the key.",
                    status=error.status,
                ) from None
            raise

    def _verified(self, handed: Delivered) -> Client:
        """A client with the new secret, once the service has said that it is the key's newest."""
        client, expected = self.operation.client_with(handed.secret), handed.key.value

        def read() -> None:
            current = _current(client)
            if (current.account.id, current.id) != (handed.entry.account_id, expected.id):
                raise ServiceError("The new secret does not belong to the key that was rotated.")
            _ensure_newest(current, expected)

        self.operation.caught_up(read)
        self.operation.say("Verified: the service accepts the new secret.")
        return client

    def _switched(self, key: ApiKey, secret: Secret) -> None:
        for name in self.operation.holders.switch(key, secret):
            self.operation.say(f"Profile {name!r} now uses the new secret.")


def _current(client: Client) -> CurrentKey:
    """Whose a secret is that was created a moment ago: a 401 may be of a server that does not know it yet."""
    try:
        return client.current_key().value
    except ConflictError as error:  # of a question: no rotation has shown itself
        raise ServiceError(error.message, status=error.status) from None
    except ForbiddenError:
        raise
    except UnauthorizedError as error:
        raise BehindError(
            "The service does not accept the new secret; someone else may have rotated the key since.",
            status=error.status,
        ) from None


def _confirm(ended: ApiKey, found: ApiKey) -> None:
    """An earlier end is no older answer, nor is none: the grace is over then. A later one is."""
    _ensure_newest(found, ended)
    until = found.previous_expires_at
    if until and (ended.previous_expires_at is None or until > ended.previous_expires_at):
        raise BehindError("The service still shows the end that the old secret had before.")


def _ensure_newest(found: ApiKey, expected: ApiKey) -> None:
    ensure_not_older(found, expected.rotation)
    if found.rotation > expected.rotation:
        raise ConflictError("Its rotation has moved on.")


@contextmanager
def left_open(operation: OperationContext, entry: JournalEntry, key: ApiKey, old: str) -> Iterator[None]:
    """Say of a step that failed after the hand-over what holds now: nobody is locked out.

    Where someone else has rotated since, there is nothing left to finish, and the entry is closed.
    """
    try:
        yield
    except ConflictError as error:
        operation.journal.close(entry)
        raise ConflictError(
            f"Meanwhile someone else rotated {described(key)} as well: "
            "the secret handed over here is no longer its newest, and works for their grace period.",
            hint="Use theirs, or agree with them and rotate once more. "
            f"See: {command('astalty keys show', key.id)}",
            status=error.status,
        ) from None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, say what holds
        raise LeftOpenError(
            f"{failure_text(error)} The new secret of {described(key)} was handed over; {old}.",
            hint=f"Finish it: {operation.recover}",
            status=error.status if isinstance(error, AstaltyError) else None,
        ) from None
