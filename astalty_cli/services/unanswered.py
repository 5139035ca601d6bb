"""A creation whose answer never came: not even the id of the key is known."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from astalty_cli.config.journal import Entry, Phase
from astalty_cli.errors import LeftOpenError, RefusedError
from astalty_cli.services.issuing import Issuing
from astalty_cli.services.keys import described
from astalty_cli.times import local

if TYPE_CHECKING:
    from astalty_cli.services.recovery import Recovery

_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class UnansweredCreation:
    """Asks again with the same Idempotency-Key, which makes no second key; past 24 hours, looks and asks."""

    recovery: "Recovery"

    def finish(self, entry: Entry) -> None:
        recovery = self.recovery
        if recovery.is_old(entry):
            self._find(entry)
            return
        targets, words = recovery.places.targets(entry), recovery.words
        into = ", ".join(sink.spec for sink in targets)
        if targets and words.agrees(f"Make the key {entry.name!r}, as was begun, its secret into {into}?"):
            recovery.places.probe(targets, None, entry)
            entry = msgspec.structs.replace(entry, sinks=[sink.spec for sink in targets])
            recovery.issue(Issuing(recovery.session, targets, unknown=True), entry)
        elif words.agrees(f"Revoke the key {entry.name!r}, if it was made?"):
            self._undo(entry)
        else:
            raise LeftOpenError(
                f"The key {entry.name!r} may exist, and is still open.",
                hint=f"Finish it: {recovery.session.recover}",
            )

    def _undo(self, entry: Entry) -> None:
        """Learn the id of the key, by the same request again, and revoke it."""
        session = self.recovery.session
        client = session.fresh()
        try:
            issued = session.patiently(
                lambda: client.create_key(entry.name, idempotency_key=entry.idempotency_key)
            )
        except RefusedError:
            self.recovery.over(entry, "The key was never made.")
            return
        key = issued.row.value
        entry = session.journal.write(msgspec.structs.replace(entry, key_id=key.id))
        self.recovery.revoke_orphan(entry, key)

    def _find(self, entry: Entry) -> None:
        """Look for the key by its name and time, since asking again would make a second one."""
        recovery = self.recovery
        since = entry.started_at - _CLOCKS_DIFFER
        keys = (row.value for row in recovery.session.fresh().all_keys(status="active,expiring"))
        key = next((key for key in keys if key.name == entry.name and key.created_at >= since), None)
        if key is None:
            recovery.over(entry, "The key was never made, or it is revoked.")
            return
        made = f"{described(key)} was made {local(key.created_at)}"
        known = recovery.words.knows(f"{made}. Is it the key whose secret nobody has?")
        if known is None:
            raise LeftOpenError(
                f"{made}, and nobody is here to say whether anybody has its secret.",
                hint=f"Run {recovery.session.recover} on a terminal.",
            )
        if not known:
            recovery.over(entry, "The key is another's.")
            return
        entry = msgspec.structs.replace(
            entry,
            key_id=key.id,
            rotation=key.rotation - 1,
            last_fours=[key.last_four],
            phase=Phase.DELIVERING,
        )
        recovery.issue_again(recovery.session.journal.write(entry), key)
