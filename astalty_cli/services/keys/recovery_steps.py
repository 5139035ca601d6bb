"""The steps that every recovery of an interrupted key operation is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import LeftOpenError, UnauthorizedError
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.signals import deferred
from astalty_cli.base.times import local
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.creation import at_risk_text
from astalty_cli.services.keys.finder import described, is_active
from astalty_cli.services.keys.in_place import InPlace
from astalty_cli.services.keys.issuer import Ended
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.operation import OperationContext
from astalty_cli.services.keys.recovery_destinations import Prompts, RecoveryDestinations, into
from astalty_cli.services.keys.revoking import end
from astalty_cli.services.keys.rotation import RotationFinish

# An Idempotency-Key is kept for 24 hours; an hour less, since clocks and requests are never exact.
_REPLAYABLE = timedelta(hours=23)


@dataclass(frozen=True)
class RecoverySteps:
    """Each step works on one entry, whose lock the caller holds."""

    operation: OperationContext
    destinations: RecoveryDestinations
    prompts: Prompts

    def seen(self, entry: JournalEntry, key_id: str) -> ApiKey:
        """The key as it is, once the service shows what the entry knows of it."""
        made = entry.operation is not Operation.REVOKE and entry.phase is not Phase.ASKED
        try:
            return self.operation.key_since(self.operation.fresh(), key_id, entry.rotation + made)
        except UnauthorizedError as error:
            error.hint = f"Sign in with another key of the account, then: {self.operation.recover}"
            raise

    def close(self, entry: JournalEntry, how: str) -> None:
        """Close the entry, and say how it ended."""
        self.operation.journal.close(entry)
        self.operation.say(f"{title_of(entry)} is finished. {how}")

    def is_old(self, entry: JournalEntry) -> bool:
        """Whether the service may have forgotten the entry's Idempotency-Key."""
        return self.operation.latest - entry.started_at > _REPLAYABLE

    def issue_again(self, entry: JournalEntry, key: ApiKey) -> None:
        """Create another secret for a key whose newest one is lost; or undo a creation."""
        targets = self.destinations.targets(entry)
        if not targets or not self.prompts.confirm(
            f"Create a new secret for {described(key)} and save it {into(targets)}?"
        ):
            self._revoke_unusable(entry, key, declined=bool(targets))
            return
        self.destinations.probe(targets, key, entry)
        answered = entry.phase is not Phase.ASKED or self.is_old(entry)
        entry = msgspec.structs.replace(
            entry, destinations=[destination.spec for destination in targets], delivered=[]
        )
        issuer = InPlace(self.operation, unknown=True)
        if answered and key.rotation == entry.rotation + 1:
            entry = issuer.once_more(entry, key)
        self.issue(issuer, targets, entry)

    def issue(self, issuer: InPlace, targets: Sequence[Destination], entry: JournalEntry) -> None:
        """Create the secret that an entry asks for, and finish the entry."""
        operation = self.operation
        with deferred(operation.warn, at_risk_text(entry.name)) as signals:
            new = Issuing(operation, issuer, targets).run(operation.journal.write(entry))
            if entry.operation is Operation.CREATE:
                self.close(new.entry, f"The secret of {described(new.key)} is saved.")
        signals.obey()
        if entry.operation is Operation.ROTATE:
            self.say_rotation_finished(RotationFinish(operation, issuer).run(new))

    def say_rotation_finished(self, ended: Ended) -> None:
        until = ended.until
        old = f"The old secret works until {local(until)}." if until else "No earlier secret works any more."
        self.operation.say(f"Finished the rotation of {described(ended.key)}. {old}")

    def _revoke_unusable(self, entry: JournalEntry, key: ApiKey, *, declined: bool) -> None:
        """Revoke a key that was created and whose secret is lost. A rotated key is never revoked."""
        finish = f"Finish it: {self.operation.recover}"
        if entry.operation is not Operation.CREATE:
            if declined:
                raise still_open(entry, "", hint=finish)
            raise still_open(
                entry,
                f"Nothing says where a new secret of {described(key)} should go. {old_secret_text(key)}",
                hint=f"Name a destination: {self.operation.recover} --yes --to file:PATH",
            )
        if not self.prompts.confirm(f"Revoke the key {described(key)}, whose secret nobody has?"):
            raise still_open(entry, "", hint=finish)
        self.revoke_orphan(entry, key.id)

    def revoke_orphan(self, entry: JournalEntry, key_id: str) -> None:
        """Revoke it, unless somebody has given it a secret of theirs since, or while the question stood."""
        key = self.seen(entry, key_id)
        if not is_active(key):
            self.close(entry, "The key is revoked.")
            return
        if key.rotation > entry.rotation + 1:
            self.close(entry, f"Someone has rotated {described(key)} since, so it was not revoked.")
            return
        end(self.operation, entry, key.id)
        self.close(entry, f"Revoked {described(key)}, whose secret nobody had.")


def old_secret_text(key: ApiKey) -> str:
    """What became of the earlier secrets of a key."""
    until = key.previous_expires_at
    if until:
        return f"The old secret works until {local(until)}."
    return "The old secret works." if key.rotated_at is None else "No earlier secret works any more."


def title_of(entry: JournalEntry) -> str:
    return f"{entry.operation.capitalize()} {entry.name!r}"


def still_open(entry: JournalEntry, reason: str, *, hint: str) -> LeftOpenError:
    return LeftOpenError(f"{title_of(entry)} is still open. {reason}".rstrip(), hint=hint)


def abandon_hint(entry: JournalEntry) -> str:
    return f"If you know how it ended, close it: astalty keys recover {quoted(entry.id[:8])} --abandon"


def elsewhere(entry: JournalEntry) -> LeftOpenError:
    return still_open(
        entry,
        f"It is of another account, at {entry.base_url}.",
        hint=f"Finish it with a key of that account: astalty keys recover -p {quoted(entry.profile)}, "
        "or with ASTALTY_API_KEY and ASTALTY_BASE_URL as they were.",
    )
