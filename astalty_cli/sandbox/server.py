"""The sandbox over HTTP: `astalty sandbox serve`."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import waitress
from waitress import wasyncore

from astalty_cli.api.origin import is_loopback
from astalty_cli.base.errors import LocalError, UsageError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_THREADS = 16
_CONNECTIONS = 900  # of the 1024 files that a process may usually open
_SECONDS = 10  # that a connection may be silent, and between two looks at that
_MAX_BODY = 64 * 1024 * 1024  # bytes: far more than the application takes, so that it can say so itself


def check_host(host: str, *, allow_remote: bool) -> None:
    """Raises `UsageError` for a host that other machines reach, unless `allow_remote`."""
    if not (allow_remote or is_loopback(host)):
        raise UsageError(
            f"{host} is not a loopback address: others could reach the sandbox.",
            hint="Use 127.0.0.1, or add --allow-remote if that is what you want.",
        )


def loopback(base_url: str) -> str | None:
    """The address for a browser on this machine, if it is served there: the web pages answer to no other."""
    address = base_url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return address if is_loopback(urlsplit(address).hostname or "") else None


def serve(app: WSGIApplication, host: str, port: int, *, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C. `ready` is called with the base URL once connections are taken.

    Port 0 picks a free one. Raises `LocalError` if the address cannot be listened on.
    """
    logging.basicConfig(format="%(message)s")  # to stderr: whoever serves wants to see what fails
    server, url = listen(app, host, port)
    with contextlib.closing(server), contextlib.suppress(KeyboardInterrupt):
        ready(url)
        server.run()


def listen(app: WSGIApplication, host: str, port: int) -> tuple[Any, str]:
    """Open the socket; return waitress's server, which is yet to run, and its base URL. Raises as `serve`."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else str(error)
        raise LocalError(
            f"Cannot listen on {host} port {port}: {reason}.",
            hint="Choose another with --port (0: any free one).",
        ) from error
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # calls that wait their turn are no news
    server = waitress.create_server(
        app,
        sockets=[listener],
        threads=_THREADS,
        ident=None,
        max_request_body_size=_MAX_BODY,
        connection_limit=_CONNECTIONS,
        channel_timeout=_SECONDS,
        cleanup_interval=_SECONDS,
        asyncore_use_poll=True,  # select() takes no more than 1024 files
    )
    address = f"[{host}]" if ":" in host else host
    return server, f"http://{address}:{listener.getsockname()[1]}"


@contextlib.contextmanager
def serving(app: WSGIApplication, port: int = 0) -> Iterator[str]:
    """Serve on 127.0.0.1 in a thread, by default on a free port; yield the base URL. Raises as `serve`."""
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
        server.trigger.thunks.append(lambda: wasyncore.close_all(server._map))  # noqa: SLF001 - no other way
        server.trigger.pull_trigger()
