"""A secret in an answer is hidden, however JSON spells it."""

import json
import re
from typing import Final

HIDDEN: Final = "[secret]"  # as the service itself writes it
# What JSON may write as an escape and need not; a backslash that is one itself is passed over with it.
_ESCAPE = re.compile(rb"\\(?:u00([2-7][0-9a-fA-F])|(/)|.)", re.DOTALL)


def spelling_of(secret: str) -> re.Pattern[bytes]:
    """A pattern of this very secret, as it is and as a JSON string has to hold it."""
    return re.compile(b"|".join(re.escape(text.encode()) for text in {secret, json.dumps(secret)[1:-1]}))


def hidden(data: bytes, secret: re.Pattern[bytes]) -> bytes:
    """The same text without what the pattern finds; as it came, where there is nothing to find."""
    data = secret.sub(HIDDEN.encode(), data)
    if b"\\" in data and secret.search(plain := _ESCAPE.sub(_unescaped, data)):
        return secret.sub(HIDDEN.encode(), plain)
    return data


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[2]:
        return b"/"
    char = chr(int(escape[1], 16)) if escape[1] else "\\"
    return escape[0] if char in '"\\' or not char.isprintable() else char.encode()
