"""Words for tests of `astalty doctor`: its rows by name, and a server that answers by what is asked."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.documents import openapi
from tests.support.hostile import ACCOUNT, KEY, Answer, Scripted, at, listing, one
from tests.support.serving import serving
from tests.support.shell import Shell

KEYS, HISTORY = "GET /public/v1/api-keys", "GET /public/v1/api-requests"
CURRENT, PARTICIPANTS = f"{KEYS}/current", "GET /public/v1/participants"
DOCUMENT = "GET /docs/openapi.json"
NOT_FOUND: Answer = ("404 Not Found", {}, b'{"message": "Not found."}')
MINE: Answer = ("200 OK", {}, one({**KEY, "created_at": "2026-11-20T05:33:52.000000Z", "account": ACCOUNT}))
LIST: Answer = ("200 OK", {}, listing())

Rows = dict[str, dict[str, Any]]


def examined(shell: Shell, line: str = "", *, code: int = 0, env: Mapping[str, str] | None = None) -> Rows:
    """The rows of `doctor`, by the names of the checks."""
    return {row["check"]: row for row in shell(f"doctor --json {line}", code=code, env=env).json}


def statuses(rows: Rows, status: str) -> set[str]:
    return {name for name, row in rows.items() if row["status"] == status}


@contextlib.contextmanager
def answering_by_call(answers: Mapping[str, Answer]) -> Iterator[tuple[Scripted, dict[str, str]]]:
    """Serve these answers, no participants, and 404 for the rest.

    Yield the server, and the environment that leads to it.
    """
    calls = _Calls({PARTICIPANTS: LIST, **answers})
    server = Scripted(calls, lambda method, path, _: f"{method} {path}")
    with serving(server) as url:
        yield server, at(url)


class _Calls(dict[str, Answer]):
    def __missing__(self, call: str) -> Answer:
        return NOT_FOUND


def document(*paths: tuple[str, str]) -> Answer:
    """An OpenAPI document of these calls, each a method and a path."""
    items: dict[str, dict[str, Any]] = {}
    for method, path in paths:
        items.setdefault(path, {})[method] = {}
    return ("200 OK", {}, json.dumps(openapi(items)).encode())
