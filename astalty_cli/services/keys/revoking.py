"""Ending keys for good: each is tried, and each result is known."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import (
    AstaltyError,
    ConflictError,
    ForbiddenError,
    LeftOpenError,
    ServiceError,
    UnauthorizedError,
)
from astalty_cli.base.signals import deferred
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.config.journal import JournalEntry, Operation
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
        for key in self.keys:
            try:
                revoke(self.operation, self.guards, key)
            except AstaltyError as error:
                self.failures[key.id] = error
                continue
            yield key

    def seen_again(self, key: ApiKey) -> bytes | None:
        """A revoked key as the service has it now; None where that cannot be seen, as with the key in use."""
        try:
            return self.operation.client.get_key(key.id).raw
        except AstaltyError:
            return None

    def _active(self) -> int:
        return sum(is_active(row.value) for row in self.operation.client.all_keys())


def revoke(operation: OperationContext, guards: Guards, key: ApiKey) -> None:
    """Revoke one key, with the journal around it; open operations on it are over then.

    Raises ConflictError where it is not what the user was shown any more, and LeftOpenError where nobody
    can tell whether it is revoked.
    """
    with operation.journal.lock(key.id):
        _ensure_as_shown(operation, guards, key)
        begun = operation.new_entry(Operation.REVOKE, key.name, key, last_fours=[operation.secret.last_four])
        entry = operation.journal.write(begun)
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
            for each in operation.journal.of_key(operation.origin, key.id):
                operation.journal.close(each)
    signals.obey()


def _ensure_as_shown(operation: OperationContext, guards: Guards, key: ApiKey) -> None:
    now = operation.client.get_key(key.id).value
    if now.rotation != key.rotation:
        raise ConflictError(f"Someone rotated {described(key)} meanwhile; it was not revoked.")
    guards.refuse_busy(now)


def end(operation: OperationContext, entry: JournalEntry, key_id: str) -> None:
    """Revoke a key. A lost answer is settled by looking at the key.

    Raises LeftOpenError where nobody can tell; any other error says that the key was not revoked.
    """
    clients, unknown = operation.clients(), False

    def revoke_once() -> None:
        nonlocal unknown
        try:
            next(clients).revoke_key(key_id)
        except AstaltyError as error:
            unknown = unknown or (isinstance(error, ServiceError) and error.outcome_unknown)
            if not (unknown and _is_revoked(operation, entry, key_id)):
                raise

    try:
        operation.retry_safely(revoke_once)
    except AstaltyError as error:
        raise (_unknown(operation, entry, error.message) if unknown else error) from None


def _is_revoked(operation: OperationContext, entry: JournalEntry, key_id: str) -> bool:
    """What the service says of a key, revoked ones too; any other answer says nothing of it."""
    try:
        return operation.fresh().get_key(key_id).value.status is KeyStatus.REVOKED
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
