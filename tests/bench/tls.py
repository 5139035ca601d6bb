"""A TLS end in front of a plain server: what comes in on one side goes out on the other."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import trustme

from tests.support.encrypted import pump


@contextlib.contextmanager
def in_front_of(url: str, authority: trustme.CA) -> Iterator[str]:
    """Listen on a free port with a certificate for localhost; yield the https address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    behind = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=join, args=(client,), daemon=True).start()

    def join(client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(client, server_side=True) as outer,
            socket.create_connection((behind.hostname, behind.port)) as inner,
        ):
            for each in (outer, inner):  # or Nagle's wait for an acknowledgement is what is measured
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=pump, args=(inner, outer), daemon=True)
            back.start()
            pump(outer, inner)
            back.join(5)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}"
    finally:
        listener.close()
