"""What an operation on keys works with: this machine's journal and profiles, and the account."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol, TypeVar
from uuid import uuid4

from astalty_cli.api.client import Client
from astalty_cli.api.identity import Identified, KeyIdentity
from astalty_cli.api.models import ApiKey, CurrentKey
from astalty_cli.base.errors import AstaltyError, BehindError, LeftOpenError, NotFoundError, ServiceError
from astalty_cli.base.secret import HeldSecret, Secret
from astalty_cli.base.times import usable_clock, utc_now
from astalty_cli.base.vocabulary import Access
from astalty_cli.config.journal import Journal, JournalEntry, Operation, new_idempotency_key
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.record import KeyRecord

T = TypeVar("T")

PATIENCE = 30.0  # seconds that delivery and proof have of their own, whatever --timeout left
_BACK_OFF = (0.5, 1.0, 2.0)  # seconds
_LAG = (0.5, 1.0, 2.0, 4.0)  # seconds between looks at a service whose reads lag behind its writes


class Holders(Protocol):
    """Where this machine holds keys for its own use: the profiles, or the sandbox's file."""

    def held(self) -> Iterator[HeldSecret]:
        """All of them; what cannot be read is left out."""

    def holding(self, key_id: str) -> list[str]:
        """The names of those that hold this key."""

    def secrets(self, key_id: str) -> Iterator[Secret]:
        """What they hold of it. Raises LocalError if that cannot be read."""

    def switch(self, key: Identified, secret: Secret) -> list[str]:
        """Give all that hold this key the new secret; return their names. Raises LocalError."""

    def clear_leftovers(self) -> None:
        """Remove what a killed process has left of a secret that it was about to write. Raises LocalError."""

    def replace(self, old: Secret, key: KeyIdentity, secret: Secret) -> list[str]:
        """Give all that hold the old secret, whatever its key is called, the new one. Raises LocalError."""


@dataclass(frozen=True, kw_only=True)
class LocalContext:
    """What an operation needs whether or not the service has calls for keys.

    `client_with` gives the API with a key, and fresh time. `recover` is the command that finishes what is
    left open. `say` gets a line for each step, `warn` what has to be heard in quiet modes too; `show` puts a
    secret on the controlling terminal, the last resort, if there is one.
    """

    client_with: Callable[[Secret], Client]
    profile: str
    origin: str
    journal: Journal
    holders: Holders
    record: KeyRecord
    recover: str
    say: Callable[[str], None]
    warn: Callable[[str], None]
    show: Callable[[KeyIdentity, Secret], None] | None
    sleep: Callable[[float], None] = field(default=time.sleep)

    def ensure_readable(self, key_id: str | None) -> None:
        """Raises LeftOpenError if an entry that cannot be read may be of this key; None is a new one."""
        for error in self.journal.unreadable(self.origin, key_id):
            raise LeftOpenError(
                f"{error.message} It may be of an open operation on this key. Nothing was done.",
                hint=error.hint,
            )

    def ensure_none_open(self, key_id: str) -> None:
        """Raises LeftOpenError if an earlier operation on the key has to be finished first."""
        self.ensure_readable(key_id)
        for entry in self.journal.of_key(self.origin, key_id):
            if entry.blocks_others:
                raise LeftOpenError(
                    f"An earlier operation on {entry.name!r} ({key_id}) is open; nothing was done.",
                    hint=f"Finish it first: {self.recover}",
                )


@dataclass(frozen=True, kw_only=True)
class OperationContext(LocalContext):
    """One account as seen by one command, with a key that makes the calls."""

    client: Client
    secret: Secret

    @cached_property
    def own(self) -> CurrentKey:
        """The key that makes the calls, and its account."""
        return self.client.current_key().value

    @property
    def now(self) -> datetime:
        """The service's time, as of this command's first call: a machine's own clock may be anything."""
        return usable_clock(self.own.last_used_at) or utc_now()

    @property
    def latest(self) -> datetime:
        """The later of both clocks, where to think that too much time has passed is the safe mistake."""
        return max(self.now, utc_now())

    def new_entry(
        self,
        operation: Operation,
        name: str,
        key: ApiKey | None = None,
        *,
        last_fours: Sequence[str] = (),
        first_grace: timedelta = timedelta(),
        grace: timedelta = timedelta(),
        destinations: Sequence[Destination] = (),
        force: bool = False,
        access: Access | None = None,
    ) -> JournalEntry:
        """An entry for the journal, not on the disk yet; `key` is None if it is to be created."""
        return JournalEntry(
            id=uuid4().hex,
            operation=operation,
            name=name,
            key_id=key.id if key else None,
            rotation=key.rotation if key else -1,
            own=key is not None and key.id == self.own.id,
            last_fours=list(last_fours),
            idempotency_key=new_idempotency_key(),
            first_grace=int(first_grace.total_seconds()),
            grace=int(grace.total_seconds()),
            destinations=[destination.spec for destination in destinations],
            force=force,
            access=access,
            profile=self.profile,
            base_url=self.origin,
            account_id=self.own.account.id,
            started_at=self.now,
        )

    def fresh(self) -> Client:
        """The account's API with time of its own: for what must follow, however long it took so far."""
        return self.client_with(self.secret)

    def clients(self) -> Iterator[Client]:
        """For a call and its repetitions: the first has what --timeout left, the others their own time."""
        yield self.client
        yield from itertools.repeat(self.fresh())

    def retry_safely(
        self, call: Callable[[], T], on_failure: Callable[[ServiceError], None] = lambda _: None
    ) -> T:
        """Make a call that is harmless to repeat, and repeat it while no usable answer comes.

        `on_failure` hears of each failure that is followed by another try.
        """
        left = PATIENCE
        for back_off in _BACK_OFF:
            try:
                return call()
            except ServiceError as error:
                seconds = _wait_for(error, back_off)
                if seconds is None or seconds > left:
                    raise
                on_failure(error)
            left -= seconds
            self.sleep(seconds)
        return call()

    # -- reads may lag behind writes by some seconds ----------------------------------------------

    def caught_up(self, read: Callable[[], T], behind: tuple[type[AstaltyError], ...] = (BehindError,)) -> T:
        """Read, and again for a while if that raises what a read that lags behind raises."""
        for seconds in _LAG:
            try:
                return read()
            except behind:
                self.sleep(seconds)
        return read()

    def key_since(self, client: Client, key_id: str, rotation: int) -> ApiKey:
        """A key that is known to have had this rotation: an answer that says less, or 404, may be too old.

        Raises BehindError, or NotFoundError, if it stays so.
        """

        def read() -> ApiKey:
            key = client.get_key(key_id).value
            ensure_not_older(key, rotation)
            return key

        return self.caught_up(read, (BehindError, NotFoundError))


def ensure_not_older(key: ApiKey, rotation: int) -> None:
    """Raises BehindError for a key that is known to be at this rotation already."""
    if key.rotation < rotation:
        raise BehindError(
            f"The service still answers with rotation {key.rotation} of this key, and it is further.",
            hint="It is behind its own changes: try again in a moment.",
        )


def _wait_for(error: ServiceError, back_off: float) -> float | None:
    """Seconds after which the same call may fare better; None if it will not."""
    if not error.worth_retrying:
        return None
    return back_off if error.retry_after is None else float(error.retry_after)
