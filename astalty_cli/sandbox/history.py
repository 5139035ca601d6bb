"""The request history: one entry for each call, never changed (contract, "Request history")."""

import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import msgspec

from astalty_cli.api.contract import (
    API_REQUESTS,
    INCLUDE_BODIES,
    MAX_LOGGED_BODY,
    REQUEST_SORTS,
)
from astalty_cli.api.models import ApiRequest, Exchange, KeyReference, PageMeta, User
from astalty_cli.base.secret import Secret
from astalty_cli.base.times import Clock, iso
from astalty_cli.sandbox.database import Database
from astalty_cli.sandbox.exchange import Call, Reply, credentials
from astalty_cli.sandbox.filters import before, equals, http_status, path_prefix, since
from astalty_cli.sandbox.listing import Listing, Query, page_meta
from astalty_cli.sandbox.problems import not_found
from astalty_cli.sandbox.ranking import Rankings
from astalty_cli.sandbox.secret_format import without_secrets

REQUESTS = Listing(
    filters={
        "status": http_status("status"),
        "method": equals("method"),
        "path": path_prefix("path"),
        "ip_address": equals("ip_address"),
        "user_id": equals("user_id"),
        "email": equals("user_email"),
        "api_key_id": equals("api_key_id"),
        "created_from": since("created_at"),
        "created_to": before("created_at"),
    },
    sorts={sort: sort for sort in REQUEST_SORTS},
    default_sort="-created_at",
    includes=(INCLUDE_BODIES,),
)
_ENTRIES = "SELECT * FROM api_requests"
_BODIES = "LEFT JOIN api_request_bodies AS b ON b.number = api_requests.bodies"


@dataclass(frozen=True)
class LoggedSide:
    """One side of an exchange as it is stored: headers and body as JSON texts, free of secrets."""

    headers: str
    body: str
    truncated: bool


class History:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rankings = Rankings()
        self._ranking = threading.Lock()

    def page(self, query: Query) -> tuple[list[ApiRequest], PageMeta]:
        join = _BODIES if INCLUDE_BODIES in query.includes else ""
        # the lock first: then nobody's view of the database is older than what the rankings have seen
        with self._ranking, self._database.read() as connection:
            numbers, total = self._rankings.page(connection, query)
            marks = ", ".join("?" * len(numbers))
            sql = f"{_ENTRIES} {join} WHERE api_requests.number IN ({marks})"
            rows = {row["number"]: row for row in connection.execute(sql, numbers)}
        return [api_request(rows[number]) for number in numbers], page_meta(query, total, REQUESTS)

    def get(self, request_id: str) -> ApiRequest:
        """Return an entry with its bodies. Raises `Problem` (404)."""
        with self._database.read() as connection:
            row = connection.execute(f"{_ENTRIES} {_BODIES} WHERE id = ?", (request_id,)).fetchone()
        if row is None:
            raise not_found()
        return api_request(row)

    def add(self, call: Call, answer: Reply, duration_ms: float) -> None:
        """Write an entry. Answers of the history itself are kept without their body: they hold all others."""
        caller, used = call.caller, credentials(call)

        def hidden(text: str) -> str:
            return without_secrets(text.encode(), used).decode()

        entry = ApiRequest(
            id=str(uuid4()),
            status=answer.status,
            method=hidden(call.method),
            path=hidden(call.target),
            created_at=self._clock(),
            duration_ms=round(duration_ms, 3),
            ip_address=call.ip_address,
            user_agent=hidden(call.headers.get("User-Agent", "")) or None,
            user=caller.user if caller else None,
            api_key=caller.key if caller else None,
        )
        answer_body = b"" if call.path.startswith(API_REQUESTS) else answer.body
        with self._database.write() as connection:
            insert_entry(
                connection,
                entry,
                logged_side(call.headers, call.body, used),
                logged_side(answer.headers, answer_body, used),
            )


def insert_entry(
    connection: sqlite3.Connection, entry: ApiRequest, request: LoggedSide, response: LoggedSide
) -> None:
    user, key = entry.user, entry.api_key
    bodies = connection.execute(
        "INSERT INTO api_request_bodies VALUES (NULL, ?, ?, ?, ?, ?, ?)",
        (
            request.headers,
            request.body,
            request.truncated,
            response.headers,
            response.body,
            response.truncated,
        ),
    ).lastrowid
    connection.execute(
        "INSERT INTO api_requests (id, status, method, path, created_at, duration_ms, ip_address, user_agent,"
        " user_id, user_name, user_email, api_key_id, api_key_name, bodies)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.id,
            entry.status,
            entry.method,
            entry.path,
            iso(entry.created_at),
            entry.duration_ms,
            entry.ip_address,
            entry.user_agent,
            user and user.id,
            user and user.name,
            user and user.email,
            key and key.id,
            key and key.name,
            bodies,
        ),
    )


def logged_side(headers: Mapping[str, str], body: bytes, used: str = "") -> LoggedSide:
    """Make one side ready to be stored: secrets out, the body cut to `MAX_LOGGED_BODY` bytes.

    `used` is the secret that made the call.
    """
    shown = {name: _header(name, value, used) for name, value in headers.items()}
    clean = without_secrets(body, used)  # before the cut, which could leave half a secret
    return LoggedSide(
        headers=_json(shown),
        body=_logged_body(clean[:MAX_LOGGED_BODY], truncated=len(clean) > MAX_LOGGED_BODY),
        truncated=len(clean) > MAX_LOGGED_BODY,
    )


def _logged_body(body: bytes, *, truncated: bool) -> str:
    if not body:
        return "null"
    if not truncated:
        try:
            return _json(msgspec.json.decode(body))
        except (ValueError, RecursionError):
            pass
    return _json(body.decode("utf-8", "replace"))


def _header(name: str, value: str, used: str) -> str:
    if name != "Authorization":
        start = f"{name}: "
        return without_secrets((start + value).encode(), used).decode().removeprefix(start)
    scheme, _, credentials = value.partition(" ")
    return f"{scheme} …{Secret(credentials).last_four}" if credentials else "…"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def api_request(row: sqlite3.Row) -> ApiRequest:
    with_bodies = "request_headers" in row.keys()  # noqa: SIM118 - a Row is no mapping
    return ApiRequest(
        id=row["id"],
        status=row["status"],
        method=row["method"],
        path=row["path"],
        created_at=datetime.fromisoformat(row["created_at"]),
        duration_ms=row["duration_ms"],
        ip_address=row["ip_address"],
        user_agent=row["user_agent"],
        user=row["user_id"] and User(row["user_id"], row["user_name"], row["user_email"]),
        api_key=row["api_key_id"] and KeyReference(row["api_key_id"], row["api_key_name"]),
        request=_exchange(row, "request") if with_bodies else None,
        response=_exchange(row, "response") if with_bodies else None,
    )


def _exchange(row: sqlite3.Row, side: str) -> Exchange:
    return Exchange(
        headers=msgspec.Raw(row[f"{side}_headers"].encode()),
        body=msgspec.Raw(row[f"{side}_body"].encode()),
        truncated=bool(row[f"{side}_truncated"]),
    )
