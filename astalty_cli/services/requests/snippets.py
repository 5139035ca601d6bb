"""A request of the history as a command that makes it again: for curl, for httpie, in Python.

The commands are ASCII, on lines that no terminal and no CI runner obeys. The key is read from the
environment when they run; for curl and httpie it goes through a pipe, since every user of a machine can
read the arguments of a program.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw

from astalty_cli.api.models import ApiRequest, Exchange
from astalty_cli.base import shell_words
from astalty_cli.base.errors import RefusedError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.vocabulary import API_KEY

# What belongs to the one connection, to whoever called, or to the proxies in between; and what must never
# be repeated unasked: with the same Idempotency-Key the service would answer from memory.
_LEFT_OUT = re.compile(
    r"authorization|proxy-.*|cookie2?|host|content-length|content-encoding|user-agent|connection|keep-alive"
    r"|accept-encoding|te|trailer|transfer-encoding|upgrade|expect|forwarded|x-forwarded-.*|x-real-ip|via"
    r"|cf-.*|x-amz.*|x-request-id|traceparent|tracestate|idempotency-key",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_HEADER = re.compile(r"[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?")  # printable, and no backslash
_PATH = re.compile(r"/[!-~]*")
_DOTS = re.compile(r"/\.{1,2}(?=/|$)")


@dataclass(frozen=True)
class Call:
    """`body` is None if nothing was sent. `authorized`: the call was made with a key."""

    method: str
    url: str
    headers: dict[str, str]
    authorized: bool
    body: str | None


def call_of(entry: bytes, base_url: str) -> Call:
    """Raises RefusedError for a request that is not in the history as it was sent."""
    try:
        logged = msgspec.json.decode(entry, type=ApiRequest)
        sent = logged.request or Exchange(Raw(b"{}"), Raw(b"null"), truncated=False)
        headers = _headers(msgspec.json.decode(sent.headers))
        body = _body(sent)
    except JSON_DECODE_ERRORS:
        raise _refused("it is not JSON that can be read") from None
    path = quote(logged.path, safe="%/:@!$&'()*+,;=~?[]", errors="replace")
    if not _TOKEN.fullmatch(logged.method):
        raise _refused("its method is none")
    if not _PATH.fullmatch(path) or _DOTS.search(path.partition("?")[0]):
        raise _refused("its path is none that every client sends as it is")
    authorized = any(name.lower() == "authorization" for name in headers)
    kept = {name: text for name, text in headers.items() if not _LEFT_OUT.fullmatch(name)}
    _ensure_expressible(kept)
    return Call(logged.method, base_url.rstrip("/") + path, kept, authorized, body)


def _headers(logged: Any) -> dict[str, str]:
    """A header's value may be a list of strings; PHP logs no headers as an empty list."""
    if not isinstance(logged, dict):
        return {}
    values = {name: value if isinstance(value, list) else [value] for name, value in logged.items()}
    return {name: ", ".join(str(each) for each in value) for name, value in values.items() if any(value)}


def _ensure_expressible(headers: dict[str, str]) -> None:
    for name, value in headers.items():
        if not (_TOKEN.fullmatch(name) and _HEADER.fullmatch(value)):
            raise _refused("one of its headers cannot be written in a command")


def _body(sent: Exchange) -> str | None:
    if sent.truncated:
        raise _refused("its body was cut by the service")
    raw = bytes(sent.body)
    if raw == b"null":
        return None
    text = str(msgspec.json.decode(raw)) if raw.startswith(b'"') else _ascii(raw.decode())
    if re.search("[\0\ufffd\ud800-\udfff]", text):
        raise _refused("its body is not text")
    return text


def _ascii(json_text: str) -> str:
    return re.sub(r"[^\0-~]", lambda match: json.dumps(match[0])[1:-1], json_text)


def _refused(why: str) -> RefusedError:
    return RefusedError(
        f"This request cannot be repeated: {why}.", hint="See what there is: astalty history show ID --json"
    )


# -- for a shell ---------------------------------------------------------------------------------


def curl(call: Call, *, ca_file: str | None = None) -> str:
    words = ["curl"]
    words += ["--globoff"] if re.search(r"[\[\]{}]", call.url) else []
    words += ["--head"] if call.method == "HEAD" else [f"--request {_quoted(call.method)}"]
    lines = [" ".join(words), _quoted(call.url)]
    lines += [f"--cacert {_quoted(ca_file)}"] if ca_file else []
    lines += ["--header @-"] if call.authorized else []
    lines += [f"--header {_quoted(f'{name}: {value}')}" for name, value in call.headers.items()]
    lines += [] if call.body is None or _has_content_type(call) else ["--header Content-Type:"]
    lines += [] if call.body is None else [f"--data-raw {_quoted(call.body)}"]
    return _piped("Authorization: Bearer %s", call, lines)


def on_one_line(command: str) -> str:
    """The same command for what has no line breaks, such as TSV; in what it quotes there are none."""
    return re.sub(r"(?: \\)?\n +", " ", command)


def httpie(call: Call) -> str:
    lines = ["http --ignore-stdin --ignore-netrc", f"{_quoted(call.method)} {_quoted(call.url)}"]
    lines += ["Authorization:@/dev/stdin"] if call.authorized else []
    lines += [_quoted(f"{name}: {value}") for name, value in call.headers.items()]
    lines += [] if call.body is None or _has_content_type(call) else ["Content-Type:"]
    lines += [] if call.body is None else [f"--raw={_quoted(call.body)}"]
    return _piped("Bearer %s", call, lines)


def _has_content_type(call: Call) -> bool:
    return any(name.lower() == "content-type" for name in call.headers)


def _piped(form: str, call: Call, lines: list[str]) -> str:
    pipe = f"printf '{form}' \"${API_KEY}\" |\n  " if call.authorized else ""
    return pipe + " \\\n    ".join(lines)


def _quoted(text: str) -> str:
    return shell_words.quoted(text, ascii_only=True)


# -- in Python -----------------------------------------------------------------------------------


def python(call: Call) -> str:
    return "\n".join(_python(call))


def _python(call: Call) -> Iterator[str]:
    yield from ("import os", "", "import httpx", "") if call.authorized else ("import httpx", "")
    yield "response = httpx.request("
    yield f"    {_literal(call.method)},"
    yield f"    {_literal(call.url)},"
    yield "    headers={"
    if call.authorized:
        yield f'        "Authorization": "Bearer " + os.environ["{API_KEY}"],'
    for name, value in call.headers.items():
        yield f"        {_literal(name)}: {_literal(value)},"
    yield "    },"
    if call.body is not None:
        yield f"    content={_literal(call.body)},"
    yield ")"
    yield "print(response.status_code, response.text)"


def _literal(text: str) -> str:
    literal = ascii(text).replace("##[", r"##\x5b")
    return literal if {"'", '"'} & set(text) else f'"{literal[1:-1]}"'
