"""The sandbox over HTTP, in a thread of the test, with a clock that the test moves."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from waitress import wasyncore

from astalty_cli.sandbox.server import listen

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


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


@contextlib.contextmanager
def serving(app: "WSGIApplication", port: int = 0) -> Iterator[str]:
    """Serve a WSGI application on a port of 127.0.0.1, by default any free one; yield its base URL."""
    server, url = listen(app, "127.0.0.1", port)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield url
    finally:
        _end(server)
        thread.join()


def _end(server: Any) -> None:
    """End waitress from another thread.

    The order matters: a byte to a descriptor that is closed may reach what somebody else opened since.
    """
    server.task_dispatcher.shutdown()  # first, since each worker pulls the trigger when it has answered
    with server.trigger.lock:  # the loop takes it too, so it closes nothing before the byte is written
        server.trigger.thunks.append(lambda: wasyncore.close_all(server._map))
        server.trigger.pull_trigger()
