"""The bytes of an OpenAPI document, in JSON or YAML, as data; or what they are instead."""

import codecs
from typing import Final

import msgspec

from astalty_cli.api.answers import repaired
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.openapi import Json, listing, mapping, text

MAX_DOCUMENT: Final = 16 * 1024 * 1024  # bytes; what Python makes of them takes up to twenty times as much


class NotOpenApiError(ValueError):
    """Says what it is instead, as what follows its name: "is a web page"."""


class WebPageError(NotOpenApiError):
    """It is a page for people, which may stand in for any answer."""


def parse(data: bytes) -> Json:
    """Raises NotOpenApiError for what is no OpenAPI 3 document."""
    if len(data) > MAX_DOCUMENT:
        raise NotOpenApiError(f"is larger than {MAX_DOCUMENT >> 20} MiB")
    data = data.removeprefix(codecs.BOM_UTF8)
    first = data.lstrip()[:1]
    if not first:
        raise NotOpenApiError("is empty")
    if first == b"<":
        raise WebPageError("is a web page")
    document = _json(data) if first in b'{["' else _yaml(data)
    ensure_openapi(document)
    return mapping(document)


def ensure_openapi(document: object) -> None:
    """Raises NotOpenApiError, which names the other formats that such a document may have."""
    found = mapping(document)
    version = text(found.get("openapi"))
    if version.startswith("3."):
        if not isinstance(found.get("paths", {}), dict):
            raise NotOpenApiError("is not OpenAPI 3: its paths are not an object")
    elif version:
        raise NotOpenApiError(f"is OpenAPI {version[:40]}, and only 3.0 and 3.1 can be read")
    elif "swagger" in found:
        raise NotOpenApiError("is a Swagger 2 document, and only OpenAPI 3.0 and 3.1 can be read")
    elif _is_postman(found):
        raise NotOpenApiError("is a Postman collection, and only OpenAPI 3.0 and 3.1 can be read")
    else:
        raise NotOpenApiError("is not an OpenAPI 3 document")


def _is_postman(found: Json) -> bool:
    info = mapping(found.get("info"))
    return (
        "_postman_id" in info
        or "getpostman.com" in text(info.get("schema"))
        or bool(listing(found.get("item")) and "paths" not in found)
    )


def _json(data: bytes) -> object:
    try:
        document: object = msgspec.json.decode(repaired(data))
    except JSON_DECODE_ERRORS as error:
        raise NotOpenApiError(f"is not valid JSON ({str(error)[:100]})") from None
    return document


def _yaml(data: bytes) -> object:
    try:
        content = data.decode()
    except UnicodeDecodeError:
        raise NotOpenApiError("is not text in UTF-8") from None
    from astalty_cli.services.endpoints.yaml_reader import YamlError, load

    try:
        document: object = load(content)
    except YamlError as error:
        raise NotOpenApiError(f"is neither JSON nor usable YAML ({error})") from None
    return document
