"""What an operation on keys works with: the account, this machine's journal, and somebody to tell."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol, TypeVar

from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey, CurrentKey
from astalty_cli.config.journal import Journal
from astalty_cli.errors import AstaltyError, ServiceError
from astalty_cli.secret import Secret
from astalty_cli.times import utc_now

T = TypeVar("T")

PATIENCE = 30.0  # seconds that delivery and proof have of their own, whatever --timeout left
_BACK_OFF = (0.5, 1.0, 2.0)  # seconds


class Holders(Protocol):
    """Where this machine holds keys for its own use: the profiles, or the sandbox's file."""

    def holding(self, key_id: str) -> list[str]:
        """The names of those that hold this key."""

    def secrets(self, key_id: str) -> Iterator[Secret]:
        """What they hold of it. Raises LocalError where that cannot be read."""

    def switch(self, key: ApiKey, secret: Secret) -> list[str]:
        """Give all of them the new secret; return their names. Raises LocalError."""


@dataclass(frozen=True)
class Session:
    """One account as seen by one command. `client_with` gives the same API with another key, and fresh time.

    `say` gets a line for each step; `show` puts a secret on the controlling terminal, the last resort.
    """

    client: Client
    client_with: Callable[[Secret], Client]
    secret: Secret
    profile: str
    origin: str
    journal: Journal
    holders: Holders
    say: Callable[[str], None]
    show: Callable[[ApiKey, Secret], None]
    sleep: Callable[[float], None] = field(default=time.sleep)

    @cached_property
    def own(self) -> CurrentKey:
        """The key that makes the calls, and its account."""
        return self.client.current_key().value

    @property
    def now(self) -> datetime:
        """The service's time, as of this command's first call: a machine's own clock may be anything."""
        return self.own.last_used_at or utc_now()

    @property
    def recover(self) -> str:
        """The command that finishes what is left open."""
        return "astalty keys recover" + ("" if self.profile == "default" else f" -p {self.profile}")

    def fresh(self) -> Client:
        """The account's API with time of its own: for what must follow, however long it took so far."""
        return self.client_with(self.secret)

    def patiently(self, call: Callable[[], T]) -> T:
        """Make a call that is harmless to repeat, and repeat it while no usable answer comes."""
        left = PATIENCE
        for back_off in _BACK_OFF:
            try:
                return call()
            except ServiceError as error:
                seconds = wait_for(error, back_off)
                if seconds is None or seconds > left:
                    raise
            left -= seconds
            self.sleep(seconds)
        return call()


def wait_for(error: AstaltyError, back_off: float) -> float | None:
    """Seconds after which the same call may fare better; None where it will not."""
    if not isinstance(error, ServiceError) or not error.worth_retrying:
        return None
    return back_off if error.retry_after is None else float(error.retry_after)
