"""What must never be printed, stored, logged or used as a name: one gate for every way out.

Secrets have no shape that could be relied on. So what is hidden is every secret that this process has seen,
in each spelling of it, and by rule what looks like one (`secret_patterns.py`, loaded when there is a text).
"""

import itertools
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Final

from astalty_cli.base.vocabulary import HIDDEN

SHORTEST: Final = 16  # characters; what is shorter may be part of any text
_PIECE: Final = 128  # characters
_HALF: Final = 12  # characters from which the start of a secret is hidden
_MARKER: Final = HIDDEN.encode()

_CHARS = re.compile(r"\\++|.")
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z]+")
# A letter or a digit that is spelled as an escape, which nobody needs to do.
_WORD_CODE = "(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"
_ESCAPE_SIGNS: Final = (b"%", b"u00", b"&#", b"&amp;")
_ESCAPED = re.compile(f"%(?:25)*+{_WORD_CODE}|u00{_WORD_CODE}|&(?:amp;)*+#".encode())
# A letter, a digit or what stands in a key, as JSON need not spell it; from a run's first backslash on.
_JSON_ESCAPE = re.compile(rb"(?<!\\)\\+u00(3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Cc])")
_LONG_WORD = re.compile(rb"[!-~]{16,}")
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


_seen: dict[str, list[_Spelling]] = {}
_more_secrets: list[Callable[[], object]] = []  # at most one


def see(secret: str) -> None:
    """Hide this secret from now on, its longest word, and what is behind its `|`, which may do alone."""
    if len(secret) >= SHORTEST and secret not in _seen and secret.isascii():
        _seen[secret] = _spellings(secret)


def _spellings(secret: str) -> list[_Spelling]:
    long = [part for part in (secret, secret.partition("|")[2], _core(secret)) if len(part) >= SHORTEST]
    parts = list(dict.fromkeys(long))
    encoded = [each for part in parts for each in _base64(part)]
    return [*map(_Spelling, parts), *(_Spelling(each, is_base64=True) for each in encoded)]


def _base64(text: str) -> Iterable[str]:
    """What is the same of it in every base64 text that it is part of, at each of the three offsets."""
    for before, start in ((0, 0), (1, 2), (2, 3)):
        encoded = b2a_base64(bytes(before) + text.encode(), newline=False).decode()
        yield encoded[start : (before + len(text)) * 8 // 6]


def see_later(load: Callable[[], object]) -> None:
    """Call this before a text is looked at that may hold a secret; it calls `see` for those on the disk."""
    _more_secrets[:] = [load]


def hide_seen(data: bytes, *, also: str = "") -> bytes:
    """The text without the secrets that were seen; as it came, if there are none in it."""
    known = [*_seen.values(), *([_spellings(also)] if len(also) >= SHORTEST and also not in _seen else [])]
    if known:
        is_escaped = any(sign in data for sign in _ESCAPE_SIGNS) and bool(_ESCAPED.search(data))
        for spelling in itertools.chain(*known):
            data = spelling.hide(data, is_escaped=is_escaped)
    return data


def hide(text: str) -> str:
    """The text without a secret: those that were seen, and what looks like one."""
    data = text.encode("utf-8", "surrogatepass")
    shown = hide_bytes(data)
    return text if shown == data else shown.decode("utf-8", "surrogatepass")


def hide_bytes(data: bytes, *, also: str = "") -> bytes:
    """As `hide`; JSON stays JSON. `also` is a secret to hide this time only."""
    if not _LONG_WORD.search(data):
        return data
    from astalty_cli.base.secret_patterns import without_credentials, without_tokens

    while _more_secrets:
        _more_secrets.pop()()
    shown = without_credentials(without_tokens(hide_seen(data, also=also)))
    if _JSON_ESCAPE.search(shown):
        plain = _unescaped(shown)
        hidden = without_credentials(without_tokens(plain))
        return shown if hidden == plain else hidden
    return shown


def _unescaped(data: bytes) -> bytes:
    """In one buffer: `sub` first makes a list of all the pieces, of which there may be millions."""
    plain, done = bytearray(), 0
    for escape in _JSON_ESCAPE.finditer(data):
        plain += data[done : escape.start()] + bytes([int(escape[1], 16)])
        done = escape.end()
    return bytes(plain + data[done:])


def hide_listed(data: bytes) -> bytes:
    """Less than `hide_bytes`, and fast: what has the shape of a key, and credentials in query strings."""
    from astalty_cli.base.secret_patterns import without_queried, without_tokens

    return without_queried(without_tokens(data))


def hide_value(name: str, value: str) -> str:
    """As `hide`, for a value that goes by a name, such as that of a header."""
    start = f"{name}: "
    shown = hide(start + value)
    return shown.removeprefix(start) if shown.startswith(start) else HIDDEN


def hide_typed(text: str) -> str:
    """As `hide`, for what may repeat what was typed: a key typed in the wrong place is not echoed.

    Of what could be one, the last four characters stay.
    """
    from astalty_cli.base.secret_patterns import without_long_words

    return without_long_words(hide(text)) if len(text) >= SHORTEST else text


def contains_secret(text: str) -> bool:
    """Whether a text that others can read, such as a name, must be refused."""
    from astalty_cli.base.secret_patterns import has_random_word

    return hide(text) != text or has_random_word(text)
