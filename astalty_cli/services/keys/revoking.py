"""Ending keys for good: each is tried, and each result is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import (
    AstaltyError,
    BehindError,
    ConflictError,
    ForbiddenError,
    LeftOpenError,
    LocalError,
    NotFoundError,
    ServiceError,
    UnauthorizedError,
)
from astalty_cli.base.signals import deferred
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.config.journal import JournalEntry, Operation, Way
from astalty_cli.config.record import Ending
from astalty_cli.services.keys.finder import KeyFinder, described, is_active
from astalty_cli.services.keys.guards import Guards
from astalty_cli.services.keys.operation import OperationContext


@dataclass
class Revocation:
    """What several arguments of `keys revoke` mean, and what became of them.

    `keys` are those to revoke, the one that makes the calls last: after it, none can be made. `failures`
    are by what was typed, or by id.
    """

    operation: OperationContext
    guards: Guards
    keys: list[ApiKey] = field(default_factory=list)
    failures: dict[str, AstaltyError] = field(default_factory=dict)

    def look_up(self, arguments: list[str]) -> None:
        """Find the keys that may be revoked; one that is named twice is one key."""
        finder = KeyFinder(self.operation.client)
        found: dict[str, tuple[str, ApiKey]] = {}
        for wanted in dict.fromkeys(arguments):
            try:
                key = finder.find_active(wanted)
                self.guards.refuse_in_use(key)
                self.guards.refuse_busy(key)
                found.setdefault(key.id, (wanted, key))
            except AstaltyError as error:
                self.failures[wanted] = error
        ordered = sorted(found.values(), key=lambda each: each[1].id == self.operation.own.id)
        others = self._active() - len(ordered) if ordered else 0
        for wanted, key in reversed(ordered):
            try:
                self.guards.refuse_last(key, others)
                self.keys.insert(0, key)
            except AstaltyError as error:
                self.failures[wanted] = error
                others += 1

    def run(self) -> Iterator[ApiKey]:
        """Revoke them all, whatever becomes of one; yield each as soon as it is revoked."""
        ended: list[str] = []
        for key in self.keys:
            try:
                revoke(self.operation, self.guards, key, ended)
            except AstaltyError as error:
                self.failures[key.id] = error
                continue
            ended.append(key.id)
            yield key

    def seen_again(self, key: ApiKey) -> bytes | None:
        """A revoked key as the service has it now; None if that cannot be seen, as with the key in use."""

        def read() -> Row[ApiKey]:
            row = self.operation.client.get_key(key.id)
            if is_active(row.value):
                raise BehindError("The service still shows the key as it was before it was revoked.")
            return row

        try:
            return self.operation.caught_up(read).raw
        except AstaltyError:
            return None

    def _active(self) -> int:
        return sum(is_active(row.value) for row in self.operation.client.all_keys())


def revoke(operation: OperationContext, guards: Guards, key: ApiKey, ended: Sequence[str] = ()) -> None:
    """Revoke one key, with the journal around it; open operations on it are over then.

    The user may have thought for long: each guard is asked again. Raises ConflictError if it is not what
    the user was shown any more, and LeftOpenError if nobody can tell whether it is revoked.
    """
    with operation.journal.lock(key.id):
        operation.ensure_readable(key.id)
        guards.refuse(as_shown(operation, key), ended)
        begun = operation.new_entry(Operation.REVOKE, key.name, key, last_fours=[operation.secret.last_four])
        entry = operation.journal.write(guards.noted(begun))
        with deferred(operation.warn, f"Whether {key.name!r} is revoked is not known yet.") as signals:
            try:
                end(operation, entry, key.id)
            except KeyboardInterrupt:
                raise _unknown(operation, entry, "Interrupted.") from None
            except LeftOpenError:
                raise
            except AstaltyError:
                operation.journal.close(entry)
                raise
            operation.journal.close(entry)
            _close_others(operation, key)
    signals.obey()


def _close_others(operation: OperationContext, key: ApiKey) -> None:
    """Close what was open on a key that is revoked. Raises LeftOpenError if that is unknown."""
    try:
        entries = operation.journal.of_key(operation.origin, key.id)
    except LocalError as error:
        raise LeftOpenError(
            f"{error.message} {described(key)} is revoked.", hint=f"Finish it: {operation.recover}"
        ) from None
    for entry in entries:
        if entry.way is Way.IN_PLACE:  # one by hand still has an old key to verify
            operation.journal.close(entry)


def as_shown(operation: OperationContext, key: ApiKey) -> ApiKey:
    """The key as it is now. Raises ConflictError if it is not what the user was shown any more."""
    now = operation.key_since(operation.client, key.id, key.rotation)
    if now.rotation != key.rotation:
        raise ConflictError(f"Someone rotated {described(key)} meanwhile; it was not revoked.")
    if not is_active(now):
        raise NotFoundError(f"Someone revoked {described(key)} meanwhile; nothing is left to do.")
    uses = [used for used in (key.last_used_at, now.last_used_at) if used]  # the later: a read may lag
    return msgspec.structs.replace(now, last_used_at=max(uses, default=None))


def end(operation: OperationContext, entry: JournalEntry, key_id: str) -> None:
    """Revoke a key. A lost answer is settled by looking at the key.

    Raises LeftOpenError if nobody can tell; any other error says that the key was not revoked.
    """
    clients, unknown = operation.clients(), False

    def revoke_once() -> None:
        nonlocal unknown
        try:
            next(clients).revoke_key(key_id)
        except AstaltyError as error:
            unknown = unknown or (isinstance(error, ServiceError) and error.outcome_unknown)
            denied = isinstance(error, NotFoundError | UnauthorizedError)
            if not (unknown and _is_revoked(operation, entry, key_id, denied=denied)):
                raise

    try:
        operation.retry_safely(revoke_once)
    except AstaltyError as error:
        raise (_unknown(operation, entry, error.message) if unknown else error) from None
    operation.record.ended(key_id, Ending.REVOKED)


def _is_revoked(operation: OperationContext, entry: JournalEntry, key_id: str, *, denied: bool) -> bool:
    """What the service says of a key, revoked ones too; any other answer says nothing of it.

    `denied`: it acts as if the key were revoked, so that a read which says otherwise may be too old.
    """
    client = operation.fresh()

    def read() -> bool:
        revoked = client.get_key(key_id).value.status is KeyStatus.REVOKED
        if denied and not revoked:
            raise BehindError("The service still shows the key as active.")
        return revoked

    try:
        return operation.caught_up(read)
    except ForbiddenError:
        return False
    except UnauthorizedError:
        if is_revoked_by_itself(operation, entry):
            operation.say("The service no longer accepts the key that made this call: it is revoked.")
            return True
    except AstaltyError:
        pass
    return False


def is_revoked_by_itself(operation: OperationContext, entry: JournalEntry) -> bool:
    """Whether a 401 means that the revocation was done: the secret that got it is the revoked key's own."""
    return entry.own and operation.secret.last_four in entry.last_fours


def _unknown(operation: OperationContext, entry: JournalEntry, failure_text: str) -> LeftOpenError:
    return LeftOpenError(
        f"{failure_text} Whether {entry.name!r} ({entry.key_id}) is revoked is not known.",
        hint=f"Finish it: {operation.recover}",
    )
