"""The catalogue: an OpenAPI document, and the copy of it that is kept on this machine.

What the user names comes first, then what the service publishes, then the documented calls, which are built
in. Within an hour a copy is used as it is; later the service is asked whether it still holds. That a service
publishes none is remembered for a day. So most commands that need the document make no request.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.http import NOT_MODIFIED, HttpResponse
from astalty_cli.base.errors import AstaltyError, LocalError, NotOfferedError, ServiceError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.private_files import read_private, write_private
from astalty_cli.base.times import in_utc, relative, utc_now
from astalty_cli.openapi import Json
from astalty_cli.services.endpoints.documents import NotOpenApiError, WebPageError, ensure_openapi, parse
from astalty_cli.services.endpoints.operations import Source, named_calls, operations

FRESH_FOR: Final = timedelta(hours=1)
REMEMBERED_FOR: Final = timedelta(days=1)
_ABSENT: Final = frozenset({401, 403, 404, 405, 410})
_SAVE: Final = "Save an OpenAPI document to a file, and use --from FILE."
Ask = Callable[[str, str | None], HttpResponse]
_ETAG = re.compile(r'(W/)?"[!#-~]{0,200}"')


@dataclass(frozen=True)
class Reading:
    """The document, and what a user should know of it: nothing if the service just gave it."""

    document: Json = field(repr=False)
    note: str = ""
    source: Source = Source.SERVICE


class _Copy(msgspec.Struct):
    """What the file holds. `checked_at` is when it was last known to be what is published.

    Without a document: there is none at any of the addresses.
    """

    origin: str
    address: str | None
    etag: str | None
    checked_at: Annotated[datetime, msgspec.Meta(tz=True)]
    document: Json | None

    def is_younger_than(self, age: timedelta) -> bool:
        return timedelta() <= utc_now() - self.checked_at < age

    @property
    def age(self) -> str:
        return relative(self.checked_at, utc_now())


class _OtherDocumentError(ServiceError):
    """Something is there, and it is not an OpenAPI document."""


class _PageError(ServiceError):
    """A web page or a redirect, which may stand in for any answer."""


class Catalogue:
    """What an origin publishes, at the known addresses or at the one that the user named.

    `ask` makes the call: it is given the path, and the ETag of the document that is known.
    """

    def __init__(self, folder: Path, origin: str, ask: Ask, named: str | None = None) -> None:
        self._path = _copy_path(folder, origin + (named or ""))
        self._origin, self._ask, self._named = origin, ask, named

    def read(self, *, refresh: bool = False) -> Reading | None:
        """The document, or None if none is published; `refresh` asks, whatever is known.

        If the service fails, the copy stands in, but not for `refresh`. Raises ServiceError if the document
        can't be had, and NotOfferedError if there is none at the named address.
        """
        copy = _read_copy(self._path, self._origin)
        known = copy if copy and copy.document is not None else None
        if not refresh and known and known.document is not None and known.is_younger_than(FRESH_FOR):
            return Reading(known.document, f"From a copy, {known.age}; --refresh asks again.")
        if not refresh and copy and not known and copy.is_younger_than(REMEMBERED_FOR):
            return None
        try:
            found = self._find(known, conditionally=not refresh)
        except ServiceError as error:
            if refresh or known is None or known.document is None:
                raise
            return Reading(known.document, f"{error.message} This is from a copy, {known.age}.")
        return None if found is None else Reading(found)

    def _find(self, known: _Copy | None, *, conditionally: bool) -> Json | None:
        """Ask one address after another. A page decides nothing if one was known or named."""
        problem: AstaltyError | None = None
        for address in self._in_order(known):
            old = known if known and known.address == address and conditionally else None
            try:
                found = self._at(address, old)
            except NotOfferedError as error:
                problem = problem or (error if self._named else None)
            except _PageError as error:
                is_decided = not self._named and not (known and known.address == address)
                problem = problem or (None if is_decided else error)
            except _OtherDocumentError as error:
                problem = problem or error
            else:
                self._keep(found)
                return found.document
        if problem:
            raise problem
        self._keep(_Copy(self._origin, None, None, utc_now(), None))
        return None

    def _in_order(self, known: _Copy | None) -> Iterable[str]:
        if self._named:
            return [self._named]
        remembered = known.address if known and known.is_younger_than(REMEMBERED_FOR) else None
        return sorted(contract.CATALOGUES, key=lambda address: address != remembered)

    def _at(self, address: str, old: _Copy | None) -> _Copy:
        try:
            answer = self._ask(address, old.etag if old else None)
        except ServiceError as error:
            if error.status and 300 <= error.status < 400:
                hint = "Name the address that it leads to." if self._named else error.hint
                raise _PageError(error.message, hint=hint, status=error.status) from None
            raise
        if answer.status == NOT_MODIFIED and old and old.etag:
            return _Copy(self._origin, address, old.etag, utc_now(), old.document)
        document = read_document(answer, self._origin + address.partition("?")[0])
        return _Copy(self._origin, address, _sayable(answer.headers.get("etag")), utc_now(), document)

    def _keep(self, copy: _Copy) -> None:
        with suppress(LocalError, RecursionError):  # it is there to save a request, and nothing depends on it
            write_private(self._path, msgspec.json.encode(copy))


def cached_operations(folder: Path, origin: str) -> set[tuple[str, str]] | None:
    """Method and path of the calls in this origin's own catalogue, if it was read within a day.

    The path has `{id}` for every parameter, as in `contract`. Only the copy on this machine is read: what is
    built in, or was named by the user, says nothing about what the service offers.
    """
    copy = _read_copy(_copy_path(folder, origin), origin)
    if copy is None or copy.document is None or not copy.is_younger_than(REMEMBERED_FOR):
        return None
    with suppress(ServiceError):  # more calls than anybody offers
        return named_calls(operations(copy.document))
    return None


def read_document(answer: HttpResponse, name: str) -> Json:
    """The OpenAPI document that was answered to a call without a key.

    Raises NotOfferedError if there is none for everybody, ServiceError for whatever else is none.
    """
    if answer.status in _ABSENT:
        raise NotOfferedError(
            f"There is no endpoint catalogue at {name} that can be read without signing in.",
            hint="Save it to a file in a browser, and use --from FILE.",
            status=answer.status,
        )
    if not 200 <= answer.status < 300:
        raise ServiceError(
            f"There is no endpoint catalogue at {name} now (HTTP {answer.status}).",
            hint="Try again later.",
            status=answer.status,
        )
    try:
        return parse(answer.body)
    except WebPageError as error:
        raise _PageError(f"{name} {error}.", hint=_SAVE) from None
    except NotOpenApiError as error:
        raise _OtherDocumentError(f"{name} {error}.", hint=_SAVE) from None


def _copy_path(folder: Path, name: str) -> Path:
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def _read_copy(path: Path, origin: str) -> _Copy | None:
    try:
        copy = msgspec.json.decode(read_private(path) or b"", type=_Copy)
        if copy.document is not None:
            ensure_openapi(copy.document)
        copy.checked_at = in_utc(copy.checked_at)
    except (LocalError, NotOpenApiError, OverflowError, *JSON_DECODE_ERRORS):
        return None
    return copy if copy.origin == origin and _sayable(copy.etag) == copy.etag else None


def _sayable(etag: str | None) -> str | None:
    """An ETag that can be sent back; None for any other."""
    return etag if etag and _ETAG.fullmatch(etag) else None
