"""Secrets out of a history entry: the values of credentials, and whatever looks like a secret.

It works on the JSON text itself and never decodes the whole: what is not hidden stays byte for byte what
the server sent, however spoilt, deep or cut. Inside of texts it looks for JSON, forms, query strings,
headers and XML, also where they end in the middle.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import msgspec
from msgspec import Raw

from astalty_cli.api.models import ApiRequest
from astalty_cli.base.hiding import hide_seen
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.secret_patterns import (
    HIDDEN,
    is_credential,
    may_stay,
    without_shapes,
)

if TYPE_CHECKING:
    from astalty_cli.api.answers import Row

_MAX_ENTRY = 2 * 1024 * 1024  # bytes: twice what two bodies of MAX_LOGGED_BODY take, however they are spelled
_MAX_FIELD = 64 * 1024  # bytes that stay of a larger entry's field
_SIDES = ("request", "response")
_HIDDEN_SIDE = {"headers": HIDDEN, "body": HIDDEN, "truncated": True}
_PEEK = 64  # characters: a marker and the quotes before it
_MAX_DEPTH = 8  # texts within texts; what is deeper nobody means to be read

_STRING = r'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)'
_TOKEN = re.compile(rf"(?P<string>{_STRING})(?P<colon>\s*:\s*)?|[\[{{\]}}]", re.DOTALL)
_SCALAR = re.compile(rf"{_STRING}|[^\s,\]}}\[{{]*", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.)|\Z)", re.DOTALL)
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"} | {char: char for char in '"\\/'}

_NAME = r"[\w%.\-\[\]+$]"
_BARE = rf"(?<!{_NAME})(?P<name>{_NAME}++)"
_FORM_BODY = re.compile(rf"{_NAME}++=")
_FORM_PAIR = re.compile(rf"{_BARE}=")
_TO_BLANK, _TO_AMPERSAND = re.compile(r"[^&\s]*"), re.compile(r"[^&]*")
_ENCODED = re.compile(r"[^&\s=%]*+%[^&\s=]*+")
# How a text may say "name" and then its value. Bodies are made to be slow: each pattern is linear, since
# nothing is tried again (`++`) or from the middle of a run (`(?<!`), and a line of a header has a longest.
_PAIRS = [
    (re.compile(head, re.MULTILINE), re.compile(value, re.DOTALL))
    for head, value in (
        (rf"""(?:(?:(?<!\\)\\++)?["'](?P<quoted>[^"'\\\n]++)\\*+["']|{_BARE}(?=\s*+[:=]>?\s*+\\*+["']))\s*+[:=]>?\s*+""",
         rf"""{_STRING}|'(?:[^'\\]|\\.)*+'?|(?P<q>\\+["']).*?(?:(?<!\\)(?P=q)|\Z)|[\[{{].*|[^\s,;&}})\]]*"""),
        (rf"(?:^|[,;{{(])[ \t]*+{_BARE}[ \t]*+:[ \t]*+(?=[^\s\"'])", r"[^\r\n]*+"),
        (r"<(?:\w++:)?(?P<name>[\w.-]++)(?:\s[^<>]*+)?>", r"(?:<!\[CDATA\[.*?(?:\]\]>|\Z)|[^<]++)*+"),
        (r'\bname="(?P<name>[^"\n]*+)"[^\n]{0,1000}+\n(?:[^\r\n]{1,1000}+\r?\n){0,8}+\r?\n',
         r".*?(?=\r?\n--|\Z)"),
    )
]  # fmt: skip


def redacted(entry: bytes) -> bytes:
    """The entry (JSON text of an ApiRequest) with every secret in it replaced by a marker.

    Of one that is larger than any that the service keeps, bodies and headers are hidden whole.
    """
    entry = hide_seen(entry)
    if len(entry) > _MAX_ENTRY:
        entry = _cut_down(entry)
    text = entry.decode("utf-8", "surrogateescape")
    return _in_json(text, own=frozenset(ApiRequest.__struct_fields__)).encode("utf-8", "surrogateescape")


def storable(row: Row[ApiRequest]) -> Row[ApiRequest]:
    """An entry as it may be written to a disk: its headers and bodies without any secret."""
    if row.value.request is None and row.value.response is None:
        return row
    return row._replace(raw=redacted(row.raw))


