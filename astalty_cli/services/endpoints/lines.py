"""A call as a line to run: `astalty api …`, and the same for curl. No line ever has a key in it.

There is none for what cannot be made so: a body that is not JSON, what `astalty api` would refuse.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.base.shell_words import quoted
from astalty_cli.openapi import Json, body, is_json, mapping, parameters, schema_of, text
from astalty_cli.openapi.examples import example, required_part
from astalty_cli.services.requests.fields import parse
from astalty_cli.services.requests.request import instead_of, request
from astalty_cli.services.requests.snippets import Call, curl

_PAGE = 5  # rows that a list is asked for
_USUAL = "application/json"  # what `astalty api` says of a body by itself
_BODY_FILE = "body.json"
_WITHOUT_BODY = ("HEAD", "TRACE")  # OpenAPI: a body that is described for them is ignored
_IGNORED = ("accept", "authorization", "content-type")  # OpenAPI: no header parameter describes these
_NAME = re.compile(r"[\w-]{1,100}", re.ASCII)  # of a field, a header or a cookie
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=[/;]|$)", re.IGNORECASE)  # a client may shorten the path by them


class Ready:
    """The lines for one call, its references in place. `path` is as the user gave it, or a template.

    `flags` are what the user's own command line says of the account.
    """

    def __init__(self, method: str, path: str, operation: Json, flags: Mapping[str, str]) -> None:
        self._method, self._operation, self._flags = method, operation, flags
        self._path = quote(re.sub(r"\{([^{}]*)\}", _placeholder, path), safe="%/:@!$&'()*+,;=~")
        self._query = _query(operation)
        described = mapping(operation.get("requestBody")) if method not in _WITHOUT_BODY else {}
        self._kind, content = body(described) or ("", {})
        self._sent = _sent(content, required=described.get("required") is True) if self._kind else None
        self._instead = instead_of(method, self._path)

    def astalty(self) -> str | None:
        """For this program; the calls that create a secret have commands of their own."""
        if not self._path.startswith(f"{contract.PREFIX}/"):
            return None
        if self._instead:
            return _line(*self._instead, *itertools.chain(*self._flags.items()))
        path = self._path.removeprefix(f"{contract.PREFIX}/") + self._query
        path = f"/{path}" if path.startswith("-") else path
        method = [] if self._method == "GET" else ["-X", self._method]
        needed = self._headers() | ({} if self._kind == _USUAL else self._content_type())
        headers = [f"{name}: {value}" for name, value in needed.items()]
        if not (self._can_be_sent and self._would_be_sent(path, headers)):
            return None
        flagged = [*(("-H", header) for header in headers), *self._body_flags(), *self._flags.items()]
        return _line("astalty", "api", *method, path, *itertools.chain(*flagged))

    def curl(self, address: str) -> str | None:
        """For curl, with the key from `$ASTALTY_API_KEY`; None also for what would print a secret."""
        if self._instead or not self._can_be_sent:
            return None
        url = address + self._path + self._query
        headers = {"Accept": "application/json", **self._headers(), **self._content_type()}
        authorized = self._operation.get("security") != []
        sent = None if self._sent is None else json.dumps(self._sent)
        call = Call(self._method, url, headers, authorized, sent)
        return curl(call, ca_file=self._flags.get("--ca-file"))

    @property
    def _can_be_sent(self) -> bool:
        return not _DOTS.search(self._path) and (not self._kind or is_json(self._kind))

    def _would_be_sent(self, path: str, headers: Sequence[str]) -> bool:
        """Whether `astalty api` makes this very call of it, asked of what `astalty api` itself asks."""
        body = None if self._sent is None else b""
        fields = [parse(text, typed=flag == "-F") for flag, text in self._body_flags() if flag != "--input"]
        try:
            made = request(path, method=self._method, fields=fields, headers=headers, body=body)
        except UsageError:
            return False
        return made.path == self._path

    def _headers(self) -> dict[str, str]:
        needed = [
            (text(each.get("in")), each["name"], _spelt(example(each, sent=True)))
            for each in parameters(self._operation)
            if each.get("required") is True and _NAME.fullmatch(each["name"])
        ]
        headers = {
            name: re.sub("[^ -~]", "", value).strip() or "VALUE"
            for place, name, value in needed
            if place == "header" and name.lower() not in _IGNORED
        }
        cookies = [f"{name}={quote(value)}" for place, name, value in needed if place == "cookie"]
        return headers | ({"Cookie": "; ".join(cookies)} if cookies else {})

    def _content_type(self) -> dict[str, str]:
        return {} if self._sent is None else {"Content-Type": self._kind}

    def _body_flags(self) -> list[tuple[str, str]]:
        if self._sent is None:
            return []
        if not (self._sent and isinstance(self._sent, dict) and all(map(_is_simple, self._sent.items()))):
            return [("--input", _BODY_FILE)]
        return [
            ("-f", f"{name}={value}") if isinstance(value, str) else ("-F", f"{name}={json.dumps(value)}")
            for name, value in self._sent.items()
        ]


def _sent(content: Json, *, required: bool) -> Any:
    """An example of the required part of a body; None if nothing is required, `{}` if it is unknown."""
    needed = required_part(schema_of(content), example(content, sent=True))
    if needed is None or needed == {}:
        return {} if required else None
    return needed


def _placeholder(parameter: re.Match[str]) -> str:
    return re.sub(r"\W+", "_", parameter[1], flags=re.ASCII).strip("_").upper()[:40] or "ID"


def _query(operation: Json) -> str:
    """The parameters that have to be there; of a list that needs none, the size of a page."""
    offered = [each for each in parameters(operation) if each.get("in") == "query"]
    needed = [pair for each in offered if each.get("required") is True for pair in _pairs(each)]
    if not needed and any(each["name"] == contract.PAGE_SIZE for each in offered):
        needed = [(contract.PAGE_SIZE, str(_PAGE))]
    pairs = (f"{quote(name, safe='[]')}={quote(value, safe=',:')}" for name, value in needed)
    return "?" + "&".join(pairs) if needed else ""


def _pairs(parameter: Json) -> Iterator[tuple[str, str]]:
    """One parameter of the query; an object is one for each member, unless it is said to be JSON."""
    name, value = parameter["name"], example(parameter, sent=True)
    if "content" in parameter or not isinstance(value, dict):
        yield name, _spelt(value)
        return
    is_deep = parameter.get("style") == "deepObject"
    for member, each in required_part(schema_of(parameter), value).items():
        yield f"{name}[{member}]" if is_deep else member, _spelt(each)


def _spelt(value: Any) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return text(value) or json.dumps(value)


def _is_simple(member: tuple[str, Any]) -> bool:
    """Whether -f or -F says it: -F takes a number with a fraction, or beyond int64, for text."""
    name, value = member
    if _NAME.fullmatch(name) is None:
        return False
    return isinstance(value, str) or parse(f"{name}={json.dumps(value)}", typed=True).value == value


def _line(*words: str) -> str:
    return " ".join(quoted(word, ascii_only=True) for word in words)
