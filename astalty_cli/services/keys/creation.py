"""Making a key, and handing its first secret over."""

from collections.abc import Sequence
from dataclasses import dataclass

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.signals import deferred
from astalty_cli.base.vocabulary import Access
from astalty_cli.config.journal import Operation
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.delivery import probe
from astalty_cli.services.keys.in_place import InPlace
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.operation import OperationContext


@dataclass(frozen=True)
class Creation:
    operation: OperationContext
    destinations: Sequence[Destination]
    force: bool = False

    def run(self, name: str, access: Access | None = None) -> KeyIdentity:
        """Create a key of this name; without `access`, the service decides what it may do.

        Raises LeftOpenError if a secret may exist without being saved.
        """
        probe(self.destinations, None, force=self.force)
        operation = self.operation
        operation.ensure_readable(None)
        entry = operation.new_entry(
            Operation.CREATE, name, destinations=self.destinations, force=self.force, access=access
        )
        with operation.journal.lock(entry.lock_name), deferred(operation.warn, at_risk_text(name)) as signals:
            new = Issuing(operation, InPlace(operation), self.destinations).run(
                operation.journal.write(entry)
            )
            operation.journal.close(new.entry)
        signals.obey()
        return new.key


def at_risk_text(name: str) -> str:
    return f"A new secret of {name!r} may already exist and not be saved."
