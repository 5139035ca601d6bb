"""A server of the documented calls alone, as a real account has it today; the variants differ in the rest."""

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.hostile import CANARY, Answer, at, listing, one
from tests.support.serving import serving
from tests.support.shell import Shell

PARTICIPANT: Final = {"id": "0780b8cf-5503-4265-8f66-fa84183439be", "name": "Acacia Bowerbird"}
UNAUTHENTICATED: Answer = ("401 Unauthorized", {}, b'{"message": "Unauthenticated."}')
FORBIDDEN: Answer = ("403 Forbidden", {}, b'{"message": "This action is unauthorized."}')
WEB_PAGE: Final = b"<!DOCTYPE html><title>Not here</title>"

# How a path that is not documented answers, with or without a key.
VARIANTS: Final[dict[str, Answer]] = {
    "JSON 404": ("404 Not Found", {}, b'{"message": "The route could not be found."}'),
    "HTML 404": ("404 Not Found", {"Content-Type": "text/html"}, WEB_PAGE),
    "405": ("405 Method Not Allowed", {}, b'{"message": "The GET method is not supported."}'),
    "403 JSON": FORBIDDEN,
    "401 JSON": UNAUTHENTICATED,
    "302": ("302 Found", {"Location": "https://app.example/login"}, b""),
}
# The key of this one may do nothing at all: documented calls are 403 too, and 401 without a key.
EVERYTHING_FORBIDDEN: Final = "everything 403"

_DOCUMENTED = re.compile(r"GET /public/v1/(participants(/[0-9a-f-]{36}(/goals)?)?|users)")


@dataclass
class Documented:
    """A WSGI application. `offered` are calls beyond the documented ones; `keys` are those it accepts."""

    variant: str
    keys: set[str] = field(default_factory=lambda: {CANARY})
    offered: dict[str, Answer] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.calls.append(call)
        bearer = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        status, headers, body = self._answer(call, bearer, environ.get("QUERY_STRING", ""))
        start_response(status, list(({"Content-Type": "application/json"} | headers).items()))
        return [body]

    def asked(self, path: str) -> list[str]:
        """The calls below a path of the public API."""
        return [call for call in self.calls if call.partition(" ")[2].startswith(f"/public/v1{path}")]

    def writes(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET ")]

    def _answer(self, call: str, bearer: str, query: str) -> Answer:
        documented = _DOCUMENTED.fullmatch(call)
        if documented or call in self.offered:
            if bearer not in self.keys and not call.startswith("GET /docs"):
                return UNAUTHENTICATED
            if call in self.offered:
                return self.offered[call]
        if self.variant == EVERYTHING_FORBIDDEN:
            return FORBIDDEN
        if documented is None:
            return VARIANTS[self.variant]
        if call.endswith(f"/{PARTICIPANT['id']}"):
            return ("200 OK", {}, one(PARTICIPANT))
        rows = [PARTICIPANT] if call.endswith("/participants") and "=1000000" not in query else []
        return ("200 OK", {}, listing(*rows))


@contextlib.contextmanager
def documented(shell: Shell, variant: str = "JSON 404") -> Iterator[Documented]:
    """Serve it; `shell` talks to it with a key that it accepts."""
    server = Documented(variant)
    with serving(server) as url:
        shell.environ |= at(url)
        yield server


def memories(shell: Shell) -> list[Path]:
    """The files in which it is remembered what servers offer."""
    folder = shell.home / ".cache" / "astalty" / "capabilities"
    return sorted(folder.iterdir()) if folder.exists() else []


def let_a_day_pass(shell: Shell) -> None:
    """Make what is remembered a day older."""
    for path in memories(shell):
        lines = [line.split("\t") for line in path.read_text().splitlines()]
        path.write_text("".join(f"{a}\t{b}\t{int(time) - 86_400}\n" for a, b, time in lines))


def catalogue(*calls: tuple[str, str]) -> Answer:
    """An OpenAPI document that lists these calls."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path in calls:
        paths.setdefault(path, {})[method.lower()] = {}
    info = {"title": "Astalty", "version": "1"}
    return ("200 OK", {}, json.dumps({"openapi": "3.1.0", "info": info, "paths": paths}).encode())
