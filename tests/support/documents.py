"""OpenAPI documents for tests, and a service that offers one."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.hostile import Answer, Hostile, answering
from tests.support.serving import serving
from tests.support.shell import Shell

Json = dict[str, Any]


def openapi(paths: Any, **more: Any) -> Json:
    return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": paths, **more}


def answering_with(schema: Any, schemas: Any = None, **operation: Any) -> Json:
    """A document of one call, GET /x, that answers with this schema."""
    answer = {"description": "Fine.", "content": {"application/json": {"schema": schema}}}
    paths = {"/public/v1/x": {"get": {"responses": {"200": answer}, **operation}}}
    return openapi(paths, components={"schemas": schemas or {}})


def taking(schema: Any, path: str = "/public/v1/x", **operation: Any) -> Json:
    """A document of one call, POST, that takes this schema."""
    content = {"content": {"application/json": {"schema": schema}}}
    return openapi({path: {"post": {"requestBody": content, **operation}}})


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


@contextlib.contextmanager
def offering(shell: Shell, *documents: Any, headers: dict[str, str] | None = None) -> Iterator[Hostile]:
    """A service that answers with these documents in turn, as bytes or as JSON; `shell` talks to it."""
    bodies = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in documents]
    answers: list[Answer] = [("200 OK", headers or {}, body) for body in bodies]
    with answering(*answers) as (service, url):
        shell.environ["ASTALTY_BASE_URL"] = url
        yield service


@dataclass
class Site:
    """A WSGI application with documents at paths, and 404 elsewhere. It keeps what it received."""

    answers: Mapping[str, Answer]
    calls: list[str] = field(default_factory=list)  # paths
    headers: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.calls.append(environ["PATH_INFO"])
        self.headers.append({name: text for name, text in environ.items() if name.startswith("HTTP_")})
        missing: Answer = ("404 Not Found", {}, b'{"message": "Not found."}')
        status, headers, body = self.answers.get(environ["PATH_INFO"], missing)
        start_response(status, [("Content-Type", "application/json"), *headers.items()])
        return [body]


@contextlib.contextmanager
def publishing(answers: Mapping[str, Answer | Json | bytes]) -> Iterator[tuple[Site, str]]:
    """A service with these answers, or documents, at these paths; yields it and its URL."""
    site = Site({path: _answer(each) for path, each in answers.items()})
    with serving(site) as url:
        yield site, url


def _answer(given: Answer | Json | bytes) -> Answer:
    if isinstance(given, tuple):
        return given
    return ("200 OK", {}, given if isinstance(given, bytes) else json.dumps(given).encode())


def described(shell: Shell, document: Json, line: str = "GET x") -> Any:
    """All that `endpoints show` says of a call, as JSON."""
    with offering(shell, document):
        return shell(f"endpoints show {line} --refresh --json").json


def copies(shell: Shell) -> list[Path]:
    return sorted((shell.home / ".cache" / "astalty" / "catalogue").glob("*.json"))


def age(shell: Shell, checked_at: str) -> None:
    """Make the copy one that was checked at this moment."""
    (copy,) = copies(shell)
    copy.write_text(json.dumps(json.loads(copy.read_text()) | {"checked_at": checked_at}))


def ago(**durations: float) -> str:
    """A moment before now, as a copy has it."""
    return (datetime.now(UTC) - timedelta(**durations)).isoformat()
