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
    data = secret.sub(HIDDEN.encode(), data)
    if b"\\" in data and secret.search(plain := _ESCAPE.sub(_unescaped, data)):
        return secret.sub(HIDDEN.encode(), plain)
    return data


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return json.dumps(chr(int(escape[1], 16)))[1:-1].encode() if escape[1] else b"/"
