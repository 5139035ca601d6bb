"""Servers that do not keep the contract: one that answers what a test says, one that speaks raw bytes."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.serving import serving

Answer = tuple[str, dict[str, str], bytes]  # status, headers, body

CANARY = "astalty_canary_0123456789"

KEY: dict[str, Any] = {
    "id": "9ee9dc30-c869-4fb5-9871-b32850e68cad",
    "name": "ci",
    "last_four": "abcd",
    "status": "active",
    "rotation": 0,
    "created_at": "2026-11-01T05:33:52.000000Z",
    "rotated_at": None,
    "last_used_at": None,
    "last_used_ip": None,
    "previous_expires_at": None,
    "revoked_at": None,
    "created_by": {"id": "2c63888f-28f0-4481-be6d-dce7a7ace732", "name": "Mo", "email": "mo@a.example"},
}
ENTRY: dict[str, Any] = {
    "id": "420df54d-cade-4aeb-86aa-1e5ab55f0cd0",
    "status": 200,
    "method": "GET",
    "path": "/public/v1/participants",
    "created_at": "2026-11-01T05:33:52.000000Z",
    "duration_ms": 3.5,
    "ip_address": "192.0.2.1",
    "user_agent": "curl/8",
    "user": None,
    "api_key": None,
}
ACCOUNT = {"id": "0f5a2c5e-8b5d-4a86-9a0a-2d9b6a1f0c11", "name": "Wattle"}


def at(url: str, key: str = CANARY) -> dict[str, str]:
    """The environment that leads a command to a server, with a key that must not be seen again."""
    return {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": key}


def listing(*rows: object) -> bytes:
    meta = {"current_page": 1, "last_page": 1, "per_page": 100, "total": len(rows), "allowed_sorts": []}
    return json.dumps({"data": rows, "meta": meta}).encode()


def one(row: object) -> bytes:
    return json.dumps({"data": row}).encode()


@dataclass
class Hostile:
    """A WSGI application that answers its `answers` in turn, the last one for ever, and keeps the calls."""

    answers: list[Answer]
    calls: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)  # as decoded from JSON; None where there was none

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.calls.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        self.headers.append({name: text for name, text in environ.items() if name.startswith("HTTP_")})
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.bodies.append(json.loads(sent) if sent else None)
        status, headers, body = self.answers[min(len(self.calls), len(self.answers)) - 1]
        start_response(status, [("Content-Type", "application/json"), *headers.items()])
        return [body]


@contextlib.contextmanager
def answering(*answers: Answer) -> Iterator[tuple[Hostile, str]]:
    app = Hostile(list(answers))
    with serving(app) as url:
        yield app, url


@dataclass
class Scripted:
    """A WSGI application that answers by what is asked: `name` of a call gives the key into `answers`."""

    answers: dict[str, Answer]
    name: Callable[[str, str, str], str]  # of method, path and bearer
    calls: list[str] = field(default_factory=list)
    bodies: dict[str, Any] = field(default_factory=dict)
    idempotency_keys: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        bearer = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        call = self.name(environ["REQUEST_METHOD"], environ["PATH_INFO"], bearer)
        self.calls.append(call)
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.bodies[call] = json.loads(sent) if sent else None
        if "HTTP_IDEMPOTENCY_KEY" in environ:
            self.idempotency_keys.append(environ["HTTP_IDEMPOTENCY_KEY"])
        status, headers, body = self.answers[call]
        start_response(status, [("Content-Type", "application/json"), *headers.items()])
        return [body]


@contextlib.contextmanager
def speaking(speak: Callable[[socket.socket], None], heard: list[bytes] | None = None) -> Iterator[str]:
    """Accept connections, read a request's head into `heard`, and let `speak` answer with its own bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                head = connection.recv(65536)
                if heard is not None:
                    heard.append(head)
                speak(connection)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
