"""`Idempotency-Key`: the same POST again gets the first one's answer, and nothing is done twice.

The record and the change are one transaction, and so is the look for the record. Hence "the first one is
still running" (409) cannot be met here: a second call waits for the first one's transaction and is then
answered from its record.
"""

import hashlib
import re
import sqlite3
from datetime import timedelta

import msgspec

from astalty_cli.api.contract import IDEMPOTENCY_KEY, IDEMPOTENCY_TTL
from astalty_cli.base.times import Clock, iso
from astalty_cli.sandbox.database import Database
from astalty_cli.sandbox.exchange import Call, Handler, Reply, json_answer
from astalty_cli.sandbox.problems import invalid

KEY_PATTERN = "[!-~]([ -~]{0,253}[!-~])?"  # 1 to 255 printable ASCII characters; HTTP strips outer blanks
_FIELD = "idempotency_key"


def once(database: Database, clock: Clock, handler: Handler) -> Handler:
    """Answer a repeated POST from the record of the first. A failure (5xx) is raised and leaves no record."""

    def handle(call: Call) -> Reply:
        key = call.environ.get("HTTP_IDEMPOTENCY_KEY")
        if call.method != "POST" or key is None:
            return handler(call)
        if not re.fullmatch(KEY_PATTERN, key):
            raise invalid(
                _FIELD, f"The {IDEMPOTENCY_KEY} header must be 1 to 255 printable ASCII characters."
            )
        fingerprint = hashlib.sha256(f"{call.method} {call.target}\n".encode() + call.body).digest()
        with database.write() as connection:
            _forget_old(connection, clock)
            record = connection.execute("SELECT * FROM idempotency WHERE key = ?", (key,)).fetchone()
            if record is None:
                answer = handler(call)
                connection.execute(
                    "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?)",
                    (key, fingerprint, answer.status, _without_secret(answer.body), iso(clock())),
                )
                return answer
        if record["fingerprint"] != fingerprint:
            raise invalid(_FIELD, f"The {IDEMPOTENCY_KEY} has already been used for another request.")
        return json_answer(record["status"], record["body"])

    return handle


def _forget_old(connection: sqlite3.Connection, clock: Clock) -> None:
    oldest = iso(clock() - timedelta(seconds=IDEMPOTENCY_TTL))
    connection.execute("DELETE FROM idempotency WHERE created_at <= ?", (oldest,))


def _without_secret(body: bytes) -> bytes:
    payload = msgspec.json.decode(body)
    data = payload.get("data", {})
    if "secret" not in data:
        return body
    del data["secret"]
    data["secret_already_shown"] = True
    return msgspec.json.encode(payload)
