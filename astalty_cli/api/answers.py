"""What an answer means: the rows in it, or one of our errors."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from astalty_cli.api import contract
from astalty_cli.api.http import HttpResponse
from astalty_cli.api.models import ApiKey, IssuedKey, PageMeta
from astalty_cli.base.durations import format_seconds
from astalty_cli.base.errors import (
    AstaltyError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    ServiceError,
    UnauthorizedError,
    brief,
)
from astalty_cli.base.json_errors import (
    JSON_DECODE_ERRORS,
    MAX_PARTS,
    TooManyPartsError,
    ensure_decodable,
    ensure_short,
)
from astalty_cli.base.secret import Secret

T = TypeVar("T")

# 408 and 425 come from what is between: nobody knows what the service has seen.
_REFUSED: Final = frozenset(range(400, 500)) - {401, 403, 404, 408, 409, 425, 429}
_LONGEST_DATE: Final = 100  # characters
_A_DAY: Final = 86_400  # seconds; who says more to a rate limit of a minute means something else
_MOST_SAID: Final = 500  # fields that a server says something of
_MOST_ROWS: Final = 10_000  # of a page; no more than 100 are ever asked for
_MOST_IN_PAGE: Final = 8 * MAX_PARTS  # values of a page: 40 logged bodies of nothing but digits have a third
_LONE_SURROGATE = re.compile(
    rb"(?:[^\\]++|\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?!u[dD][89a-fA-F]).))*+"
    rb"(\\u[dD][89a-fA-F][0-9a-fA-F]{2})",
    re.DOTALL,
)


class Row(NamedTuple, Generic[T]):
    """One thing from the server: decoded to decide with, and its own JSON text to re-emit."""

    value: T
    raw: bytes


class Page(NamedTuple, Generic[T]):
    """`date` is the server's clock, in whole seconds, if it says it."""

    rows: list[Row[T]]
    meta: PageMeta
    date: datetime | None = None


def walk(fetch: Callable[[int], Page[T]]) -> Iterator[Page[T]]:
    """Fetch page 1, 2, … until the last one, or until one is empty, whatever a server says of the last."""
    number, last = 1, 1
    while number <= last:
        page = fetch(number)
        yield page
        last = page.meta.last_page if page.rows else 0
        number += 1


class Issued(NamedTuple):
    """A key with the secret just created for it; `row` does not hold the secret.

    `secret` is None if this is the answer of a replay whose first answer brought it.
    """

    row: Row[ApiKey]
    secret: Secret | None


class _Envelope(msgspec.Struct):
    data: Raw


class _ListEnvelope(msgspec.Struct):
    data: Raw
    meta: Raw


class _ErrorBody(msgspec.Struct):
    message: str = ""
    errors: dict[str, list[str]] = {}


def one(answer: HttpResponse, model: type[T]) -> Row[T]:
    raw = bytes(_opened(answer.body, _Envelope).data)
    return Row(decoded(raw, model), raw)


def page(answer: HttpResponse, model: type[T]) -> Page[T]:
    envelope = _opened(answer.body, _ListEnvelope)
    meta = decoded(bytes(envelope.meta), PageMeta)
    rows = [Row(decoded(raw, model), raw) for raw in _elements(bytes(envelope.data))]
    return Page(rows, meta, date(answer))


def _elements(array: bytes) -> list[bytes]:
    try:
        ensure_decodable(array, _MOST_IN_PAGE)
        ensure_short(array, _MOST_ROWS)
    except TooManyPartsError:
        raise _too_large(f"a page has more than {_MOST_ROWS:,} rows, or too many values") from None
    return [bytes(raw) for raw in _opened(array, list[Raw])]


