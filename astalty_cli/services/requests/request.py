"""One call as a user types it: what may be sent, put together and checked before anything is.

Paths stay at the API's own origin, no header carries another key, and the two calls that create a secret
are refused: `astalty keys` makes those, with a place for the secret, a journal and a proof.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, unquote, unquote_plus, urlencode

import msgspec

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.shell_words import joined
from astalty_cli.base.vocabulary import METHODS
from astalty_cli.services.requests.fields import RequestField, nested, pairs

_OURS: Final = (
    "authorization",
    "proxy-authorization",
    "cookie",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
)
# Laravel, which the service is made with, takes these for the method or the path.
_OVERRIDES: Final = (
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
)
_METHOD_FIELD: Final = "_method"

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ ]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ESCAPED = re.compile('[^!-~]|["<>`{}|^]')  # what a URL does not hold as it is


@dataclass(frozen=True)
class Request:
    """`target` is path and query as they are sent, all of it ASCII."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def at(self, target: str) -> "Request":
        return replace(self, target=target)


def request(
    path: str,
    *,
    method: str | None = None,
    fields: Sequence[RequestField] = (),
    headers: Iterable[str] = (),
    body: bytes | None = None,
) -> Request:
    """Put a call together: fields go into a JSON body, or into the query string of a GET or beside a `body`.

    Raises UsageError for whatever must not be sent.
    """
    usual = "POST" if fields or body is not None else "GET"
    method = _method(usual if method is None else method)
    target, sent = _target(path), _headers(headers)
    if method == "GET" and body is not None:
        raise UsageError("A GET sends no body.", hint="Use -X POST to send it.")
    if fields and (method == "GET" or body is not None):
        target = with_query(target, urlencode(pairs(fields), safe="[],:"))
    elif fields:
        body = msgspec.json.encode(nested(fields))
    names = [*map(query_name, query_parts(target)), *_members(body)]
    if any(name.partition("[")[0] == _METHOD_FIELD for name in names):
        raise UsageError(f"{_METHOD_FIELD} would change the method.", hint="Use -X METHOD.")
    _ensure_makes_no_secret(method, target)
    if body is not None and not any(name.lower() == "content-type" for name in sent):
        sent["Content-Type"] = "application/json"
    return Request(method, target, sent, body)


def _members(body: bytes | None) -> list[str]:
    """The names at the top of a body: of an object in JSON, or of a form."""
    try:
        return list(msgspec.json.decode(body or b"", type=dict[str, msgspec.Raw]))
    except JSON_DECODE_ERRORS:
        return [query_name(part) for part in (body or b"").decode("utf-8", "replace").split("&")]


def _method(text: str) -> str:
    if text.upper() not in METHODS:
        raise UsageError(
            f"{text!r} is not one of {', '.join(METHODS)}.",
            hint="Without -X it is GET, or POST to send fields.",
        )
    return text.upper()


def _headers(lines: Iterable[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        match = _HEADER.fullmatch(line)
        if match is None:
            raise UsageError(f"{line!r} is not a header.", hint="Such as -H 'Accept-Language: en-AU'")
        name = match[1].lower().replace("_", "-")  # for some servers they are the same
        if name in _OURS:
            raise UsageError(
                f"The header {match[1]} is set by astalty itself.", hint="See: astalty auth status"
            )
        if name in _OVERRIDES:
            raise UsageError(f"{match[1]} would change the call.", hint="Use -X METHOD and the path.")
        if name in map(str.lower, headers):
            raise UsageError(f"The header {match[1]} is given twice.")
        headers[match[1]] = match[2]
    return headers


# -- the path ------------------------------------------------------------------------------------


def _target(text: str) -> str:
    if not text.isprintable() or set(text) & set(" #\\"):
        raise UsageError(
            "A path is printable, without spaces, '#' and '\\'.", hint="Such as participants?page[size]=5"
        )
    path = _decoded(text.partition("?")[0])
    if unquote(path) != path:
        raise UsageError("A path is not percent-encoded so many times.")
    if path.startswith("//") or _SCHEME.match(path):
        raise UsageError("A path stays at the API's own address.", hint="Leave out the scheme and the host.")
    if not path.isprintable() or set(path) & set("\\@"):
        raise UsageError("A path has no '@', no '\\' and no control characters, encoded or not.")
    segments = [segment.partition(";")[0] for segment in path.split("/")]
    if {".", ".."} & set(segments):
        raise UsageError("A path has no '.' and no '..'.")
    if not path.strip("/"):
        raise UsageError("There is no path.", hint="Such as participants")
    whole = text if text.startswith("/docs/") else contract.under_prefix(f"/{text.lstrip('/')}")
    return _ESCAPED.sub(lambda match: quote(match[0]), whole)


def _decoded(path: str) -> str:
    """What a server makes of the path, and one behind a proxy that decodes as well."""
    for _ in range(8):
        path = unquote(path)
    return path


def instead_of(method: str, target: str) -> list[str] | None:
    """The words of the command that guards the secret which a call makes; None if it makes none."""
    if method not in {"POST", "PUT", "PATCH"}:
        return None
    plain = (each.partition(";")[0].strip(" .") for each in _decoded(target.partition("?")[0]).split("/"))
    segments = [each.lower() for each in plain if each]
    keys, rotation = (path.rpartition("/")[2] for path in (contract.API_KEYS, contract.rotate("")))
    if segments[-1:] == [keys]:
        return ["astalty", "keys", "create", "NAME"]
    if segments[-1:] == [rotation] and keys in segments:
        key = segments[-2] if contract.is_uuid(segments[-2]) else "KEY"
        return ["astalty", "keys", "rotate", key]
    return None


def _ensure_makes_no_secret(method: str, target: str) -> None:
    if instead := instead_of(method, target):
        does = "creates" if "create" in instead else "rotates"
        raise UsageError(
            f"This call {does} a key, and its secret would be printed and lost: "
            "`astalty api` does not make it.",
            hint=f"Use: {joined(*instead)}",
        )


# -- the query -----------------------------------------------------------------------------------


def with_query(target: str, query: str) -> str:
    mark = "" if target.endswith(("?", "&")) else "&" if "?" in target else "?"
    return f"{target}{mark}{query}" if query else target


def query_parts(target: str) -> list[str]:
    return [part for part in target.partition("?")[2].split("&") if part]


def query_name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])
