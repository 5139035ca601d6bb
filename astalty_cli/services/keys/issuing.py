"""Obtaining a secret and handing it over, once and for all, whichever way it is obtained.

The order is the product's promise (docs/explanation/rotation.md): the journal, the secret, every destination.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from astalty_cli.base.errors import AstaltyError, LeftOpenError, LocalError
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.delivery import Delivery, failure_text
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.issuer import KeyIssuer, NewSecret
from astalty_cli.services.keys.operation import LocalContext


@dataclass(frozen=True)
class Issuing:
    """Obtains the secret that an entry asks for, and hands it over."""

    operation: LocalContext
    issuer: KeyIssuer
    destinations: Sequence[Destination]

    def run(self, entry: JournalEntry) -> NewSecret:
        """The caller holds signals back (`signals.deferred`). Raises as `KeyIssuer.issue`."""
        return self.deliver(self.issuer.issue(entry))

    def deliver(self, new: NewSecret) -> NewSecret:
        """Hand over a secret just obtained. Raises LeftOpenError if that fails: the secret may be lost."""
        try:
            return self.hand_over(new)
        except LeftOpenError:
            raise
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, say what holds
            raise lost(self.operation, new.entry, error) from None

    def hand_over(self, new: NewSecret) -> NewSecret:
        """Give a secret to the destinations. Raises LeftOpenError if one of them did not take it."""
        entry, operation = new.entry, self.operation
        delivery = Delivery(operation, done=list(entry.delivered))
        delivery.run(self.destinations, new.key, new.secret)
        entry = msgspec.structs.replace(entry, delivered=delivery.done)
        if entry.operation is Operation.CREATE and (delivery.done or not self.destinations):
            self.issuer.delivered(replace(new, entry=entry))
        if delivery.failed:
            operation.journal.write(entry)
            raise LeftOpenError(delivery.story(new.key), hint=f"Finish it: {operation.recover}")
        try:
            entry = operation.journal.write(msgspec.structs.replace(entry, phase=Phase.DELIVERED))
        except LocalError as error:
            raise LeftOpenError(
                f"{error.message} The new secret of {described(new.key)} was saved all the same.",
                hint=f"Finish it: {operation.recover}",
            ) from None
        return replace(new, entry=entry)


def lost(operation: LocalContext, entry: JournalEntry, error: BaseException) -> LeftOpenError:
    """What to raise if a secret may exist that was not saved."""
    return LeftOpenError(
        f"{failure_text(error)} {lost_text(entry)}",
        hint=f"Finish it: {operation.recover}",
        status=error.status if isinstance(error, AstaltyError) else None,
    )


def lost_text(entry: JournalEntry) -> str:
    """What holds for a secret that may exist and was not saved."""
    if entry.operation is Operation.CREATE:
        return f"The key {entry.name!r} may exist, but its secret was not saved."
    whose = f"{entry.name!r} ({entry.key_id})"
    return f"{whose} may have a new secret that was not saved. The old one was not ended."
