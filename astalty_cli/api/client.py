"""One method for each call of the API, typed; every failure is one of our errors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.answers import (
    Issued,
    Page,
    Row,
    failure,
    issued,
    not_offered,
    one,
    page,
    raise_for_rejected_key,
    walk,
)
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
from astalty_cli.base.errors import AstaltyError, NotFoundError, NotOfferedError, ServiceError
from astalty_cli.base.hiding import hide_listed
from astalty_cli.base.vocabulary import Access, KeyStatus

_NEWEST_FIRST: Final = "-created_at"
_TRIES: Final = 3
_MOST_PAGES: Final = 1_000  # of keys
_MOST_BYTES: Final = 64 * 1024 * 1024  # of all pages of keys, as they are sent
_WORKING: Final = frozenset({KeyStatus.ACTIVE, KeyStatus.EXPIRING})


class Client:
    """The API of one account. Each method raises an AstaltyError for whatever is not the wanted answer."""

    def __init__(self, http: Http) -> None:
        self._http = http

    # -- keys ------------------------------------------------------------------------------------

    def list_keys(
        self, number: int = 1, *, status: str | None = None, sort: str | None = None
    ) -> Page[ApiKey]:
        params = _params(number, contract.MAX_PAGE_SIZE, {"status": status}, sort)
        answer = self._call("GET", contract.API_KEYS, params=params, feature="key management")
        return page(answer, ApiKey)

    def all_keys(self, *, status: str | None = None, sort: str | None = None) -> list[Row[ApiKey]]:
        """Every key with one of these; a list that changes while it is read is read again."""
        asked = _asked_for(status)
        rows = _read_whole(
            lambda number: self.list_keys(number, status=asked, sort=_NEWEST_FIRST), self._http.notice
        )
        return _chosen(rows, status, sort)

    def create_key(self, name: str, *, access: Access | None = None, idempotency_key: str) -> Issued:
        """Make a key; without `access` the request doesn't name an access level."""
        answer = self._call(
            "POST",
            contract.API_KEYS,
            body=CreateKey(name, access or msgspec.UNSET),
            headers={contract.IDEMPOTENCY_KEY: idempotency_key},
            feature="key management",
        )
        return issued(answer)

    def get_key(self, key_id: str) -> Row[ApiKey]:
        return one(self._key_call("GET", key_id, contract.api_key(key_id)), ApiKey)

    def rename_key(self, key_id: str, name: str) -> Row[ApiKey]:
        return one(self._key_call("PATCH", key_id, contract.api_key(key_id), RenameKey(name)), ApiKey)

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
        return issued(answer)

    def expire_previous(self, key_id: str, *, within_seconds: int, if_rotation: int) -> Row[ApiKey]:
        """Let no earlier secret of the key live longer than `within_seconds` from now."""
        body = ExpirePrevious(within_seconds, if_rotation)
        return one(self._key_call("POST", key_id, contract.expire_previous(key_id), body), ApiKey)

    def revoke_key(self, key_id: str) -> None:
        self._key_call("DELETE", key_id, contract.api_key(key_id))

    def current_key(self) -> Row[CurrentKey]:
        """The key that makes this call. Raises NotOfferedError where the server has no such call."""
        return one(self._call("GET", contract.API_KEYS_CURRENT, feature="key management"), CurrentKey)

    def account_id(self) -> str | None:
        """The id of the key's account; None where the server has no such call."""
        try:
            return self.current_key().value.account.id
        except NotOfferedError:
            return None

    @property
    def fingerprint(self) -> str:
        """What tells this key from others, where the service does not say whose it is."""
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
        answer = self._call(
            "GET", contract.API_REQUESTS, params=params, feature="request history", paced=paced
        )
        return page(answer, ApiRequest)

    def get_request(self, request_id: str) -> Row[ApiRequest]:
        """An entry with both bodies."""
        try:
            return one(self._call("GET", contract.api_request(request_id), whole=True), ApiRequest)
        except NotFoundError as error:
            self.list_requests(1, 1, filters={})
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
        """The answer to a call for an OpenAPI document: 304 where it still is the one with this ETag."""
        headers = {"If-None-Match": etag} if etag else {}
        return self._http.request("GET", path, headers=headers)

    def notice(self, text: str) -> None:
        """Tell the user, on stderr, what has to be known beside the answer."""
        self._http.notice(text)

    def pause(self, seconds: float, what_for: str) -> None:
        """Let time pass, within the time that the command may take."""
        self._http.pause(seconds, what_for)

    def accepts_key(self) -> None:
        """Make the cheapest documented call, for servers without `current_key`."""
        answer = self._http.request("GET", f"{contract.PARTICIPANTS}?{contract.PAGE_SIZE}=1")
        raise_for_rejected_key(answer)

    # -- how -------------------------------------------------------------------------------------

    def _key_call(
        self,
        method: str,
        key_id: str,
        path: str,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        try:
            return self._call(method, path, body=body, headers=headers)
        except NotFoundError as error:
            self._ensure_offers_keys()
            raise NotFoundError(
                f"There is no key {key_id}, or it is revoked.",
                hint="See them: astalty keys list --status active,expiring,revoked",
                status=error.status,
            ) from None

    def _ensure_offers_keys(self) -> None:
        """Tell "no such key" from "no such endpoint". Raises NotOfferedError."""
        try:
            self.list_keys()
        except NotOfferedError:
            raise
        except AstaltyError:
            return  # this question's own failure must not stand for the answer that was asked about

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
        feature: str | None = None,
        paced: bool = False,
        whole: bool = False,
    ) -> HttpResponse:
        """What is read is without anything like a secret, unless it is wanted `whole`."""
        data = msgspec.json.encode(body) if body is not None else None
        target = f"{path}?{urlencode(params, safe='[],:')}" if params else path
        answer = self._http.request(method, target, body=data, headers=headers, paced=paced)
        if 200 <= answer.status < 300:
            is_hidden = method == "GET" and not whole
            return answer._replace(body=hide_listed(answer.body)) if is_hidden else answer
        if answer.status == 404 and feature is not None:
            raise not_offered(feature)
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
    say("The list of keys changed while it was read, each time anew: some may be missing.")
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
