"""How a secret may be spelled in JSON, URLs, HTML and base64, and texts without any spelling of one."""

import re
from binascii import b2a_base64
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Final

from astalty_cli.base.vocabulary import HIDDEN

_PIECE: Final = 128  # characters
_HALF: Final = 12  # characters from which the start of a secret is hidden
_MARKER: Final = HIDDEN.encode()

_CHARS = re.compile(r"\\++|.")
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]+")
# A letter or a digit that is spelled as an escape without need.
_WORD_CODE = "(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"
_ESCAPE_SIGNS: Final = (b"%", b"u00", b"&#", b"&amp;")
_ESCAPED = re.compile(f"%(?:25)*+{_WORD_CODE}|u00{_WORD_CODE}|&(?:amp;)*+#".encode())
# A letter, a digit or another character of a key, escaped without need; from a run's first backslash on.
_JSON_ESCAPE = re.compile(rb"(?<!\\)\\+u00(3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Cc])")
_ENTITIES: Final = {
    '"': "quot", "&": "amp", "'": "(?:apos|#039)", "<": "lt", ">": "gt", "|": "(?:vert|verbar|VerticalLine)",
    "#": "num", "$": "dollar", "/": "sol", "+": "plus", "_": "(?:lowbar|UnderBar)", "=": "equals",
}  # fmt: skip
_BOTH_ALPHABETS: Final = {"+": "-", "/": "_"}  # of base64


class _Spelling:
    """A text in all the ways that JSON, URLs and HTML may spell it, also one within the other."""

    def __init__(self, text: str, *, is_base64: bool = False) -> None:
        self._text, self._is_base64 = text, is_base64
        core = _core(text).encode()
        self._cores = (core,) if is_base64 else tuple({core, core.lower(), core.upper()})

    def hide(self, data: bytes, *, is_escaped: bool) -> bytes:
        """The pattern is tried only if the longest word of the text is there, or may be."""
        if not is_escaped and not any(core in data for core in self._cores):
            return self._without_start(data)
        shown, done, position = bytearray(), 0, 0
        start, *rest = self._patterns
        while found := start.search(data, position):
            position = end = found.end()
            for each in rest:
                part = each.match(data, end)
                if part is None:
                    break
                end = part.end()
            else:
                shown += data[done : found.start()] + _MARKER
                done = position = end
        return self._without_start(bytes(shown + data[done:]) if done else data)

    def _without_start(self, data: bytes) -> bytes:
        """A text may be cut anywhere: without what the end of it has of this one."""
        whole = self._text.encode()
        at = data.find(whole[:_HALF], max(0, len(data) - len(whole)))
        return data[:at] + _MARKER if at >= 0 and whole.startswith(data[at:]) else data

    @cached_property
    def _patterns(self) -> list[re.Pattern[bytes]]:
        """One after the other: to compile one long pattern takes seconds."""
        text, size = self._text, _PIECE
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        return [re.compile("".join(map(self._one, _CHARS.findall(each))).encode()) for each in pieces]

    def _one(self, char: str) -> str:
        if char.startswith("\\"):  # however many: in each layer of escapes there are twice as many
            plain, *escaped = _spelled(char[0])
            return rf"(?:{'|'.join(escaped)}|{plain}(?!u00))++"
        same = {char} if self._is_base64 else {char, char.lower(), char.upper()}
        if self._is_base64 and char in _BOTH_ALPHABETS:
            same.add(_BOTH_ALPHABETS[char])
        return f"(?:{'|'.join(each for char in sorted(same) for each in _spelled(char))})"


def _core(text: str) -> str:
    """The longest word in it: only letters and digits, which most spellings leave as they are."""
    return max(_ALPHANUMERIC.findall(text), key=len, default="")


def _spelled(char: str) -> Iterable[str]:
    """Bounded, so that a run of backslashes takes no quadratic time."""
    code = ord(char)
    plain = re.escape(char)
    yield plain
    if not char.isalnum() and char != "\\":
        yield rf"\\{{1,16}}{plain}"
    high, low = (f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in f"{code:02x}")
    yield rf"\\{{1,16}}u00{high}{low}"
    yield rf"%(?:25){{0,4}}{high}{low}"
    yield rf"&(?:amp;){{0,4}}#(?:0*+{code}|[xX]0*+{high}{low});"
    if char in _ENTITIES:
        yield rf"&(?:amp;){{0,4}}{_ENTITIES[char]};"


def parts(secret: str) -> list[str]:
    """All of it, what is behind its `|`, which may do alone, and its longest word."""
    return list(dict.fromkeys((secret, secret.partition("|")[2], _core(secret))))


def without(texts: Iterable[str], data: bytes) -> bytes:
    """The data without any spelling of these texts; as it came, if there is none in it."""
    is_escaped = any(sign in data for sign in _ESCAPE_SIGNS) and bool(_ESCAPED.search(data))
    for text in texts:
        for spelling in _spellings(text):
            data = spelling.hide(data, is_escaped=is_escaped)
    return data


@cache
def _spellings(text: str) -> list[_Spelling]:
    return [_Spelling(text), *(_Spelling(each, is_base64=True) for each in _base64(text))]


def _base64(text: str) -> Iterable[str]:
    """What is the same of it in every base64 text that it is part of, at each of the three offsets."""
    for before, start in ((0, 0), (1, 2), (2, 3)):
        encoded = b2a_base64(bytes(before) + text.encode(), newline=False).decode()
        yield encoded[start : (before + len(text)) * 8 // 6]


def unescaped(data: bytes) -> bytes | None:
    """JSON with its letters and digits spelled plainly; None if it spells them so already."""
    if not _JSON_ESCAPE.search(data):
        return None
    # In one buffer: `sub` first makes a list of all the pieces, of which there may be millions.
    plain, done = bytearray(), 0
    for escape in _JSON_ESCAPE.finditer(data):
        plain += data[done : escape.start()] + bytes([int(escape[1], 16)])
        done = escape.end()
    return bytes(plain + data[done:])
