"""Servers behind TLS with a certificate of the test's own, and a proxy that leads to one."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import trustme


def http(body: bytes, status: str = "200 OK") -> bytes:
    """An answer after which the connection ends, as those of `speaking_tls` do."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


@contextlib.contextmanager
def speaking_tls(certificate: trustme.LeafCert, answer: bytes) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    def speak(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(answer)

    with _listening(speak) as port:
        yield f"https://127.0.0.1:{port}"


@contextlib.contextmanager
def tunnelling(to: str, heard: list[bytes]) -> Iterator[str]:
    """A proxy that leads every CONNECT to one server, whatever name it was asked for; yield its address."""

    def speak(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(("127.0.0.1", urlsplit(to).port or 0)) as server:
            back = threading.Thread(target=pump, args=(server, connection), daemon=True)
            back.start()
            pump(connection, server)
            back.join(10)

    with _listening(speak) as port:
        yield f"127.0.0.1:{port}"


def pump(source: socket.socket, target: socket.socket) -> None:
    """What comes in on one side goes out on the other, its end as well."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def _listening(speak: Callable[[socket.socket], None]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with contextlib.suppress(OSError), connection:
                    speak(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
