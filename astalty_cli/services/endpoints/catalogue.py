"""The service's OpenAPI document, and the copy of it that is kept on this machine.

Within an hour the copy is used as it is; later the service is asked whether it still holds. So most
commands that need the document make no request.
"""

import codecs
import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.answers import decoded
from astalty_cli.api.client import Client
from astalty_cli.api.http import NOT_MODIFIED, HttpResponse
from astalty_cli.base.errors import LocalError, NotOfferedError, ServiceError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.private_files import read_private, write_private
from astalty_cli.base.times import in_utc, relative, utc_now
from astalty_cli.openapi import Json

FRESH_FOR: Final = timedelta(hours=1)
MAX_DOCUMENT: Final = 16 * 1024 * 1024  # bytes; what Python makes of them takes up to twenty times as much
_ETAG = re.compile(r'(W/)?"[!#-~]{0,200}"')


@dataclass(frozen=True)
class Reading:
    """The document, and what a user should know of its age: nothing where the service just gave it."""

    document: Json = field(repr=False)
    note: str = ""


class _Copy(msgspec.Struct):
    """What the file holds. `checked_at` is when the service last said that this is its document."""

    origin: str
    etag: str | None
    checked_at: Annotated[datetime, msgspec.Meta(tz=True)]
    document: Json


class Catalogue:
    """The document of one origin. `client` is called only where the service has to be asked."""

    def __init__(self, folder: Path, origin: str, client: Callable[[], Client]) -> None:
        self._path = folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:16]}.json"
        self._origin, self._client = origin, client

    def read(self, *, refresh: bool = False) -> Reading:
        """The document; `refresh` asks the service for it, however new the copy is.

        Where the service fails, the copy stands in, but not where `refresh` was asked for. Raises
        NotOfferedError where the service has no such document, ServiceError where it cannot be had.
        """
        copy = None if refresh else self._copy()
        if copy is None:
            return Reading(self._asked(None))
        now = utc_now()
        age = relative(copy.checked_at, now)
        if timedelta() <= now - copy.checked_at < FRESH_FOR:
            return Reading(copy.document, f"From a copy, {age}; --refresh asks again.")
        try:
            return Reading(self._asked(copy))
        except ServiceError as error:
            return Reading(copy.document, f"{error.message} This is from a copy, {age}.")

    def _copy(self) -> _Copy | None:
        try:
            copy = msgspec.json.decode(read_private(self._path) or b"", type=_Copy)
            ensure_openapi(copy.document)
            copy.checked_at = in_utc(copy.checked_at)
        except (LocalError, ServiceError, OverflowError, *JSON_DECODE_ERRORS):
            return None
        return copy if copy.origin == self._origin and _sayable(copy.etag) == copy.etag else None

    def _asked(self, copy: _Copy | None) -> Json:
        answer = self._client().openapi(copy.etag if copy else None)
        if answer.status == NOT_MODIFIED and copy and copy.etag:
            self._keep(copy.etag, copy.document)
            return copy.document
        document = read_document(answer, self._origin)
        self._keep(answer.headers.get("etag"), document)
        return document

    def _keep(self, etag: str | None, document: Json) -> None:
        copy = _Copy(self._origin, _sayable(etag), utc_now(), document)
        with suppress(LocalError, RecursionError):  # it is there to save a request, and nothing depends on it
            write_private(self._path, msgspec.json.encode(copy))


def _sayable(etag: str | None) -> str | None:
    """An ETag that can be sent back; None for any other."""
    return etag if etag and _ETAG.fullmatch(etag) else None


def read_document(answer: HttpResponse, origin: str) -> Json:
    """The OpenAPI document that was answered to a call without a key.

    Raises NotOfferedError where there is none for everybody, ServiceError for whatever else is none.
    """
    if answer.status in {401, 403, 404, 410}:
        raise NotOfferedError(
            f"{origin} has no endpoint catalogue that can be read without a browser.",
            hint=f"In a browser, it is at {origin}{contract.ENDPOINT_DASHBOARD}: "
            "astalty endpoints list --web",
            status=answer.status,
        )
    if not 200 <= answer.status < 300:
        raise ServiceError(
            f"{origin} did not give its endpoint catalogue (HTTP {answer.status}).",
            hint="Try again later.",
            status=answer.status,
        )
    if len(answer.body) > MAX_DOCUMENT:
        raise ServiceError(f"The endpoint catalogue is larger than {MAX_DOCUMENT >> 20} MiB.")
    document = decoded(answer.body.removeprefix(codecs.BOM_UTF8), Json)
    ensure_openapi(document)
    return document


def ensure_openapi(document: Json) -> None:
    """Raises ServiceError for what is no OpenAPI 3 document."""
    version = document.get("openapi", document.get("swagger"))
    if not isinstance(version, str) or not version.startswith("3."):
        said = f"version {version}" if isinstance(version, str) else "something else"
        raise ServiceError(f"The endpoint catalogue is not OpenAPI 3, but {said[:40]}.")
    if not isinstance(document.get("paths", {}), dict):
        raise ServiceError("The endpoint catalogue is not OpenAPI 3: its paths are no object.")
