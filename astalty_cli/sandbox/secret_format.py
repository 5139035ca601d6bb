"""How a secret is made and recognised: `astalty_`, 40 random characters, a check tail of 6.

The tail is a CRC32, so a typing error or a cut copy is seen without a look into the database, and a
scanner for leaked secrets finds ours with hardly a false alarm. Only the SHA-256 is ever stored: with
238 bits of chance in it, a secret needs no slow hash.
"""

import hashlib
import re
import secrets
import string
import zlib

from astalty_cli.api.contract import SECRET_SHAPE
from astalty_cli.base.secret import Secret

PREFIX = "astalty_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 40
_TAIL_LENGTH = 6


def new_secret() -> Secret:
    head = PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_LENGTH))
    return Secret(head + _check_tail(head))


def is_well_formed(value: str) -> bool:
    return bool(re.fullmatch(SECRET_SHAPE, value)) and value.endswith(_check_tail(value[:-_TAIL_LENGTH]))


def hash_of(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _check_tail(head: str) -> str:
    number = zlib.crc32(head.encode())
    tail = ""
    for _ in range(_TAIL_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        tail = _DIGITS[digit] + tail
    return tail
