"""A call as a line to run: `astalty api …`, and the same for curl. No line ever has a key in it.

There is none for what cannot be made so: a body that is not JSON, what `astalty api` would refuse.
"""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from astalty_cli.api import contract
from astalty_cli.errors import UsageError
from astalty_cli.openapi import Json, body, is_json, mapping, parameters, schema_of, text
from astalty_cli.openapi.examples import example, required_part
from astalty_cli.services.repeating import Call, curl, quoted
from astalty_cli.services.requests.fields import parse
from astalty_cli.services.requests.request import instead_of, request

_PAGE = 5  # rows that a list is asked for
_USUAL = "application/json"  # what `astalty api` says of a body by itself
_BODY_FILE = "body.json"
_WITHOUT_BODY = ("HEAD", "TRACE")  # OpenAPI: a body that is described for them is ignored
_IGNORED = ("accept", "authorization", "content-type")  # OpenAPI: no header parameter describes these
_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?=[/;]|$)", re.IGNORECASE)  # a client may shorten the path by them


class Ready:
    """The lines for one call, its references in place. `path` is as the user gave it, or a template.

    `flags` are what the user's own command line says of the account.
    """

    def __init__(self, method: str, path: str, operation: Json, flags: Mapping[str, str]) -> None:
        self._method, self._operation, self._flags = method, operation, flags
        self._path = quote(re.sub(r"\{([^{}]*)\}", _placeholder, path), safe="%/:@!$&'()*+,;=~")
        self._query = _query(operation)
        described = body(mapping(operation.get("requestBody")))
        self._content = None if method in _WITHOUT_BODY else described
        self._instead = instead_of(method, self._path)

    def astalty(self) -> str | None:
        """For this program; the calls that make a secret have commands of their own."""
        if not self._path.startswith(f"{contract.PREFIX}/"):
            return None
        if self._instead:
            return _line(*self._instead, *itertools.chain(*self._flags.items()))
        path = self._path.removeprefix(f"{contract.PREFIX}/") + self._query
        path = f"/{path}" if path.startswith("-") else path
        method = [] if self._method == "GET" else ["-X", self._method]
        sent = [f"Content-Type: {self._content[0]}"] if self._content and self._content[0] != _USUAL else []
        headers = [*(f"{name}: {value}" for name, value in self._headers().items()), *sent]
        if not (self._can_be_sent and self._would_be_sent(path, headers)):
            return None
        flagged = [*(("-H", header) for header in headers), *self._body_flags(), *self._flags.items()]
        return _line("astalty", "api", *method, path, *itertools.chain(*flagged))

    def curl(self, address: str) -> str | None:
        """For curl, with the key from `$ASTALTY_API_KEY`; None also for what would print a secret."""
        if self._instead or not self._can_be_sent:
            return None
        url = address + self._path + self._query
        headers = {"Accept": "application/json", **self._headers()}
        sent = self._body()
        if self._content and sent is not None:
            headers["Content-Type"] = self._content[0]
        authorized = self._operation.get("security") != []
        call = Call(self._method, url, headers, authorized, None if sent is None else json.dumps(sent))
        return curl(call, ca_file=self._flags.get("--ca-file"))

    @property
    def _can_be_sent(self) -> bool:
        return not _DOTS.search(self._path) and (self._content is None or is_json(self._content[0]))

    def _would_be_sent(self, path: str, headers: Sequence[str]) -> bool:
        """Whether `astalty api` makes this very call of it, asked of what `astalty api` itself asks."""
        body = None if self._content is None else b""
        fields = [parse(text, typed=flag == "-F") for flag, text in self._body_flags() if flag != "--input"]
        try:
            made = request(path, method=self._method, fields=fields, headers=headers, body=body)
        except UsageError:
            return False
        return made.path == self._path

    def _headers(self) -> dict[str, str]:
        needed = (each for each in parameters(self._operation) if each.get("in") == "header")
        return {
            each["name"]: re.sub("[^ -~]", "", _spelt(each)).strip() or "VALUE"
            for each in needed
            if each.get("required") is True
            and re.fullmatch(r"[\w-]{1,100}", each["name"], re.ASCII)
            and each["name"].lower() not in _IGNORED
        }

    def _body(self) -> Any:
        """What has to be sent, as an example; None where nothing is."""
        if self._content is None:
            return None
        return required_part(schema_of(self._content[1]), example(self._content[1], sent=True))

    def _body_flags(self) -> list[tuple[str, str]]:
        sent = self._body()
        if not isinstance(sent, dict) or not all(map(_is_simple, sent.items())):
            return [("--input", _BODY_FILE)] if self._content else []
        return [
            ("-f", f"{name}={value}") if isinstance(value, str) else ("-F", f"{name}={json.dumps(value)}")
            for name, value in sent.items()
        ]


def _placeholder(parameter: re.Match[str]) -> str:
    return re.sub(r"\W+", "_", parameter[1], flags=re.ASCII).strip("_").upper()[:40] or "ID"


def _query(operation: Json) -> str:
    """The parameters that have to be there; of a list that needs none, the size of a page."""
    offered = [each for each in parameters(operation) if each.get("in") == "query"]
    needed = {each["name"]: _spelt(each) for each in offered if each.get("required") is True}
    if not needed and any(each["name"] == contract.PAGE_SIZE for each in offered):
        needed = {contract.PAGE_SIZE: str(_PAGE)}
    pairs = (f"{quote(name, safe='[]')}={quote(value, safe=',:')}" for name, value in needed.items())
    return "?" + "&".join(pairs) if needed else ""


def _spelt(parameter: Json) -> str:
    value = example(parameter, sent=True)
    if isinstance(value, list):
        value = value[0] if value else ""
    return text(value) or json.dumps(value)


def _is_simple(member: tuple[str, Any]) -> bool:
    """Whether -f or -F says it: -F takes a number with a fraction for text."""
    name, value = member
    sayable = not isinstance(value, dict | list | float)
    return re.fullmatch(r"[\w-]{1,100}", name, re.ASCII) is not None and sayable


def _line(*words: str) -> str:
    return " ".join(map(quoted, words))
