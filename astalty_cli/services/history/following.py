"""Following the history for as long as the caller wants, whatever the service does meanwhile."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from astalty_cli.base.errors import ServiceError
from astalty_cli.base.events import Event, WarningMessage
from astalty_cli.services.history.reading import Entry, HistoryQuery
from astalty_cli.services.history.self_traffic import SelfTraffic
from astalty_cli.services.history.tail import INTERVAL, Tail

T = TypeVar("T")

_LONGEST_WAIT: Final = 30.0  # seconds between two tries of a service that fails


class NewEntries(NamedTuple):
    """Entries that were not handed out before, in order."""

    entries: Sequence[Entry]


@dataclass
class Following:
    """Asks again and again, for that many seconds; what fails is asked for again, less often.

    A query with `created_from` begins with what there is since then. `self_traffic` is None if this tool's
    own reads are to be handed out as well.
    """

    query: HistoryQuery
    on_event: Callable[[Event | NewEntries], None]
    include_self: bool = False
    seconds: float = float("inf")
    clock: Callable[[], float] = time.monotonic
    self_traffic: SelfTraffic | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._tail = Tail(self.query, self.clock)
        self._end = self.clock() + self.seconds
        self._failures = 0
        self._wait = 0.0

    def run(self) -> None:
        """Hand out what is new until the time is over or the user interrupts.

        At any end, also an error, what was seen and held back is handed out; a second interruption is raised.
        """
        try:
            if not self.include_self:
                self.self_traffic = self._answer(lambda: SelfTraffic.with_key_of(self.query.client))
            if self.query.filters.get("created_from"):
                self._answer(self._catch_up)
            while self._goes_on():
                self._hand_out(self._tried(self._tail.poll) or [])
        except KeyboardInterrupt:  # which is how one ends it
            pass
        finally:
            self._hand_out(self._tail.rest())

    def _catch_up(self) -> bool:
        for entries in self._tail.catch_up():
            self._hand_out(entries)
        return True

    def _hand_out(self, entries: Sequence[Entry]) -> None:
        own = self.self_traffic
        if wanted := [row for row in entries if own is None or not own.is_own(row.value)]:
            self.on_event(NewEntries(wanted))

    # -- asking ----------------------------------------------------------------------------------

    def _goes_on(self) -> bool:
        """Wait for the next poll; False if the time is over before it."""
        left = self._end - self.clock()
        with suppress(ServiceError):  # which says that less time is left
            self.query.client.pause(min(self._wait, max(left, 0)), "the next poll")
        return left > self._wait

    def _answer(self, ask: Callable[[], T]) -> T | None:
        """Ask until there is an answer; None if the time is over before it."""
        found = None
        while found is None and self._goes_on():
            found = self._tried(ask)
        self._wait = 0.0
        return found

    def _tried(self, ask: Callable[[], T]) -> T | None:
        """Ask; None if the service failed. A key that is not accepted, and the like, is raised."""
        try:
            found = ask()
        except ServiceError as error:
            self._failures += 1
            if self._failures == 1 and self.clock() < self._end:
                self.on_event(WarningMessage(f"{error.message} It is asked again until it answers."))
            self._wait = max(min(INTERVAL * 2 ** (self._failures - 1), _LONGEST_WAIT), error.retry_after or 0)
            return None
        if self._failures:
            self.on_event(WarningMessage("The service answers again."))
        self._failures, self._wait = 0, INTERVAL
        return found
