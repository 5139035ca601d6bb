r"""Text as a word of a command line that a person copies into a shell. Nothing else quotes for a shell.

A word means the same to bash, zsh and fish, typed or in a script: `!` is taken for the history inside double
quotes, fish reads `\` inside single ones, and a line may be pasted in parts. So what is special in quotes
stands outside of them, after a backslash.
"""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[\w@./:-][\w@%+=:,./-]*", re.ASCII)
_SPECIAL: Final = re.compile(r"(['\\!]|(?<=##)\[)")  # the last: a CI runner obeys `##[` anywhere in a line


def quoted(text: str, *, ascii_only: bool = False) -> str:
    """One word. What cannot be printed is spelled for bash, zsh and ksh; fish refuses the line."""
    if _PLAIN.fullmatch(text):
        return text
    if not text.isprintable() or (ascii_only and not text.isascii()):
        return "$'" + "".join(map(_spelled, text.encode(errors="backslashreplace"))) + "'"
    pieces = _SPECIAL.split(text)  # every second one is special
    return "".join(_piece(each, is_special=bool(at % 2)) for at, each in enumerate(pieces)) or "''"


def joined(*words: str) -> str:
    return " ".join(map(quoted, words))


def command(known: str, *arguments: str) -> str:
    """`known`, which is a command line already, with arguments from outside: none of them is an option."""
    dashes = ["--"] if any(each.startswith("-") for each in arguments) else []
    return " ".join([known, *dashes, *map(quoted, arguments)])


def _piece(text: str, *, is_special: bool) -> str:
    if is_special:
        return f"\\{text}"
    return f"'{text}'" if text else ""


def _spelled(byte: int) -> str:
    char = chr(byte)
    if char in "\n\r\t":
        return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}[char]
    return char if " " <= char <= "~" and char not in "'\\[!" else f"\\{byte:03o}"
