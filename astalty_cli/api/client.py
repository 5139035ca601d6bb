"""One method for each call of the API, typed; every failure is one of our errors."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Raw

from astalty_cli.api import contract
from astalty_cli.api.http import Answer, Http
from astalty_cli.api.models import (
    ApiKey,
    ApiRequest,
    CreateKey,
    CurrentKey,
    ExpirePrevious,
    IssuedKey,
    PageMeta,
    RenameKey,
    RotateKey,
)
from astalty_cli.errors import (
    AstaltyError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    NotOfferedError,
    RefusedError,
    ServiceError,
    UnauthorizedError,
)
from astalty_cli.secret import Secret

T = TypeVar("T")

_REFUSED: Final = frozenset({400, 405, 413, 415, 422})
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Row(Generic[T]):
    """One thing from the server: decoded to decide with, and its own JSON text to re-emit."""

    value: T
    raw: bytes


@dataclass(frozen=True)
class Page(Generic[T]):
    rows: list[Row[T]]
    meta: PageMeta


@dataclass(frozen=True)
class Issued:
    """A key with the secret just made for it; `row` does not hold the secret.

    `secret` is None where this is the answer of a replay whose first answer brought it.
    """

    row: Row[ApiKey]
    secret: Secret | None


class _Envelope(msgspec.Struct):
    data: Raw


class _ListEnvelope(msgspec.Struct):
    data: list[Raw]
    meta: PageMeta


class _ErrorBody(msgspec.Struct):
    message: str = ""
    errors: dict[str, list[str]] = {}


class Client:
    """The API of one account. Each method raises an AstaltyError for whatever is not the wanted answer."""

    def __init__(self, http: Http) -> None:
        self._http = http

    # -- keys ------------------------------------------------------------------------------------

    def list_keys(self, page: int = 1, *, status: str | None = None, sort: str | None = None) -> Page[ApiKey]:
        params = _params(page, contract.MAX_PAGE_SIZE, {"status": status}, sort)
        answer = self._call("GET", contract.API_KEYS, params=params, feature="key management")
        return _page(answer, ApiKey)

    def all_keys(self, *, status: str | None = None, sort: str | None = None) -> Iterator[Row[ApiKey]]:
        page = self.list_keys(status=status, sort=sort)
        yield from page.rows
        for number in range(2, page.meta.last_page + 1):
            yield from self.list_keys(number, status=status, sort=sort).rows

    def create_key(self, name: str, *, idempotency_key: str) -> Issued:
        answer = self._call(
            "POST",
            contract.API_KEYS,
            body=CreateKey(name),
            headers={contract.IDEMPOTENCY_KEY: idempotency_key},
            feature="key management",
        )
        return _issued(answer)

    def get_key(self, key_id: str) -> Row[ApiKey]:
        return _one(self._key_call("GET", key_id, contract.api_key(key_id)), ApiKey)

    def rename_key(self, key_id: str, name: str) -> Row[ApiKey]:
        return _one(self._key_call("PATCH", key_id, contract.api_key(key_id), RenameKey(name)), ApiKey)

    def rotate_key(
        self, key_id: str, *, grace_seconds: int, if_rotation: int, idempotency_key: str
    ) -> Issued:
        """Make a new secret; the one used until now works for `grace_seconds` more.

        Raises ConflictError, and changes nothing, where the key's rotation is not `if_rotation`.
        """
        answer = self._key_call(
            "POST",
            key_id,
            contract.rotate(key_id),
            RotateKey(grace_seconds, if_rotation),
            {contract.IDEMPOTENCY_KEY: idempotency_key},
        )
        return _issued(answer)

    def expire_previous(self, key_id: str, *, within_seconds: int, if_rotation: int) -> Row[ApiKey]:
        """Let no earlier secret of the key live longer than `within_seconds` from now."""
        body = ExpirePrevious(within_seconds, if_rotation)
        return _one(self._key_call("POST", key_id, contract.expire_previous(key_id), body), ApiKey)

    def revoke_key(self, key_id: str) -> None:
        self._key_call("DELETE", key_id, contract.api_key(key_id))

    def current_key(self) -> Row[CurrentKey]:
        """The key that makes this call. Raises NotOfferedError where the server has no such call."""
        return _one(self._call("GET", contract.API_KEYS_CURRENT, feature="key management"), CurrentKey)

    # -- request history -------------------------------------------------------------------------

    def list_requests(
        self, page: int, size: int, *, filters: Mapping[str, str | None], sort: str | None = None
    ) -> Page[ApiRequest]:
        """A page of entries, without bodies. `filters` are of `contract.REQUEST_FILTERS`."""
        params = _params(page, size, filters, sort)
        answer = self._call("GET", contract.API_REQUESTS, params=params, feature="request history")
        return _page(answer, ApiRequest)

    def get_request(self, request_id: str) -> Row[ApiRequest]:
        """An entry with both bodies."""
        try:
            return _one(self._call("GET", contract.api_request(request_id)), ApiRequest)
        except NotFoundError as error:
            self.list_requests(1, 1, filters={})
            raise NotFoundError(
                f"There is no entry {request_id} in the request history.",
                hint="See them: astalty history list",
                status=error.status,
            ) from None

    # -- anything else ---------------------------------------------------------------------------

    def get(self, path: str) -> Answer:
        """Any GET below this origin, as it was answered."""
        return self._checked(self._http.request("GET", path), path, None)

    def accepts_key(self) -> None:
        """Make the cheapest documented call, for servers without `current_key`."""
        self._call("GET", contract.PARTICIPANTS, params={contract.PAGE_SIZE: "1"})

    # -- how -------------------------------------------------------------------------------------

    def _key_call(
        self,
        method: str,
        key_id: str,
        path: str,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            return self._call(method, path, body=body, headers=headers)
        except NotFoundError as error:
            self.list_keys()  # tells "no such key" from "no such endpoint", which raises its own error
            raise NotFoundError(
                f"There is no key {key_id}, or it is revoked.",
                hint="See them: astalty keys list --status active,expiring,revoked",
                status=error.status,
            ) from None

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
        feature: str | None = None,
    ) -> Answer:
        data = msgspec.json.encode(body) if body is not None else None
        answer = self._http.request(method, path, params=params, body=data, headers=headers)
        return self._checked(answer, path, feature)

    def _checked(self, answer: Answer, path: str, feature: str | None) -> Answer:
        if 200 <= answer.status < 300:
            return answer
        if answer.status == 404 and feature is not None:
            raise _not_offered(feature)
        raise _failure(answer, path)


def _params(page: int, size: int, filters: Mapping[str, str | None], sort: str | None) -> dict[str, str]:
    params = {contract.PAGE_NUMBER: str(page), contract.PAGE_SIZE: str(size)}
    params |= {contract.filter_by(name): value for name, value in filters.items() if value is not None}
    return params | ({contract.SORT: sort} if sort else {})


# -- answers -------------------------------------------------------------------------------------


def _one(answer: Answer, model: type[T]) -> Row[T]:
    raw = bytes(_decoded(answer.body, _Envelope).data)
    return Row(_decoded(raw, model), raw)


def _page(answer: Answer, model: type[T]) -> Page[T]:
    envelope = _decoded(answer.body, _ListEnvelope)
    return Page([Row(_decoded(bytes(raw), model), bytes(raw)) for raw in envelope.data], envelope.meta)


def _issued(answer: Answer) -> Issued:
    row = _one(answer, IssuedKey)
    members = msgspec.json.decode(row.raw, type=dict[str, Raw])
    members.pop("secret", None)
    return Issued(Row(row.value, msgspec.json.encode(members)), row.value.secret)


def _decoded(data: bytes, model: type[T]) -> T:
    decoder = msgspec.json.Decoder(model, dec_hook=_secret)
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        raise ServiceError(
            f"The answer is not what this API promises: {error}.", outcome_unknown=True
        ) from None
    except msgspec.DecodeError:
        mended = _ESCAPE.sub(_without_lone_surrogate, data)
    try:
        return decoder.decode(mended)
    except msgspec.DecodeError:
        raise _not_json(data) from None


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError


def _without_lone_surrogate(match: re.Match[bytes]) -> bytes:
    """One body with half a character must not spoil the page: U+FFFD stands in for it."""
    return rb"\ufffd" if match[1] else match[0]


def _not_json(data: bytes) -> ServiceError:
    looks = "HTML" if data.lstrip()[:1] == b"<" else "something else"
    return ServiceError(
        f"The server answered with {looks}, not with JSON.",
        hint="Check the base URL; a proxy or a login page may stand in between.",
        outcome_unknown=True,
    )


# -- failures ------------------------------------------------------------------------------------


def _failure(answer: Answer, path: str) -> AstaltyError:
    status = answer.status
    try:
        body = msgspec.json.decode(answer.body, type=_ErrorBody)
    except msgspec.DecodeError:
        body = _ErrorBody()
    said = body.message
    if status == 401:
        return UnauthorizedError(
            f"The server does not accept this key ({said or status}).",
            hint="It may be revoked or rotated. See which one is used: astalty auth status",
            status=status,
        )
    if status == 403:
        return ForbiddenError(said or "The account may not do this.", status=status)
    if status == 404:
        return NotFoundError(f"{path} is not there: {said or 'not found'}", status=status)
    if status == 409:
        return ConflictError(said or "Someone else changed it first.", status=status)
    if status in _REFUSED:
        return RefusedError(said or f"The server refused (HTTP {status}).", status=status, errors=body.errors)
    if status == 429:
        wait = answer.headers.get("retry-after", "")
        when = f" Ask again in {wait} s." if wait.isascii() and wait.isdigit() else ""
        return ServiceError(f"Rate limited: 60 requests a minute for each key.{when}", status=status)
    return ServiceError(
        f"The service failed (HTTP {status}{': ' + said if said else ''}).",
        hint="Try again later.",
        status=status,
        outcome_unknown=True,
    )


def _not_offered(feature: str) -> NotOfferedError:
    return NotOfferedError(
        f"This account's API does not offer {feature} yet.",
        hint=f"The feature is in beta: {contract.SUPPORT} switches it on. "
        f"By hand, it is at {contract.DASHBOARD}.",
        status=404,
    )
