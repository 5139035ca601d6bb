"""What may be said and shown of the answer to any call: a new secret is for people only."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.answers import decoded
from astalty_cli.base.errors import InterruptedByUser, ServiceError
from astalty_cli.base.hiding import hide_bytes
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.vocabulary import HIDDEN


class _Thing(msgspec.Struct):
    id: str


class _Answered(msgspec.Struct):
    data: _Thing


class _WithSecret(msgspec.Struct):
    secret: str


class _Issued(msgspec.Struct):
    data: _WithSecret


@contextmanager
def outcome_said(method: str) -> Iterator[None]:
    """Where no usable answer came to what is sent once only, say that nobody knows what was done."""
    unknown = f"Whether the {method} was done is unknown."
    try:
        yield
    except ServiceError as error:
        if method != "GET" and error.outcome_unknown:
            error.message, error.hint = f"{error.message} {unknown}", "Look before you send it again."
        raise
    except KeyboardInterrupt:
        raise InterruptedByUser("Interrupted." if method == "GET" else f"Interrupted. {unknown}") from None


def without_secret(body: bytes) -> bytes:
    """An answer without an unmasked new secret: at `data.secret`, or what looks like one anywhere."""
    return hide_bytes(_without_member(body))


@dataclass
class WithoutSecrets:
    """Rows as `without_secret` leaves them; `hid_one` says, once they are read, whether there was one."""

    rows: Iterable[bytes]
    hid_one: bool = False

    def __iter__(self) -> Iterator[bytes]:
        for row in self.rows:
            safe = without_secret(row)
            self.hid_one = self.hid_one or safe != row
            yield safe


def key_in(body: bytes) -> str:
    """The id of the key that an answer is about, or a word for it."""
    try:
        key_id = msgspec.json.decode(body, type=_Answered).data.id
    except JSON_DECODE_ERRORS:
        return "KEY"
    return key_id if contract.is_uuid(key_id) else "KEY"


def _without_member(body: bytes) -> bytes:
    try:
        secret = msgspec.json.decode(body, type=_Issued).data.secret
    except JSON_DECODE_ERRORS:
        return body
    if secret in {"", HIDDEN}:
        return body
    envelope = decoded(body, dict[str, msgspec.Raw])
    data = decoded(bytes(envelope["data"]), dict[str, msgspec.Raw])
    data["secret"] = msgspec.Raw(msgspec.json.encode(HIDDEN))
    envelope["data"] = msgspec.Raw(msgspec.json.encode(data))
    return msgspec.json.encode(envelope)
