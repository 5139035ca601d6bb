"""The one gate for text that came from outside: what it lets through cannot drive a terminal.

Rules from shared advisories: escape sequences in server text reach the user's terminal
(kubectl, CVE-2021-25743), `::` and `##[` at a line's start are commands to a CI runner
(GitHub Actions, CVE-2020-15228), and a spreadsheet runs cells that start like a formula.
"""

import re
import unicodedata
from collections.abc import Callable

# What a CI runner may take for the end of a line, and what it may pass over before a command.
_LINE_ENDS = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_PASSED_OVER = r"[\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
_LINE_START = re.compile(rf"(?:\A|[{_LINE_ENDS}]){_PASSED_OVER}*+(?:::)?")
_OLD_WORKFLOW_COMMAND = re.compile(r"##(?=\[)")
# Printable to Python, and nothing to be seen: fillers, joiners, selectors (Unicode: Default_Ignorable).
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0d\uffa0\U000e0100-\U000e01ef]"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Spellings(dict[int, str]):
    """How each character is written, for `str.translate`: found once, since a text may hold millions."""

    _MOST = 65_536  # characters that are remembered

    def __init__(self, spell: Callable[[str], str]) -> None:
        super().__init__()
        self._spell = spell

    def __missing__(self, code: int) -> str:
        spelled = self._spell(chr(code))
        if len(self) < self._MOST:
            self[code] = spelled
        return spelled


def visible(text: str, *, lines: bool = False) -> str:
    """Spell out what a terminal would obey or hide: controls, C1, bidi, zero width, surrogates.

    `lines`: newlines may stay, as in a body of several lines.
    """
    if text.isprintable() and not _HIDDEN.search(text):
        return text
    return text.translate(_IN_LINES if lines else _IN_ONE_LINE)


def _harmless(char: str) -> bool:
    # A wide or unbroken space is not "printable" to Python, but it is ordinary text in a CJK name.
    return (char.isprintable() and not _HIDDEN.match(char)) or unicodedata.category(char) == "Zs"


def _spelled(char: str) -> str:
    code = ord(char)
    if char in "\n\r\t":
        return {"\n": r"\n", "\r": r"\r", "\t": r"\t"}[char]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_IN_ONE_LINE = Spellings(lambda char: char if _harmless(char) else _spelled(char))
_IN_LINES = Spellings(lambda char: char if char == "\n" or _harmless(char) else _spelled(char))


def visible_lines(text: str) -> str:
    """As `visible`, for a text of several lines: newlines stay, a tab becomes spaces."""
    return visible(text.replace("\r\n", "\n").expandtabs(4), lines=True)


def defuse_formula(cell: str) -> str:
    """Keep a spreadsheet from running a cell: a leading `'` if it starts like a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def defuse_workflow_commands(text: str) -> str:
    """Keep a CI runner from obeying a line: a backslash before `::` at its start, and into any `##[`."""
    if "::" in text:
        text = _LINE_START.sub(_defused_start, text)
    return _OLD_WORKFLOW_COMMAND.sub(r"##\\", text)


def _defused_start(match: re.Match[str]) -> str:
    start = match[0]
    return f"{start[:-2]}\\::" if start.endswith("::") else start


class WorkflowLog:
    """A stream of text whose pieces are written one after the other: a command may begin in one of them."""

    def __init__(self) -> None:
        self._before = ""  # of the line so far, what a command could begin with

    def defused(self, text: str) -> str:
        """The next piece, such that the runner obeys no line of all that were written."""
        for begun in ("::", "##["):
            for at in range(1, len(begun)):
                if self._before.endswith(begun[:at]) and text.startswith(begun[at:]):
                    text = f"{begun[at:-1]}\\{begun[-1]}{text[len(begun) - at :]}"
        safe = defuse_workflow_commands(text)
        self._before = (self._before + safe)[-2:]
        return safe
