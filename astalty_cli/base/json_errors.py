"""What the reading of JSON can fail with, whoever wrote it: it is none, or there is too much of it.

The parts of a text are counted before Python makes an object of each of them.
"""

import re
from itertools import islice
from typing import Final

import msgspec

JSON_DECODE_ERRORS: Final = (
    msgspec.DecodeError,  # no JSON, or of other types
    UnicodeDecodeError,  # a member's name is no UTF-8
    RecursionError,  # nested deeper than can be read
)
MAX_PARTS: Final = 500_000  # values, and containers, of what is decoded at once: up to 200 bytes each
_STRING = rb'"(?:[^"\\]++|\\(?:.|\Z))*+(?:"|\Z)'
_PART = re.compile(rb'(?:[^"\[{,]++|' + _STRING + rb")*+(?:[\[{,]|\Z)", re.DOTALL)
_MARK = re.compile(_STRING + rb"|[\[\]{},]", re.DOTALL)


class TooManyPartsError(msgspec.DecodeError):
    """It is JSON, and of more parts than are decoded."""


def ensure_decodable(data: bytes, most: int = MAX_PARTS) -> None:
    """Raises TooManyPartsError. Each value but the first of a container has a comma before it."""
    if data.count(b",") + data.count(b"[") + data.count(b"{") <= most:
        return
    if sum(1 for _ in islice(_PART.finditer(data), most + 1)) > most:
        raise TooManyPartsError(f"It has more than {most:,} parts.")


def ensure_short(array: bytes, most: int) -> None:
    """Raises TooManyPartsError for an array of more elements, whatever is in each of them."""
    commas = depth = 0
    if array.count(b",") < most:
        return
    for mark in _MARK.finditer(array):
        match mark[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b",":
                commas += depth == 1
        if commas >= most:
            raise TooManyPartsError(f"It has more than {most:,} elements.")


def indented_size(data: bytes, indent: int, most: int) -> int:
    """About how many bytes the text takes when it is indented; no more than `most` are counted."""
    size, depth = len(data), 0
    for mark in _MARK.finditer(data):
        match mark[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
            case b",":
                pass
            case _:
                continue
        size += indent * depth
        if size > most:
            break
    return size
