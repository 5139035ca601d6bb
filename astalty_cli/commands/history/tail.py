"""`astalty history tail`: new requests as they are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, TypeVar

from astalty_cli.base.errors import ServiceError
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import option
from astalty_cli.commands.history.filters import FILTERS, api_filters
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.services.history.reading import Entry

T = TypeVar("T")

_LONGEST_WAIT = 30.0  # seconds between two tries of a service that fails


@takes(FILTERS.without("until"), OUTPUT, ACCOUNT)
def tail(
    context: Context,
    *,
    include_self: Annotated[
        bool, option("--include-self", help="Show this tool's own reads of the history too.")
    ] = False,
) -> None:
    from astalty_cli.api.models import ApiRequest
    from astalty_cli.output.following import Follower
    from astalty_cli.services.history.reading import HistoryQuery
    from astalty_cli.services.history.self_traffic import SelfTraffic
    from astalty_cli.services.history.tail import Tail

    context.disable_time_limit()
    output = context.output
    printer = Follower(output, output.columns(columns.REQUESTS, ApiRequest))
    following = Tail(HistoryQuery(context.client, api_filters(context, context.get(FILTERS))))
    polling = _Polling(context)
    own: SelfTraffic | None = None

    def show(entries: list[Entry]) -> None:
        printer.print(row.raw for row in entries if own is None or not own.is_own(row.value))

    def caught_up() -> bool:
        for rows in following.catch_up():
            show(rows)
        return True

    try:
        own = None if include_self else polling.answer(lambda: SelfTraffic.with_key_of(context.client))
        if context.get(FILTERS).since:
            polling.answer(caught_up)
        while polling.goes_on():
            show(polling.tried(following.poll) or [])
    except KeyboardInterrupt:
        pass
    finally:  # also where the key was revoked meanwhile: what was seen is what one wants to see then
        show(following.rest())
    if own and own.left_out:
        output.note(own.summary())


class _Polling:
    """Asks again and again, until the command's time is over; what fails is asked for again, less often."""

    def __init__(self, context: Context) -> None:
        self._output, self._client = context.output, context.client
        self._end = time.monotonic() + (context.timeout or float("inf"))
        self._failures = 0
        self._wait = 0.0

    def goes_on(self) -> bool:
        """Wait for the next poll; False where the command's time is over before it."""
        left = self._end - time.monotonic()
        with suppress(ServiceError):  # which says that less time is left
            self._client.pause(min(self._wait, max(left, 0)), "the next poll")
        return left > self._wait

    def answer(self, ask: Callable[[], T]) -> T | None:
        """Ask until there is an answer; None where the time is over before it."""
        found = None
        while found is None and self.goes_on():
            found = self.tried(ask)
        self._wait = 0.0
        return found

    def tried(self, ask: Callable[[], T]) -> T | None:
        """Ask; None where the service failed. A key that is not accepted, and the like, is raised."""
        from astalty_cli.services.history.tail import INTERVAL

        try:
            found = ask()
        except ServiceError as error:
            self._failures += 1
            if self._failures == 1 and time.monotonic() < self._end:
                self._output.warn(f"{error.message} It is asked again until it answers.")
            self._wait = max(min(INTERVAL * 2 ** (self._failures - 1), _LONGEST_WAIT), error.retry_after or 0)
            return None
        if self._failures:
            self._output.warn("The service answers again.")
        self._failures, self._wait = 0, INTERVAL
        return found
