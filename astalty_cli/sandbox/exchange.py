"""A call and its answer, freed of WSGI, so that what stands around the API's calls can be plain functions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from astalty_cli.sandbox.keys import Caller
from astalty_cli.sandbox.problems import Problem
from astalty_cli.sandbox.wire import encode

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY = 1024 * 1024  # bytes of a request's body
_CALL = "astalty.call"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Call:
    """A request with its body read. `query` is as sent, `target` is path and query; both are ASCII."""

    method: str
    path: str
    query: str
    target: str
    headers: dict[str, str]
    body: bytes
    ip_address: str | None
    environ: WSGIEnvironment = field(repr=False)
    caller: Caller | None = None  # known after authentication


Handler = Callable[[Call], Reply]


def read_call(environ: WSGIEnvironment) -> Call:
    """Read a request. A body that is too large is cut; `read_body` then refuses it."""
    path = environ.get("PATH_INFO", "")
    with contextlib.suppress(UnicodeEncodeError):  # httpx's in-process transport hands over real Unicode
        path = path.encode("latin-1").decode("utf-8", "replace")
    query = _quoted(environ.get("QUERY_STRING", ""))
    target = quote(path, safe="/:@!$&'()*+,;=~", errors="replace") + ("?" + query if query else "")
    call = Call(
        method=environ["REQUEST_METHOD"],
        path=path,
        query=query,
        target=target,
        headers=_headers(environ),
        body=_read_body(environ),
        ip_address=environ.get("REMOTE_ADDR"),
        environ=dict(environ),
    )
    call.environ[_CALL] = call
    return call


def call_of(environ: WSGIEnvironment) -> Call:
    """Return the call that `read_call` made of this environment."""
    call: Call = environ[_CALL]
    return call


def bearer(call: Call) -> str:
    """The secret that a call was made with, or nothing."""
    scheme, _, secret = call.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def credentials(call: Call) -> str:
    """What a call sent for a key, also without the word Bearer before it."""
    return call.headers.get("Authorization", "").rpartition(" ")[2]


def ask(app: WSGIApplication, call: Call) -> Reply:
    """Let a WSGI application answer the call."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _: Any = None
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return lambda _: None

    path = call.path.encode("utf-8", "replace").decode("latin-1")
    environ = call.environ | {
        "PATH_INFO": path,
        "QUERY_STRING": call.query,
        "CONTENT_LENGTH": str(len(call.body)),
        "wsgi.input": BytesIO(call.body),
    }
    body = b"".join(app(environ, start_response))
    status, headers = started[-1]
    return Reply(int(status.split()[0]), {name.title(): value for name, value in headers}, body)


def send(answer: Reply, now: datetime, start_response: StartResponse) -> Iterable[bytes]:
    """Give an answer to the WSGI server, with its date."""
    phrase = HTTPStatus(answer.status).phrase
    date = format_datetime(now.astimezone(UTC), usegmt=True)
    start_response(f"{answer.status} {phrase}", [*answer.headers.items(), ("Date", date)])
    return [answer.body]


def json_answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Reply:
    length = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return Reply(status, length | (headers or {}), body)


def problem_answer(problem: Problem) -> Reply:
    return json_answer(problem.status, encode(problem.payload()), problem.headers)


def _quoted(query: str) -> str:
    """Escape what should never have been sent as it is: anything beyond ASCII, blanks, controls."""
    try:
        octets = query.encode("latin-1")  # as WSGI has it
    except UnicodeEncodeError:
        octets = query.encode("utf-8", "replace")
    return quote(octets, safe="%/:@!$&'()*+,;=~?[]")


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): str(value).encode("utf-8", "replace").decode()
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    return {name: value for name, value in headers.items() if value}


def _read_body(environ: WSGIEnvironment) -> bytes:
    length = environ.get("CONTENT_LENGTH", "")
    limit = min(int(length), MAX_BODY + 1) if is_length(length) else MAX_BODY + 1
    body: bytes = environ["wsgi.input"].read(limit)
    return body


def is_length(text: str) -> bool:
    """Tell whether this is a usable Content-Length."""
    return text.isascii() and text.isdigit() and len(text) < 20
