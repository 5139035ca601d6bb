"""Request histories made to measure: entries put straight into a sandbox's store, also while it is read."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from astalty_cli.api.models import ApiRequest
from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support.accounts import Account

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

NOTHING = logged_side({}, b"")


def entry(at: datetime, **changes: Any) -> ApiRequest:
    """An entry of that time; `changes` go by the model's names."""
    usual: dict[str, Any] = {
        "id": str(uuid4()),
        "status": 200,
        "method": "GET",
        "path": "/public/v1/participants",
        "created_at": at,
        "duration_ms": 12.5,
        "ip_address": "203.0.113.9",
        "user_agent": "roster-sync/4.2",
        "user": None,
        "api_key": None,
    }
    return ApiRequest(**usual | changes)


def add(account: Account, entries: Iterable[ApiRequest]) -> list[ApiRequest]:
    """Let the account's history have these entries as well, seen from now on."""
    added = list(entries)
    with closing(account.store()) as store, store.database.write() as connection:
        for each in added:
            insert_entry(connection, each, NOTHING, NOTHING)
    return added


def series(start: datetime, count: int, step: timedelta, **changes: Any) -> Iterator[ApiRequest]:
    return (entry(start + number * step, **changes) for number in range(count))


def ids(account: Account) -> set[str]:
    """The ids of all entries that the server has."""
    with closing(account.store()) as store, store.database.read() as connection:
        return {row["id"] for row in connection.execute("SELECT id FROM api_requests")}


@dataclass
class Between:
    """A WSGI application in front of another: something happens before each call of the history's list."""

    app: "WSGIApplication | None" = None
    happens: Callable[[int], object] = lambda _: None  # it is told the number of the call
    calls: list[str] = field(default_factory=list)  # their query strings

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        assert self.app is not None
        if environ["PATH_INFO"] == "/public/v1/api-requests":
            self.calls.append(environ["QUERY_STRING"])
            self.happens(len(self.calls))
        return self.app(environ, start_response)

    def before(self, app: Any) -> "Between":
        self.app = app
        return self


@dataclass
class WholeSeconds:
    """A server that cuts times to whole seconds, in what it answers and in what it is asked."""

    app: "WSGIApplication"
    shown: bool = True
    asked: bool = True

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if self.asked:
            environ["QUERY_STRING"] = _cut(environ["QUERY_STRING"])
        body = b"".join(self.app(environ, start_response))
        return [_cut(body.decode()).encode() if self.shown else body]


def _cut(text: str) -> str:
    import re

    return re.sub(r"(\d\d:\d\d:\d\d|\d\d%3A\d\d%3A\d\d)\.\d{6}Z", lambda match: match[1] + ".000000Z", text)


def listed(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def page_number(query: str) -> int:
    """The number of the page that a call asked for."""
    return int(query.partition("page[number]=")[2].partition("&")[0])
