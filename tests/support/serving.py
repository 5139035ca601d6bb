"""The sandbox over HTTP, in a thread of the test, with a clock that the test moves."""

import contextlib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from astalty_cli.sandbox.server import serving

__all__ = ["Clock", "free_port", "serving"]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **timedelta_arguments: float) -> None:
        """Move on: `clock.move(days=7)`; negative values move back."""
        self.now += timedelta(**timedelta_arguments)


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """A port of 127.0.0.1 that nobody listens on but who is told of it, as often as they like."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers have it, so it keeps none out
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
