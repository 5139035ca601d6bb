"""What the reading of JSON can fail with, whoever wrote it and whatever went wrong on the way."""

from typing import Final

import msgspec

JSON_DECODE_ERRORS: Final = (
    msgspec.DecodeError,  # no JSON, or of other types
    UnicodeDecodeError,  # a member's name is no UTF-8
    RecursionError,  # nested deeper than can be read
)
