"""How a secret is created and recognised, in either of two styles that may live in one database.

`astalty_`, 40 random characters and a check tail of 6; or, as Laravel Sanctum makes them, a number, `|`, 40
random characters and their CRC32. The part behind `|` works alone too. The check tail shows a typing error or
a cut copy without a look into the database. Only the SHA-256 is ever stored: with 238 bits of chance in it, a
secret needs no slow hash.
"""

import hashlib
import re
import secrets
import string
import zlib

from astalty_cli.base.hiding import hide_bytes
from astalty_cli.base.secret import Secret
from astalty_cli.base.secret_patterns import SANDBOX_SECRET
from astalty_cli.base.vocabulary import HIDDEN, KeyStyle

PREFIX = "astalty_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 40
_TAIL_LENGTH = 6
_SANCTUM = re.compile(r"(?:[1-9][0-9]{0,17}\|)?([0-9A-Za-z]{40})([0-9a-f]{8})")
_ALONE = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]{40}[0-9a-f]{8}(?![0-9A-Za-z])")


def new_secret(style: KeyStyle = KeyStyle.ASTALTY, number: int = 1) -> Secret:
    """Create a secret; in Sanctum's format, it begins with `number`."""
    random = "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_LENGTH))
    if style is KeyStyle.SANCTUM:
        return Secret(f"{number}|{random}{_crc32(random)}")
    head = PREFIX + random
    return Secret(head + _check_tail(head))


def is_well_formed(value: str) -> bool:
    if sanctum := _SANCTUM.fullmatch(value):
        return sanctum[2] == _crc32(sanctum[1])
    return bool(re.fullmatch(SANDBOX_SECRET, value)) and value.endswith(_check_tail(value[:-_TAIL_LENGTH]))


def number_of(value: str) -> int | None:
    """The number that stands before a secret of Sanctum's, if there is one."""
    found = re.match(r"([0-9]{1,18})\|", value)
    return int(found[1]) if found else None


def hash_of(value: str) -> bytes:
    """The hash of a secret, without the number that may stand before it."""
    return hashlib.sha256(value.rpartition("|")[2].encode()).digest()


def without_secrets(data: bytes, used: str = "") -> bytes:
    """A text with `[secret]` for whatever is or looks like one, and for the one that was `used`."""
    return _ALONE.sub(
        lambda found: HIDDEN.encode() if is_well_formed(found[0].decode()) else found[0],
        hide_bytes(data, also=used),
    )


def _check_tail(head: str) -> str:
    number = zlib.crc32(head.encode())
    tail = ""
    for _ in range(_TAIL_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        tail = _DIGITS[digit] + tail
    return tail


def _crc32(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