def _cut_down(entry: bytes) -> bytes:
    try:
        members = msgspec.json.decode(entry, type=dict[str, Raw])
    except JSON_DECODE_ERRORS:
        return json.dumps(HIDDEN).encode()
    small = {
        name: value if len(bytes(value)) <= _MAX_FIELD else _HIDDEN_SIDE if name in _SIDES else HIDDEN
        for name, value in members.items()
        if name in ApiRequest.__struct_fields__
    }
    return msgspec.json.encode(small)


def hidden(before: str, after: str) -> int:
    """How many values the redaction of `before` took out of `after`."""
    return 0 if before == after else max(1, after.count(HIDDEN) - before.count(HIDDEN))


# -- JSON ----------------------------------------------------------------------------------------


def _in_json(text: str, *, own: frozenset[str] = frozenset(), nested: int = 0) -> str:
    """Walk over JSON text, whole or cut. What is in `own` names no secret in the outermost object."""
    parts: list[str] = []
    done = position = depth = 0
    while match := _TOKEN.search(text, position):
        start, position = match.span()
        if match["string"] is None:
            depth += 1 if match[0] in "[{" else -1
            continue
        parts += [text[done:start], _string(match["string"], nested), match["colon"] or ""]
        done = position
        name = _plain(match["string"]) if match["colon"] else ""
        if not is_credential(name) or (depth == 1 and name in own):
            continue
        position = _end_of_value(text, done)
        if position > done and not may_stay(name, text[done:position]):
            parts.append(f'"{HIDDEN}"')
            done = position
    return "".join([*parts, text[done:]])


def _end_of_value(text: str, start: int) -> int:
    if not text.startswith(("[", "{"), start):
        match = _SCALAR.match(text, start)
        return match.end() if match else start
    depth = 0
    for match in _TOKEN.finditer(text, start):
        if match["string"] is None:
            depth += 1 if match[0] in "[{" else -1
            if depth == 0:
                return match.end()
    return len(text)


def _string(token: str, nested: int) -> str:
    plain = _plain(token)
    shown = _in_text(plain, nested)
    if shown == plain:
        return token
    return json.dumps(shown)[: None if token.endswith('"') else -1]


def _plain(token: str) -> str:
    """What a JSON string says, also one with escapes that JSON does not know."""
    inner = token[1:].removesuffix('"')
    return _ESCAPE.sub(_unescaped, inner) if "\\" in inner else inner


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _SHORT.get(match[2], match[0])


# -- any text ------------------------------------------------------------------------------------


def _in_text(text: str, nested: int) -> str:
    if nested >= _MAX_DEPTH:
        return HIDDEN
    shown = text
    if '"' in text and text.lstrip().startswith(("{", "[")):
        shown = _in_json(shown, nested=nested + 1)
    if any(mark in text for mark in ":=>"):
        for head, value in _PAIRS:
            shown = _in_pairs(shown, head, value)
    if "=" in text:
        shown = _in_form(shown, nested)
    return without_shapes(shown)


def _in_pairs(text: str, head: re.Pattern[str], value: re.Pattern[str]) -> str:
    parts: list[str] = []
    done = position = 0
    while match := head.search(text, position):
        position = match.end()
        name = match.groupdict().get("quoted") or match["name"]
        if _is_hidden(text, position) or not is_credential(unquote_plus(name)):
            continue
        said = value.match(text, position)
        if said and said[0] and not may_stay(name, said[0]):
            quote = said[0][0] if said[0][0] in "\"'" else ""
            parts += [text[done:position], quote + HIDDEN + quote]
            done = position = said.end()
    return "".join([*parts, text[done:]])


def _in_form(text: str, nested: int) -> str:
    """Query strings and form bodies: a value ends at an `&`; in other texts, at a blank as well."""
    end = _TO_AMPERSAND if _FORM_BODY.match(text) else _TO_BLANK
    parts: list[str] = []
    done = position = 0
    while match := _FORM_PAIR.search(text, position):
        position = match.end()
        if _is_hidden(text, position):
            continue
        known = is_credential(name := unquote_plus(match["name"]))
        said = end.match(text, position) if known else _ENCODED.match(text, position)
        if said and said[0] and not (may_stay(name, said[0]) if known else _is_clean(said[0], nested)):
            parts += [text[done:position], HIDDEN]
            done = position = said.end()
    return "".join([*parts, text[done:]])


def _is_hidden(text: str, position: int) -> bool:
    """Whether a marker stands there already: what follows, to its end, is not looked at again for each."""
    return text[position : position + _PEEK].lstrip("\\\"'").startswith(HIDDEN)


def _is_clean(encoded: str, nested: int) -> bool:
    plain = unquote_plus(encoded)
    return _in_text(plain, nested + 1) == plain