def date(answer: HttpResponse) -> datetime | None:
    """The server's clock, in whole seconds; None if it says none that can be read."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", "")[:_LONGEST_DATE])
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else None


def issued(answer: HttpResponse) -> Issued:
    row = one(answer, IssuedKey)
    members = msgspec.json.decode(row.raw, type=dict[str, Raw])
    members.pop("secret", None)
    raw = msgspec.json.encode(members)
    return Issued(Row(decoded(raw, ApiKey), raw), row.value.secret)


def decoded(data: bytes, model: type[T]) -> T:
    """The JSON of an answer. One body with half a character does not spoil it. Raises ServiceError."""
    try:
        ensure_decodable(data)
    except TooManyPartsError:
        raise _too_large(f"it has more than {MAX_PARTS:,} values") from None
    return _opened(data, model)


def _opened(data: bytes, model: type[T]) -> T:
    """As `decoded`, for what makes no object of most of the parts."""
    try:
        return _decoded_or_repaired(data, model)
    except msgspec.ValidationError as error:
        raise ServiceError(
            f"The answer is not what this API promises: {error}.", outcome_unknown=True
        ) from None
    except JSON_DECODE_ERRORS:
        raise _not_json(data) from None


def _decoded_or_repaired(data: bytes, model: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=model, dec_hook=_secret)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.json.decode(_without_lone_surrogates(data), type=model, dec_hook=_secret)


def repaired(body: bytes) -> bytes:
    """JSON with half a character in it, as JSON that anybody can read; other bytes as they came."""
    try:
        return bytes(_decoded_or_repaired(body, Raw))
    except JSON_DECODE_ERRORS:
        return body


def is_json(body: bytes, model: type = Raw) -> bool:
    """Whether a body is JSON, and such JSON."""
    try:
        decoded(body, model)
    except ServiceError:
        return False
    return True


def is_html(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def raise_for_status(answer: HttpResponse, path: str) -> None:
    """Raises what a 4xx or 5xx stands for, and ServiceError for other text than JSON from `/public/v1`."""
    if not 200 <= answer.status < 300:
        raise failure(answer, path)
    if contract.is_under_prefix(path) and answer.body.strip():
        _opened(answer.body, Raw)


def _secret(_kind: type[Secret], value: Any) -> Secret:
    if not isinstance(value, str):
        raise TypeError("Expected `str`")  # msgspec makes a ValidationError of it, which names the place
    return Secret.parse(value)


def _without_lone_surrogates(data: bytes) -> bytes:
    """U+FFFD stands in for half a character."""
    whole, done = bytearray(), 0
    while match := _LONE_SURROGATE.match(data, done):
        whole += data[done : match.start(1)] + rb"\ufffd"
        done = match.end()
    return bytes(whole + data[done:]) if done else data


def _is_an_object(body: bytes) -> bool:
    try:
        ensure_decodable(body)
        _decoded_or_repaired(body, dict[str, Raw])
    except JSON_DECODE_ERRORS:
        return False
    return True


def _too_large(why: str) -> ServiceError:
    return ServiceError(
        f"The answer is too large: {why}, which is no answer of this API.",
        outcome_unknown=True,
        worth_retrying=False,
    )


def _not_json(data: bytes, status: int | None = None) -> ServiceError:
    looks = "HTML" if data.lstrip()[:1] == b"<" else "something else"
    return ServiceError(
        f"The server answered with {looks}, not with JSON.",
        hint="Check the base URL; a proxy or a login page may stand in between.",
        status=status,
        outcome_unknown=True,
    )


def failure(answer: HttpResponse, path: str) -> AstaltyError:
    """The error that a 4xx or 5xx stands for, with the server's own words."""
    status, said, errors = answer.status, *_words(answer)
    reason, wait = said.rstrip(".") or str(status), number(answer, "retry-after")
    if status in {409, *_REFUSED} and not _is_an_object(answer.body):
        return _not_json(answer.body, status)  # a proxy's page: nobody knows what the service did
    error: AstaltyError
    match status:
        case 401:
            error = UnauthorizedError(
                f"The server does not accept this key ({reason}).",
                hint="It may be revoked or rotated. See which one is used: astalty auth status",
                status=status,
            )
        case 403:
            error = ForbiddenError(
                said or "The key may not do this.",
                hint="Its access level may be Read Only. See which key it is: astalty auth status",
                status=status,
            )
        case 404:
            error = NotFoundError(
                said if path.strip("/") in said else f"There is no {path}: {said or 'not found'}",
                hint="See which calls there are: astalty endpoints list",
                status=status,
            )
        case 409 if (
            "retry-after" in answer.headers
        ):  # contract: the first request with this Idempotency-Key still runs
            error = ServiceError(
                "The same request is still being worked on.",
                hint="Ask again in a moment.",
                status=status,
                outcome_unknown=True,
                retry_after=wait,
            )
        case 409:
            error = ConflictError(said or "Someone else changed it first.", status=status)
        case 429:
            limit = number(answer, "x-ratelimit-limit") or contract.RATE_LIMIT
            error = ServiceError(
                f"Rate limited: a key may make {limit} requests a minute.",
                hint=f"Ask again in {format_seconds(wait) if wait and wait < _A_DAY else 'a minute'}.",
                status=status,
                retry_after=wait,
            )
        case _ if status in _REFUSED:
            said = said or f"The server refused (HTTP {status})."
            error = RefusedError(said, status=status, errors=errors)
        case _:
            error = ServiceError(
                f"The service failed (HTTP {status}{': ' + said if said else ''}).",
                hint="Try again later.",
                status=status,
                outcome_unknown=True,
            )
    return error


def number(answer: HttpResponse, header: str) -> int | None:
    """A count in a header; None if it is absent or junk."""
    value = answer.headers.get(header, "")
    return int(value) if re.fullmatch(r"[0-9]{1,12}", value) else None


def _words(answer: HttpResponse) -> tuple[str, dict[str, list[str]]]:
    try:
        body = decoded(answer.body, _ErrorBody)
    except ServiceError:
        return "", {}
    said = islice(body.errors.items(), _MOST_SAID)
    return brief(body.message), {brief(name): [*map(brief, texts[:_MOST_SAID])] for name, texts in said}
