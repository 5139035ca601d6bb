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
from astalty_cli.base.signals import held
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.config.journal import Entry, Operation
from astalty_cli.services.keys.finder import KeyFinder, described, is_active
from astalty_cli.services.keys.guards import Guards
from astalty_cli.services.keys.operation import Session


@dataclass
class Revocation:
    """What several arguments of `keys revoke` mean, and what became of them.

    `keys` are those to revoke, the one that makes the calls last: after it, none can be made. `failures`
    are by what was typed, or by id.
    """

    session: Session
    guards: Guards
    keys: list[ApiKey] = field(default_factory=list)
    failures: dict[str, AstaltyError] = field(default_factory=dict)

    def look_up(self, arguments: list[str]) -> None:
        """Find the keys that may be revoked; one that is named twice is one key."""
        finder = KeyFinder(self.session.client)
        found: dict[str, tuple[str, ApiKey]] = {}
        for wanted in dict.fromkeys(arguments):
            try:
                key = finder.find_active(wanted)
                self.guards.refuse_in_use(key)
                self.guards.refuse_busy(key)
                found.setdefault(key.id, (wanted, key))
            except AstaltyError as error:
                self.failures[wanted] = error
        ordered = sorted(found.values(), key=lambda each: each[1].id == self.session.own.id)
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
                revoke(self.session, self.guards, key)
            except AstaltyError as error:
                self.failures[key.id] = error
                continue
            yield key

    def seen_again(self, key: ApiKey) -> bytes | None:
        """A revoked key as the service has it now; None where that cannot be seen, as with the key in use."""
        try:
            return self.session.client.get_key(key.id).raw
        except AstaltyError:
            return None

    def _active(self) -> int:
        return sum(is_active(row.value) for row in self.session.client.all_keys())


def revoke(session: Session, guards: Guards, key: ApiKey) -> None:
    """Revoke one key, with the journal around it; open operations on it are over then.

    Raises ConflictError where it is not what the user was shown any more, and LeftOpenError where nobody
    can tell whether it is revoked.
    """
    with session.journal.lock(key.id):
        _must_be_as_shown(session, guards, key)
        begun = session.begun(Operation.REVOKE, key.name, key, last_fours=[session.secret.last_four])
        entry = session.journal.write(begun)
        with held(session.warn, f"Whether {key.name!r} is revoked is not known yet.") as signals:
            try:
                end(session, entry, key.id)
            except KeyboardInterrupt:
                raise _unknown(session, entry, "Interrupted.") from None
            except LeftOpenError:
                raise
            except AstaltyError:
                session.journal.close(entry)
                raise
            for each in session.journal.of_key(session.origin, key.id):
                session.journal.close(each)
    signals.obey()


def _must_be_as_shown(session: Session, guards: Guards, key: ApiKey) -> None:
    now = session.client.get_key(key.id).value
    if now.rotation != key.rotation:
        raise ConflictError(f"Someone rotated {described(key)} meanwhile; it was not revoked.")
    guards.refuse_busy(now)


def end(session: Session, entry: Entry, key_id: str) -> None:
    """Revoke a key. A lost answer is settled by looking at the key.

    Raises LeftOpenError where nobody can tell; any other error says that the key was not revoked.
    """
    clients, unknown = session.clients(), False

    def revoke_once() -> None:
        nonlocal unknown
        try:
            next(clients).revoke_key(key_id)
        except AstaltyError as error:
            unknown = unknown or (isinstance(error, ServiceError) and error.outcome_unknown)
            if not (unknown and _is_revoked(session, entry, key_id)):
                raise

    try:
        session.patiently(revoke_once)
    except AstaltyError as error:
        raise (_unknown(session, entry, error.message) if unknown else error) from None


def _is_revoked(session: Session, entry: Entry, key_id: str) -> bool:
    """What the service says of a key, revoked ones too; any other answer says nothing of it."""
    try:
        return session.fresh().get_key(key_id).value.status is KeyStatus.REVOKED
    except ForbiddenError:
        return False
    except UnauthorizedError:
        if is_revoked_by_itself(session, entry):
            session.say("The service no longer accepts the key that made this call: it is revoked.")
            return True
    except AstaltyError:
        pass
    return False


def is_revoked_by_itself(session: Session, entry: Entry) -> bool:
    """Whether a 401 means that the revocation was done: the secret that got it is the revoked key's own."""
    return entry.own and session.secret.last_four in entry.last_fours


def _unknown(session: Session, entry: Entry, why: str) -> LeftOpenError:
    return LeftOpenError(
        f"{why} Whether {entry.name!r} ({entry.key_id}) is revoked is not known.",
        hint=f"Finish it: {session.recover}",
    )
