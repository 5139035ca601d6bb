"""The OpenAPI 3.1 document, drawn from what the server itself works with: structs, listings, limits.

`operations.py` says which calls there are; here is what they have in common, and their form.
"""

import functools
import hashlib

import msgspec

from astalty_cli import __version__
from astalty_cli.api import contract
from astalty_cli.api.models import PageMeta
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Surface
from astalty_cli.openapi import Json
from astalty_cli.sandbox.idempotency import KEY_PATTERN
from astalty_cli.sandbox.listing import MAX_PAGE_NUMBER, Listing
from astalty_cli.sandbox.operations import OPERATIONS, TAGS, Operation
from astalty_cli.sandbox.problems import ErrorBody

_REFERENCE = "#/components/schemas/{name}"
_REFUSALS = {
    400: "An unknown filter, sort or include, or a body that is not JSON.",
    401: "No key, or one that does not work.",
    403: "The key's access level, or the record, does not allow this.",
    404: "Absent, or not visible to this account.",
    405: "The path has no such method.",
    409: "Changed since (`if_rotation`), or the first call with this Idempotency-Key is still running.",
    413: "The body is too large.",
    415: "The body is not `application/json`.",
    422: "A value that cannot be; `errors` has the messages for each field.",
    429: "More calls in a minute than the key may make.",
}


@functools.cache
def document(surface: Surface = Surface.FULL) -> bytes:
    """Return the document as JSON."""
    operations = [each for each in OPERATIONS if each.is_documented or surface is Surface.FULL]
    tags = {operation.tag for operation in operations}
    answers = [answer for operation in operations for answer in (operation.answer, operation.body) if answer]
    kinds = [*dict.fromkeys(answers), PageMeta, ErrorBody]
    _, schemas = msgspec.json.schema_components(kinds, schema_hook=_secret_schema, ref_template=_REFERENCE)
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Astalty API (sandbox)",
                "version": __version__,
                "description": "The API as the `astalty` command line assumes it. Its data is made up.",
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in tags],
            "security": [{"key": []}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
                "headers": _RATE_HEADERS,
                "responses": {str(status): _refusal(status) for status in _REFUSALS},
            },
        }
    )


@functools.cache
def etag() -> str:
    """What tells this document from that of another version."""
    return hashlib.sha256(document()).hexdigest()[:16]


_RATE_HEADERS: Json = {
    "X-RateLimit-Limit": {"description": "Calls a minute for each key.", "schema": {"type": "integer"}},
    "X-RateLimit-Remaining": {"description": "Calls left in this minute.", "schema": {"type": "integer"}},
}


def _secret_schema(kind: type) -> Json:
    if kind is Secret:
        return {"type": "string", "format": "password", "description": "Shown this once, and never again."}
    raise NotImplementedError(kind)


def _operation(operation: Operation) -> Json:
    described: Json = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        described["requestBody"] = {"required": True, "content": _json(_schema(operation.body))}
    return described


def _parameters(operation: Operation) -> list[Json]:
    parameters = [
        _parameter("path", name, "", {"type": "string", "format": "uuid"}, required=True)
        for name in operation.path_parameters
    ]
    if operation.method == "post":
        pattern = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": f"^{KEY_PATTERN}$"}
        text = "The same call again with the same key is answered from the record of the first, for 24 hours."
        parameters.append(_parameter("header", contract.IDEMPOTENCY_KEY, text, pattern))
    if operation.listing:
        parameters += _list_parameters(operation.listing)
    if operation.includes:
        parameters.append(_words(contract.INCLUDE, "Related records to expand.", list(operation.includes)))
    return parameters


def _list_parameters(listing: Listing) -> list[Json]:
    number = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_NUMBER, "default": 1}
    size = {
        "type": "integer",
        "minimum": 1,
        "maximum": contract.MAX_PAGE_SIZE,
        "default": contract.DEFAULT_PAGE_SIZE,
    }
    sorts = [prefix + name for name in listing.sorts for prefix in ("", "-")]
    return [
        _parameter("query", contract.PAGE_NUMBER, "The page, from 1.", number),
        _parameter("query", contract.PAGE_SIZE, "Rows of a page.", size),
        _words(contract.SORT, f"`-` turns it round. Without it: `{listing.default_sort}`.", sorts),
        *(
            _parameter("query", contract.filter_by(name), offered.description, offered.schema)
            for name, offered in listing.filters.items()
        ),
    ]


def _words(name: str, description: str, words: list[str]) -> Json:
    return _parameter("query", name, description, {"type": "array", "items": {"enum": words}, "minItems": 1})


def _parameter(where: str, name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    parameter: Json = {"in": where, "name": name, "required": required, "schema": schema}
    if description:
        parameter["description"] = description
    if schema["type"] == "array":
        parameter |= {"style": "form", "explode": False}  # comma-separated
    return parameter


def _responses(operation: Operation) -> Json:
    good: Json = {"description": operation.outcome, "headers": _rate_headers()}
    if operation.answer:
        good["content"] = _json(_envelope(operation))
    if operation.links:
        good["links"] = {
            name: {"operationId": name, "parameters": {parameter: "$response.body#/data/id"}}
            for name, parameter in operation.links.items()
        }
    refusals = {str(status): {"$ref": f"#/components/responses/{status}"} for status in operation.refusals}
    return {str(operation.status): good} | refusals


def _envelope(operation: Operation) -> Json:
    assert operation.answer is not None  # noqa: S101 - asked by the caller
    data = _schema(operation.answer)
    if not operation.listing:
        return {"type": "object", "required": ["data"], "properties": {"data": data}}
    rows = {"type": "array", "items": data}
    properties = {"data": rows, "meta": _schema(PageMeta)}
    return {"type": "object", "required": ["data", "meta"], "properties": properties}


def _refusal(status: int) -> Json:
    refusal: Json = {"description": _REFUSALS[status], "content": _json(_schema(ErrorBody))}
    if status == 429:
        seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
        refusal["headers"] = _rate_headers() | {"Retry-After": seconds}
    return refusal


def _rate_headers() -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_HEADERS}


def _schema(kind: type) -> Json:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
