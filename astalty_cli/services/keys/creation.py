"""Making a key, and handing its first secret over."""

from collections.abc import Sequence
from dataclasses import dataclass

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey
from astalty_cli.base.signals import held
from astalty_cli.config.journal import Operation
from astalty_cli.destinations.destination import Sink
from astalty_cli.services.keys.delivery import probe
from astalty_cli.services.keys.issuing import Issuing
from astalty_cli.services.keys.operation import Session


@dataclass(frozen=True)
class Creation:
    session: Session
    sinks: Sequence[Sink]
    force: bool = False

    def run(self, name: str) -> Row[ApiKey]:
        """Make a key of this name. Raises LeftOpenError where a secret may be in nobody's hands."""
        probe(self.sinks, None, force=self.force)
        session = self.session
        entry = session.begun(Operation.CREATE, name, sinks=self.sinks, force=self.force)
        with session.journal.lock(entry.lock_name), held(session.warn, stake(name)) as signals:
            handed = Issuing(session, self.sinks).run(session.journal.write(entry))
            session.journal.close(handed.entry)
        signals.obey()
        return handed.key


def stake(name: str) -> str:
    return f"A new secret of {name!r} may be made already, and in nobody's hands."
