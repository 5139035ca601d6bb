"""A secret in an answer is hidden, however JSON spells it."""

import json
import re
from typing import Final
from urllib.parse import quote

from astalty_cli.base.secret import Secret

HIDDEN: Final = "[secret]"  # as the service itself writes it
# What JSON may write as an escape and need not, in JSON within strings of JSON too. From a run's first
# backslash on: from each of them would take quadratic time.
_ESCAPE = re.compile(rb"(?<!\\)\\+(?:u00([2-7][0-9a-fA-F])|/)")

_PLAIN: Final = {b"/": b"/"} | {
    spelled.encode(): json.dumps(chr(code))[1:-1].encode()
    for code in range(0x20, 0x80)
    for spelled in {f"{code:02x}", f"{code:02X}", f"{code:02x}".capitalize()}
}


def spelling_of(secret: Secret) -> re.Pattern[bytes] | None:
    """A pattern of this very secret, as it is, as a JSON string holds it and as a URL does.

    None for what is too short to be a key: it may be in any text.
    """
    return re.compile(b"".join(map(_spellings, secret.reveal()))) if secret.last_four else None


def _spellings(char: str) -> bytes:
    if char.isascii() and char.isalnum():
        return char.encode()
    in_a_url = quote(char, safe="")
    forms = dict.fromkeys((char, json.dumps(char)[1:-1], in_a_url, in_a_url.lower()))
    return b"(?:%b)" % b"|".join(re.escape(form.encode()) for form in forms)


def hidden(data: bytes, secret: re.Pattern[bytes] | None) -> bytes:
    """The same text without what the pattern finds; as it came, where there is nothing to find."""
    if secret is None:
        return data
    data = _without(secret, data)
    if b"\\" in data and secret.search(plain := _unescaped(data)):
        return _without(secret, plain)
    return data


def _without(secret: re.Pattern[bytes], data: bytes) -> bytes:
    return secret.sub(HIDDEN.encode(), data) if secret.search(data) else data


def _unescaped(data: bytes) -> bytes:
    """In one buffer: `sub` first makes a list of all the pieces, of which there may be millions."""
    plain, done = bytearray(), 0
    for escape in _ESCAPE.finditer(data):
        plain += data[done : escape.start()] + _PLAIN[escape[1] or b"/"]
        done = escape.end()
    plain += data[done:]
    return bytes(plain)
