"""A secret through the API: the service gives a key another one, and ends the old one after a grace period.

A lost answer is "unknown", never "failed": the same request is sent again with the same Idempotency-Key,
which creates no second secret. If the service says that the secret was already shown, and nobody has seen
it, the key is rotated once more.
"""

from dataclasses import dataclass, field

import msgspec

from astalty_cli.api.answers import Issued, Row
from astalty_cli.api.client import Client
from astalty_cli.api.identity import Identified, identity_of
from astalty_cli.api.models import ApiKey, CurrentKey
from astalty_cli.base.errors import (
    AstaltyError,
    BehindError,
    ConflictError,
    LeftOpenError,
    NotFoundError,
    RefusedError,
    ServiceError,
    UnauthorizedError,
)
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local
from astalty_cli.base.vocabulary import Access, access_name
from astalty_cli.config.journal import JournalEntry, Operation, Phase, new_idempotency_key
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.issuer import Ended, NewSecret, left_open
from astalty_cli.services.keys.issuing import lost, lost_text
from astalty_cli.services.keys.operation import OperationContext, ensure_not_older

_TRIES = 4  # of rotating once more, if the secret that was created is lost again


@dataclass
class InPlace:
    """The KeyIssuer of a service that has calls for keys.

    `unknown`: a secret may have been created already, by a call whose answer nobody has seen.
    """

    operation: OperationContext
    unknown: bool = False
    _over: bool = field(default=False, init=False)

    def old_text(self, entry: JournalEntry) -> str:  # noqa: ARG002 - the same for every entry
        return "the old one was not set to expire and works for the longest grace period"

    def issue(self, entry: JournalEntry) -> NewSecret:
        try:
            entry, issued = self._made(entry)
            key, secret = issued.row, issued.secret
            assert secret is not None  # noqa: S101 - `_made` returns when there is one
            entry = self._delivering(entry, key.value)
            self.operation.say(_made_line(entry, key.value))
            return NewSecret(entry, identity_of(key), secret)
        except LeftOpenError:
            raise
        except (Exception, KeyboardInterrupt) as error:
            if self._over:
                raise
            raise lost(self.operation, entry, error) from None

    def delivered(self, new: NewSecret) -> None:
        key = msgspec.json.decode(new.key.row, type=ApiKey)
        self.operation.record.created(key, new.entry.delivered)

    def once_more(self, entry: JournalEntry, key: ApiKey) -> JournalEntry:
        """The entry for another secret, if the one that was created is lost.

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
            f"The service creates secrets for {entry.name!r} but does not send them. {lost_text(entry)}",
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
        """What to raise if no answer has a secret: "unknown" unless nothing can have happened."""
        if isinstance(error, ConflictError) and entry.key_id is not None:
            return self._conflict(entry, entry.key_id)
        if self.unknown and not (entry.key_id is None and is_refused_name(error)):
            return lost(self.operation, entry, error)
        self._close(entry)
        return error

    def _conflict(self, entry: JournalEntry, key_id: str) -> AstaltyError:
        """A 409 says that someone else has rotated; the key has to show it before anything is closed."""
        if self.unknown:
            try:
                self.operation.key_since(self.operation.fresh(), key_id, entry.rotation + 1)
            except BehindError:
                return lost(
                    self.operation, entry, ConflictError("The service refuses, and nobody rotated the key.")
                )
            except AstaltyError as error:
                return lost(self.operation, entry, error)
        return self._elsewhere(entry, None)

    def _elsewhere(self, entry: JournalEntry, key: ApiKey | None) -> ConflictError:
        self._close(entry)
        whose = described(key) if key else f"{entry.name!r} ({entry.key_id})"
        return ConflictError(
            f"Someone else rotated {whose} first; nothing of theirs was ended.",
            hint=f"See: {command('astalty keys show', entry.key_id or '')}",
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

    # -- verification, and the end of the old secret ----------------------------------------------

    def verify(self, new: NewSecret) -> None:
        """Raises ConflictError if the key shows that someone else has rotated it since."""
        client, entry = self.operation.client_with(new.secret), new.entry

        def read() -> None:
            current = _current(client)
            if (current.account.id, current.id) != (entry.account_id, new.key.id):
                raise ServiceError("The new secret does not belong to the key that was rotated.")
            _ensure_newest(current, entry.rotation + 1)

        self.operation.caught_up(read)
        self.operation.say("Verified: the service accepts the new secret.")
        for name in self.operation.holders.switch(new.key, new.secret):
            self.operation.say(f"Profile {name!r} now uses the new secret.")

    def end_old(self, new: NewSecret) -> Ended:
        """With the new secret, or, if that is Read Only, with the key that asked for the rotation."""
        client = self.operation.client_with(new.secret)
        writing = self.operation.fresh() if new.key.access == Access.READ_ONLY else client
        return self.expire_previous(new.entry, new.key, client, writing)

    def expire_previous(self, entry: JournalEntry, key: Identified, client: Client, writing: Client) -> Ended:
        """Set the secrets to expire that a verified one has replaced, and close the entry."""
        operation = self.operation
        unknown = "works for the grace period at least, and for the longest one at most"
        with left_open(operation, entry, key, f"the old one {unknown if entry.grace else 'may have ended'}"):
            ended = self._expired(entry, key.id, writing)
        until = ended.value.previous_expires_at
        works = f"the old one works until {local(until)}" if until else "the old one was ended"
        with left_open(operation, entry, key, works):
            operation.caught_up(
                lambda: _confirm(ended.value, client.get_key(key.id).value), (BehindError, NotFoundError)
            )
            operation.record.rotated(ended.value, entry.delivered)
            operation.journal.close(entry)
        return Ended(identity_of(ended), until)

    def _expired(self, entry: JournalEntry, key_id: str, client: Client) -> Row[ApiKey]:
        """Raises ConflictError if the key shows that someone else has rotated it; a 409 alone does not."""
        rotation = entry.rotation + 1
        try:
            return self.operation.retry_safely(
                lambda: client.expire_previous(key_id, within_seconds=entry.grace, if_rotation=rotation)
            )
        except ConflictError as error:
            try:
                self.operation.key_since(client, key_id, rotation + 1)
            except BehindError:
                raise ServiceError(
                    "The service refuses to end the old secret, and nobody rotated the key.",
                    status=error.status,
                ) from None
            raise


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


def _current(client: Client) -> CurrentKey:
    """Whose a secret is that was created a moment ago: a 401 may be of a server that doesn't know it yet."""
    try:
        return client.current_key().value
    except ConflictError as error:  # of a question: no rotation has shown itself
        raise ServiceError(error.message, status=error.status) from None
    except UnauthorizedError as error:
        if error.status != 401:
            raise
        raise BehindError(
            "The service does not accept the new secret; someone else may have rotated the key since.",
            status=error.status,
        ) from None


def _confirm(ended: ApiKey, found: ApiKey) -> None:
    """Raise BehindError for an older answer, which shows a later end. No end: the grace period is over."""
    _ensure_newest(found, ended.rotation)
    until = found.previous_expires_at
    if until and (ended.previous_expires_at is None or until > ended.previous_expires_at):
        raise BehindError("The service still shows the end that the old secret had before.")


def _ensure_newest(found: ApiKey, rotation: int) -> None:
    ensure_not_older(found, rotation)
    if found.rotation > rotation:
        raise ConflictError("Its rotation has moved on.")
