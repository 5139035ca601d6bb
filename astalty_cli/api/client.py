"""One method for each call of the API, typed; every failure is one of our errors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.answers import (
    Issued,
    Page,
    Row,
    failure,
    issued,
    one,
    page,
    walk,
)
from astalty_cli.api.capabilities import Asked, Capabilities
from astalty_cli.api.capability_memory import Capability
from astalty_cli.api.http import Http, HttpResponse
from astalty_cli.api.models import (
    ApiKey,
    ApiRequest,
    CreateKey,
    CurrentKey,
    ExpirePrevious,
    RenameKey,
    RotateKey,
)
from astalty_cli.base.errors import NotFoundError, NotOfferedError, ServiceError
from astalty_cli.base.hiding import hide_listed
from astalty_cli.base.vocabulary import Access, KeyStatus

T = TypeVar("T")

_NEWEST_FIRST: Final = "-created_at"
_TRIES: Final = 3
_MOST_PAGES: Final = 1_000  # of keys
_MOST_BYTES: Final = 64 * 1024 * 1024  # of all pages of keys, as they are sent
_WORKING: Final = frozenset({KeyStatus.ACTIVE, KeyStatus.EXPIRING})


class Client:
    """The API of one account. Each method raises an AstaltyError for whatever is not the wanted answer.

    NotOfferedError says that the server does not offer keys, or the request history, at all.
    """

    def __init__(self, http: Http, capabilities: Capabilities | None = None) -> None:
        self._http = http
        self.capabilities = capabilities or Capabilities(http)

    # -- keys ------------------------------------------------------------------------------------

    def list_keys(
        self, number: int = 1, *, status: str | None = None, sort: str | None = None
    ) -> Page[ApiKey]:
        params = _params(number, contract.MAX_PAGE_SIZE, {"status": status}, sort)
        asked = Asked.FILTERED if status else Asked.LIST
        return self._observed(
            Capability.KEYS, asked, contract.API_KEYS, lambda answer: page(answer, ApiKey), params
        )

    def all_keys(self, *, status: str | None = None, sort: str | None = None) -> list[Row[ApiKey]]:
        """Every key with one of these; a list that changes while it is read is read again."""
        asked = _asked_for(status)
        rows = _read_whole(
            lambda number: self.list_keys(number, status=asked, sort=_NEWEST_FIRST), self._http.notice
        )
        return _chosen(rows, status, sort)

    def create_key(self, name: str, *, access: Access | None = None, idempotency_key: str) -> Issued:
        """Create a key; without `access` the request doesn't name an access level."""
        answer = self._call(
            "POST",
            contract.API_KEYS,
            body=CreateKey(name, access or msgspec.UNSET),
            headers={contract.IDEMPOTENCY_KEY: idempotency_key},
        )
        return issued(answer)

    def get_key(self, key_id: str) -> Row[ApiKey]:
        path = contract.api_key(key_id)
        with self._translate_absent_key(key_id):
            return self._observed(Capability.KEYS, Asked.ONE, path, lambda answer: one(answer, ApiKey))

    def rename_key(self, key_id: str, name: str) -> Row[ApiKey]:
        return one(self._key_call("PATCH", key_id, contract.api_key(key_id), RenameKey(name)), ApiKey)

    def rotate_key(
        self, key_id: str, *, grace_seconds: int, if_rotation: int, idempotency_key: str
    ) -> Issued:
        """Create a new secret; the one used until now works for `grace_seconds` more.

        Raises ConflictError, and changes nothing, if the key's rotation is not `if_rotation`.
        """
        answer = self._key_call(
            "POST",
            key_id,
            contract.rotate(key_id),
            RotateKey(grace_seconds, if_rotation),
            {contract.IDEMPOTENCY_KEY: idempotency_key},
        )
        return issued(answer)

    def expire_previous(self, key_id: str, *, within_seconds: int, if_rotation: int) -> Row[ApiKey]:
        """Let no earlier secret of the key live longer than `within_seconds` from now."""
        body = ExpirePrevious(within_seconds, if_rotation)
        return one(self._key_call("POST", key_id, contract.expire_previous(key_id), body), ApiKey)

    def revoke_key(self, key_id: str) -> None:
        self._key_call("DELETE", key_id, contract.api_key(key_id))

    def current_key(self) -> Row[CurrentKey]:
        """The key that makes this call. Raises NotOfferedError if the server has no such call."""
        return self._observed(
            Capability.KEYS,
            Asked.CURRENT,
            contract.API_KEYS_CURRENT,
            lambda answer: one(answer, CurrentKey),
        )

    def account_id(self) -> str | None:
        """The id of the key's account; None if the server has no such call."""
        try:
            return self.current_key().value.account.id
        except NotFoundError:
            return None

    @property
    def fingerprint(self) -> str:
        """A fingerprint that identifies this key, if the service does not say whose it is."""
        return self._http.fingerprint

    # -- request history -------------------------------------------------------------------------

    def list_requests(
        self,
        number: int,
        size: int,
        *,
        filters: Mapping[str, str | None],
        sort: str | None = None,
        bodies: bool = False,
        paced: bool = False,
    ) -> Page[ApiRequest]:
        """A page of entries. `filters` go by the API's own names; `paced` is for one of many pages."""
        params = _params(number, size, filters, sort)
        if bodies:
            params[contract.INCLUDE] = contract.INCLUDE_BODIES
        is_filtered = any(value is not None for value in filters.values())
        return self._observed(
            Capability.HISTORY,
            Asked.FILTERED if is_filtered else Asked.LIST,
            contract.API_REQUESTS,
            lambda answer: page(answer, ApiRequest),
            params,
            paced=paced,
        )

    def get_request(self, request_id: str) -> Row[ApiRequest]:
        """An entry with both bodies."""
        path = contract.api_request(request_id)
        try:
            return self._observed(
                Capability.HISTORY, Asked.ONE, path, lambda answer: one(answer, ApiRequest), whole=True
            )
        except NotOfferedError:
            raise
        except NotFoundError as error:
            raise NotFoundError(
                f"There is no entry {request_id} in the request history.",
                hint="See them: astalty history list",
                status=error.status,
            ) from None

    # -- anything else ---------------------------------------------------------------------------

    def call(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        paced: bool = False,
    ) -> HttpResponse:
        """Any call below this origin, whatever was answered; see `answers.raise_for_status`."""
        return self._http.request(method, target, body=body, headers=headers, paced=paced)

    def document(self, path: str, etag: str | None = None) -> HttpResponse:
        """The answer to a call for an OpenAPI document: 304 if it still is the one with this ETag."""
        headers = {"If-None-Match": etag} if etag else {}
        return self._http.request("GET", path, headers=headers)

    def notice(self, text: str) -> None:
        """Tell the user, on stderr, what has to be known beside the answer."""
        self._http.notice(text)

    def pause(self, seconds: float, what_for: str) -> None:
        """Let time pass, within the time that the command may take."""
        self._http.pause(seconds, what_for)

    # -- how -------------------------------------------------------------------------------------

    def _key_call(
        self,
        method: str,
        key_id: str,
        path: str,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        with self._translate_absent_key(key_id):
            try:
                return self._call(method, path, body=body, headers=headers)
            except NotFoundError:
                self.capabilities.ensure_not_gone(Capability.KEYS)
                raise

    @contextmanager
    def _translate_absent_key(self, key_id: str) -> Iterator[None]:
        try:
            yield
        except NotOfferedError:
            raise
        except NotFoundError as error:
            raise NotFoundError(
                f"There is no key {key_id}, or it is revoked.",
                hint="See them: astalty keys list --status active,expiring,revoked",
                status=error.status,
            ) from None

    def _observed(
        self,
        capability: Capability,
        asked: Asked,
        path: str,
        decode: Callable[[HttpResponse], T],
        params: Mapping[str, str] | None = None,
        *,
        paced: bool = False,
        whole: bool = False,
    ) -> T:
        """A GET that not every server offers; without anything like a secret, unless it is wanted `whole`."""
        target = f"{path}?{urlencode(params, safe='[],:')}" if params else path

        def ask() -> HttpResponse:
            answer = self._http.request("GET", target, paced=paced)
            return answer if whole else answer._replace(body=hide_listed(answer.body))

        return self.capabilities.observe(capability, asked, path, ask, decode)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        data = msgspec.json.encode(body) if body is not None else None
        answer = self._http.request(method, path, body=data, headers=headers)
        if 200 <= answer.status < 300:
            return answer
        raise failure(answer, path)


def _params(number: int, size: int, filters: Mapping[str, str | None], sort: str | None) -> dict[str, str]:
    params = {contract.PAGE_NUMBER: str(number), contract.PAGE_SIZE: str(size)}
    params |= {contract.filter_by(name): value for name, value in filters.items() if value is not None}
    return params | ({contract.SORT: sort} if sort else {})


# -- lists that shift while their pages are read -----------------------------------------------------
#
# Newest first, keys are only ever added at the head, and leave by being revoked. So a key can slip from one
# page to the page before only while the list grows shorter, which the totals of the pages show.


def _read_whole(fetch: Callable[[int], Page[ApiKey]], say: Callable[[str], None]) -> list[Row[ApiKey]]:
    """Every key that was there all the time; each once. Where that cannot be had, `say` hears of it."""
    rows: dict[str, Row[ApiKey]] = {}
    for _ in range(_TRIES):
        pages = list(_within_bounds(walk(fetch)))
        rows = {row.value.id: row for page in pages for row in page.rows}
        if len({page.meta.total for page in pages}) == 1 and len(rows) == sum(
            len(page.rows) for page in pages
        ):
            return list(rows.values())
    say("The list of keys changed each time it was read: some may be missing.")
    return list(rows.values())


def _within_bounds(pages: Iterable[Page[ApiKey]]) -> Iterator[Page[ApiKey]]:
    """The pages of a list that is read whole. Raises ServiceError for one that no account has."""
    size = 0
    for number, each in enumerate(pages, 1):
        size += sum(len(row.raw) for row in each.rows)
        if number > _MOST_PAGES or size > _MOST_BYTES:
            raise ServiceError("The service lists more than any account has: its list of keys does not end.")
        yield each


def _asked_for(status: str | None) -> str | None:
    """What to ask for instead of these: keys move between the two that work, and would slip through."""
    if status is None or not _WORKING & (wanted := set(status.split(","))):
        return status
    return ",".join(each for each in KeyStatus if each in wanted | _WORKING)


def _chosen(rows: Iterable[Row[ApiKey]], status: str | None, sort: str | None) -> list[Row[ApiKey]]:
    """Those with one of these, in the order that the service would give them."""
    wanted = set(status.split(",")) if status else set(KeyStatus)
    found = [row for row in rows if row.value.status in wanted]
    if sort is None or sort == _NEWEST_FIRST:
        return found
    terms = [(term.removeprefix("-"), term.startswith("-")) for term in sort.split(",")]
    for name, descending in reversed([*terms, ("id", terms[-1][1])]):
        found.sort(key=partial(_place, name), reverse=descending)
    return found


def _place(name: str, row: Row[ApiKey]) -> tuple[bool, Any]:
    value = getattr(row.value, name)
    return value is not None, value  # none at all comes before any
