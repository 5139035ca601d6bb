"""A leaked secret whose key is on a web page: deleted there, verified to have ended, and replaced.

If a replacement exists already, it is delivered first. Otherwise the leaked key is deleted first: until then,
anyone who has its secret can use it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.capability_memory import Capability, Offer
from astalty_cli.base.errors import ConflictError, LeftOpenError, LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local, utc_now
from astalty_cli.config.journal import JournalEntry, Operation, Phase
from astalty_cli.services.incident import hand_report
from astalty_cli.services.incident.hand_report import HandIncident, HandKey
from astalty_cli.services.incident.leak import Leak
from astalty_cli.services.incident.report import ReportFiles, Step
from astalty_cli.services.keys.by_hand.checks import is_still_accepted
from astalty_cli.services.keys.by_hand.deletion import deletion_of
from astalty_cli.services.keys.by_hand.operations import HandOperation, access_of
from astalty_cli.services.keys.by_hand.page_names import next_page_name
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.rotation import RotationFinish


@dataclass
class HandPanic:
    """`known` is a secret of the account that works, to compare a new one with, if the leaked one doesn't.

    `control` is another one that works: it tells a deleted key from a service that rejects all.
    """

    operation: HandOperation
    leak: Leak
    since: timedelta
    known: Secret | None = None
    control: Secret | None = None
    started_at: datetime = field(default_factory=utc_now)
    steps: list[Step] = field(default_factory=list)
    works: bool = True
    rejected_at: datetime | None = None
    replaced_by: str | None = None  # the last four characters of the new secret
    entry_id: str | None = None

    def did(self, what: str) -> None:
        self.steps.append(Step(utc_now(), what))

    def check(self) -> None:
        """See whether the secret still works. Raises ServiceError if the answers decide nothing."""
        self.works = is_still_accepted(self.operation.context, self.leak.secret)
        if self.works:
            self.did("The service accepted the leaked secret.")
        else:
            self.did("The service rejected the leaked secret, twice.")
            self.rejected_at = utc_now()

    # -- what is done about it -------------------------------------------------------------------

    def end(self) -> str:
        """Have the key deleted, without a new one; return its id in the record.

        Raises LeftOpenError until the service rejects the secret.
        """
        if self.works:
            self._delete(self._entry(Operation.REVOKE))
        elif self.leak.earlier is not None:
            self._conclude(self.leak.earlier)
        else:
            self._record_end()
        return self.leak.key.id

    def replace_first(self) -> str:
        """Deliver the replacement, then have the leaked key deleted. As `end`, and raises as a rotation."""
        entry = self._entry(Operation.ROTATE, phase=Phase.AWAITING_SECRET, slot=self.leak.storage)
        new_id, new = self._replace(entry)
        self.did("The deletion of the leaked key was asked for.")
        self.operation.check_if_due(entry.id, self.leak.secret, new)
        self.is_rejected()
        return new_id

    def replace_afterwards(self) -> str:
        """Have the leaked key deleted, then ask for a new one and deliver it. Raises as `replace_first`."""
        if not self.works:
            self._record_end()
            entry = self._entry(Operation.ROTATE, phase=Phase.AWAITING_SECRET, old_is_gone=True)
            return self._replace(entry)[0]
        entry = self._entry(Operation.ROTATE)
        self._delete(entry)
        return self._replace(entry)[0]

    def begin_to_finish(self, rotation: JournalEntry) -> JournalEntry:
        """Let a rotation that has replaced the secret wait no longer for the deletion of the old key."""
        hand = self.operation
        rotation = msgspec.structs.replace(
            rotation, leaked=True, due_at=utc_now(), slot=rotation.slot or self.leak.storage
        )
        rotation = hand.context.journal.write(rotation)
        self.entry_id, self.replaced_by = rotation.id, rotation.last_fours[-1]
        hand.slots.store(rotation, self.leak.secret)
        self.did(f"A new key (ends in {self.replaced_by}) has replaced it already.")
        if self.works:
            self.did("The deletion of the leaked key was asked for.")
            if not hand.person.is_here:  # on a terminal, the wait begins with it
                hand.person.delete(deletion_of(rotation))
        return rotation

    def ensure_replaceable(self) -> None:
        """Raises UsageError if nothing would get a new secret, LeftOpenError if an operation is open."""
        self.operation.ensure_delivered_somewhere(self.leak.holders)
        self.operation.context.ensure_none_open(self.leak.key.id)

    def interrupted(self) -> LeftOpenError | None:
        """What to raise after Ctrl-C, if something is open."""
        context = self.operation.context
        if self.entry_id is None or (entry := context.journal.read(self.entry_id)) is None:
            return None
        return LeftOpenError(
            f"Interrupted. {entry.name!r} is not finished.",
            hint=f"Continue: {command(context.recover, entry.id[:8])}",
        )

    # -- how -------------------------------------------------------------------------------------

    def _entry(self, operation: Operation, **fields: object) -> JournalEntry:
        """An entry, by default of a key that waits to be deleted. An earlier one of the same leak goes on."""
        key, hand = self.leak.key, self.operation
        waiting: dict[str, object] = {
            "phase": Phase.AWAITING_DELETION,
            "due_at": utc_now(),
            "slot": self.leak.storage,
        }
        entry = hand.new_entry(
            operation,
            key.id,
            key.name,
            access=access_of(key),
            page_name=self._page_name() if operation is Operation.ROTATE else None,
            old_page_name=key.page_name,
            last_fours=[self.leak.secret.last_four],
            leaked=True,
        )
        if self.leak.earlier is not None:
            entry = msgspec.structs.replace(entry, id=self.leak.earlier.id)
        entry = hand.context.journal.write(msgspec.structs.replace(entry, **(fields or waiting)))
        self.entry_id = entry.id
        return entry

    def _page_name(self) -> str:
        try:
            return self.operation.next_page_name(self.leak.key)
        except LocalError:  # the record can't be read, and that holds nothing up
            return next_page_name(self.leak.key.name, utc_now().astimezone().date(), [], [])

    def _delete(self, entry: JournalEntry) -> None:
        hand = self.operation
        hand.keep(entry, self.leak.secret)
        self.did("The deletion of the leaked key was asked for.")
        hand.deletion_check(self.leak.secret, self.control).run(entry)
        self.is_rejected()

    def _replace(self, entry: JournalEntry) -> tuple[str, Secret]:
        """Deliver a new secret and let the profiles use it; return it, and its key's id in the record."""
        hand, leak = self.operation, self.leak
        with hand.context.journal.lock(entry.lock_name):
            entry = self._current(entry)
            known = self.known if entry.old_is_gone else leak.secret
            issuer = hand.issuer(leak.key, leak.secret, known)
            new = hand.issue(issuer, entry)
            self.replaced_by = new.secret.last_four
            kinds = ", ".join(each.spec.partition(":")[0] for each in hand.destinations)
            self.did(f"A new key (ends in {new.secret.last_four}) was verified" + _delivered(kinds))
            ended = RotationFinish(hand.context, issuer).run(new)
        if leak.holders:
            self.did(f"Profiles that now use the new secret: {', '.join(leak.holders)}.")
        return ended.key.id, new.secret

    def _current(self, entry: JournalEntry) -> JournalEntry:
        """The entry as it is after its deletion was verified. Raises ConflictError if it is closed."""
        current = self.operation.context.journal.read(entry.id)
        if current is None:
            raise ConflictError(f"The entry of {entry.name!r} was finished meanwhile.")
        return current

    def _conclude(self, entry: JournalEntry) -> None:
        """Close an entry whose key is gone."""
        self._record_end()
        self.operation.slots.remove(entry)
        self.operation.context.journal.close(entry)

    def _record_end(self) -> None:
        key = self.leak.key
        self.operation.context.record.leak_ended(
            key.id, key.name, last_four=self.leak.secret.last_four, page_name=key.page_name
        )

    def is_rejected(self) -> None:
        """Note that the deletion is verified."""
        self.rejected_at = self.rejected_at or utc_now()
        self.did("The service rejected the leaked secret, twice: its key is deleted.")

    def _history_is_offered(self) -> bool:
        """What is known without a call: the report is written whatever the service does now."""
        known = self.operation.context.client_with(self.leak.secret).capabilities.known(Capability.HISTORY)
        return known is Offer.FULL

    # -- the report ------------------------------------------------------------------------------

    def write_report(self, folder: Path, visible: Callable[[str], str]) -> ReportFiles:
        """Raises LocalError."""
        key, since = self.leak.key, self.started_at - self.since
        recorded = self.leak.is_recorded
        incident = HandIncident(
            leaked_secret_ended_in=self.leak.secret.last_four,
            worked=self.works,
            rejected_at=self.rejected_at,
            key=HandKey(
                name=key.name if recorded else None,
                page_name=key.page_name,
                last_four=key.last_four,
                access=key.access if recorded else None,
            ),
            replaced_by_key_ending_in=self.replaced_by,
            since=since,
            started_at=self.started_at,
            steps=self.steps,
            history_page=contract.REQUEST_HISTORY,
            history_is_offered=self._history_is_offered(),
            history_filters=hand_report.filters(key, since, self.rejected_at),
            not_known=["What was done with the leaked secret: see the request history in the web app."],
        )
        return hand_report.write(incident, key.id, folder, visible)


def state_text(panic: HandPanic) -> str:
    """Whether the secret works, and whose it is, in sentences for people."""
    if panic.rejected_at is None:
        state = "The leaked secret still works: the service accepts it."
    else:
        state = f"The leaked secret no longer works, verified {local(panic.rejected_at)}."
    if not panic.leak.is_recorded:
        return f"{state} The record does not have its key."
    return f"{state} It is of {described(panic.leak.key)}."


def _delivered(kinds: str) -> str:
    return f" and delivered ({kinds})." if kinds else "."
