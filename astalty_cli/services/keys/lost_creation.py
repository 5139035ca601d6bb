"""A creation whose answer never came: not even the id of the key is known."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import BehindError, LeftOpenError, RefusedError
from astalty_cli.base.times import local
from astalty_cli.config.journal import JournalEntry, Phase
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.in_place import InPlace, is_refused_name
from astalty_cli.services.keys.recovery_destinations import into
from astalty_cli.services.keys.recovery_steps import RecoverySteps

_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class LostCreation(RecoverySteps):
    """Asks again with the same Idempotency-Key, which makes no second key; past 24 hours, looks and asks."""

    def finish(self, entry: JournalEntry) -> None:
        if self.is_old(entry):
            self._find(entry)
            return
        targets, prompts = self.destinations.targets(entry), self.prompts
        question = f"Finish creating the key {entry.name!r} and save its secret {into(targets)}?"
        if targets and prompts.confirm(question):
            self._ensure_replayable(entry)
            self.destinations.probe(targets, None, entry)
            entry = msgspec.structs.replace(entry, destinations=[destination.spec for destination in targets])
            self.issue(InPlace(self.operation, unknown=True), targets, entry)
        elif prompts.confirm(f"Revoke the key {entry.name!r}, if it was created?"):
            self._revoke_if_made(entry)
        else:
            raise LeftOpenError(
                f"The key {entry.name!r} may exist, and is still open.",
                hint=f"Finish it: {self.operation.recover}",
            )

    def _ensure_replayable(self, entry: JournalEntry) -> None:
        """Raises LeftOpenError if the user has thought until the same request may create a second key."""
        if self.is_old(entry):
            raise LeftOpenError(
                f"The key {entry.name!r} may exist: the question stood until it was too late to create it.",
                hint=f"Start again: {self.operation.recover}",
            )

    def _revoke_if_made(self, entry: JournalEntry) -> None:
        """Learn the id of the key, by the same request again, and revoke it."""
        self._ensure_replayable(entry)
        operation = self.operation
        client = operation.fresh()
        try:
            made = operation.retry_safely(
                lambda: client.create_key(
                    entry.name, access=entry.access, idempotency_key=entry.idempotency_key
                )
            ).row.value
        except RefusedError as error:
            if not is_refused_name(error):
                raise
            self.close(entry, "The key was never created.")
            return
        entry = operation.journal.write(msgspec.structs.replace(entry, key_id=made.id))
        self.revoke_orphan(entry, made.id)  # a replay shows it as it was

    def _find(self, entry: JournalEntry) -> None:
        """Look for the key by its name and time, since asking again would create a second one."""
        keys = [row.value for row in self.operation.fresh().all_keys(status="active,expiring")]
        candidates = [key for key in keys if _may_be(key, entry)]
        for key in candidates:
            made = f"{described(key)} was created {local(key.created_at)}"
            known = self.prompts.ask(f"{made}. Is it the key {entry.name!r}, whose secret nobody has?")
            if known is None:
                raise LeftOpenError(
                    f"{made}. Only a person can tell whether anyone has its secret.",
                    hint=f"Run {self.operation.recover} on a terminal.",
                )
            if known:
                self._adopt(entry, key)
                return
        if not candidates and abs(self.operation.now - entry.started_at) < _CLOCKS_DIFFER:
            raise BehindError(
                "By the service's clock it was started just now, and the key may not be listed yet."
            )
        self.close(
            entry,
            "The keys with its name are not it."
            if candidates
            else "The key was never created, or it is revoked.",
        )

    def _adopt(self, entry: JournalEntry, key: ApiKey) -> None:
        entry = msgspec.structs.replace(
            entry,
            key_id=key.id,
            rotation=key.rotation - 1,
            last_fours=[key.last_four],
            phase=Phase.DELIVERING,
        )
        self.issue_again(self.operation.journal.write(entry), key)


def _may_be(key: ApiKey, entry: JournalEntry) -> bool:
    """Whether it could be the key of an entry: created at that time, or so named, and never used."""
    after = key.created_at - entry.started_at
    at_that_time = after <= _CLOCKS_DIFFER or key.name == entry.name
    return at_that_time and after >= -_CLOCKS_DIFFER and key.last_used_at is None and key.rotation == 0
