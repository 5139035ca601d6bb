"""Sockets in front of the faulty service: what a command in a process of its own talks to."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus

import httpx

from tests.faults.service import Sent, Service

_HOLD_SECONDS = 3.0  # for which an answer is held back; the commands wait for less


class Proxy:
    """Listens on one port of loopback; while the service is down, nobody can connect."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.listener: socket.socket | None = None
        self.port = 0
        self._threads: list[threading.Thread] = []
        self.on_answer_sent = ""
        self.begin()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Listen, on the same port as before."""
        if self.listener is None:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
            self.port = self.listener.getsockname()[1]
            self._start(self._accept, self.listener)

    def end(self) -> None:
        """Stop listening, and let what was asked be done: the clients have ended."""
        self._close()
        while self._threads:
            self._threads.pop().join(30)

    def _close(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _start(self, work: object, *args: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as reader:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := _read(reader, self.url)) is not None:
                sent = self.service.handle(request)
                if not self._answer(connection, sent):
                    return
                self._tell_sender()

    def _tell_sender(self) -> None:
        """A signal that was to follow the answer."""
        name, self.on_answer_sent = self.on_answer_sent, ""
        if name:
            self.service.send_signal(name)

    def _answer(self, connection: socket.socket, sent: Sent) -> bool:
        """Send it; tell whether the connection may go on."""
        if sent.lost == "hold":
            select.select([connection], [], [], _HOLD_SECONDS)
        if sent.lost == "refuse":
            self._close()
        if sent.lost:
            return False
        lines = [f"HTTP/1.1 {sent.status} {HTTPStatus(sent.status).phrase}"]
        headers = {**sent.headers, "Content-Length": str(len(sent.body))}
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode()
        connection.sendall(head + sent.body[: sent.cut])
        return sent.cut is None


def _read(reader: object, url: str) -> httpx.Request | None:
    readline, read = reader.readline, reader.read  # type: ignore[attr-defined]
    first: bytes = readline()
    if not first:
        return None
    method, target, _ = first.decode("ascii").split(" ", 2)
    headers = {}
    while line := readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    body = read(int(headers.get("content-length", 0)))
    return httpx.Request(method, url + target, headers=headers, content=body)


@contextlib.contextmanager
def serving(service: Service) -> Iterator[Proxy]:
    proxy = Proxy(service)
    try:
        yield proxy
    finally:
        proxy.end()
