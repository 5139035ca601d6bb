"""Rotating a key without ever locking anybody out.

A new secret with the longest grace period the service gives, every destination, a call that verifies the new
secret, this machine's profiles; only then is the old secret set to expire. The reasons are in
docs/explanation/rotation.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

import msgspec

from astalty_cli.api.contract import MAX_GRACE
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import ConflictError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.signals import deferred
from astalty_cli.config.journal import Operation, Phase
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.creation import at_risk_text
from astalty_cli.services.keys.delivery import probe
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.in_place import InPlace
from astalty_cli.services.keys.issuer import Ended, KeyIssuer, NewSecret, left_open
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.operation import LocalContext, OperationContext


class Rotated(NamedTuple):
    """A rotated key as it is in the end, and its new secret."""

    ended: Ended
    secret: Secret


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

    def run(self, seen: ApiKey) -> Rotated:
        """Rotate a key as the user saw it.

        Raises ConflictError if somebody has rotated it since, and LeftOpenError from the moment when a
        new secret may exist: it says what still works.
        """
        operation, issuer, key_id = self.operation, InPlace(self.operation), seen.id
        with operation.journal.lock(key_id):
            operation.ensure_none_open(key_id)
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
                new = Issuing(operation, issuer, self.destinations).run(operation.journal.write(entry))
            with left_open(operation, new.entry, new.key, issuer.old_text(new.entry)):
                signals.obey()
            return Rotated(RotationFinish(operation, issuer).run(new), new.secret)


def ensure_free(operation: LocalContext, key_id: str) -> None:
    """Raises ConflictError if another process works on the key, LeftOpenError if one left it open."""
    with operation.journal.lock(key_id):
        operation.ensure_none_open(key_id)


@dataclass(frozen=True)
class RotationFinish:
    """What follows a delivery: verify the new secret, switch the profiles, end the old secret."""

    operation: LocalContext
    issuer: KeyIssuer

    def run(self, new: NewSecret) -> Ended:
        operation = self.operation
        with left_open(operation, new.entry, new.key, self.issuer.old_text(new.entry)):
            self.issuer.verify(new)
            entry = operation.journal.write(msgspec.structs.replace(new.entry, phase=Phase.VERIFIED))
        return self.issuer.end_old(replace(new, entry=entry))
