"""One line of a `.env` file: its value is replaced, and every other byte stays as it is.

The file is read as the loaders of such files read it: in order, so that a line inside the quotes of
another value is no line; in bytes, so that what is not UTF-8 survives.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import MAX_LENGTH, Secret

_BOM: Final = b"\xef\xbb\xbf"
_ENTRY: Final = re.compile(
    rb"""
    [ \t]* (?:export[ \t]+)? (?P<name>[^=\#\s]+) [ \t]* =
    (?:[ \t]*(?=[^ \t\#\r\n]))?                                 # a lone comment's space is no value's
    (?P<value>
        (?: '(?:\\'|[^'])*' | "(?:\\.|[^"\\])*" | `(?:\\`|[^`])*` )
        (?=[ \t]*(?:\#[^\r\n]*)?(?:[\r\n]|\Z))                  # else the quote is a character of the value
      | [^\r\n]*? (?=[ \t]+\#|[ \t]*(?:[\r\n]|\Z))
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_REST_OF_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# What means itself to every loader and to a shell: by the quote around it.
_LITERAL: Final = {
    b"": re.compile(rb"[\w./:=@%+,-]+"),
    b"'": re.compile(rb"(?:(?!\$\{)[^'\\])+"),
    b'"': re.compile(rb'[^"\\$`]+'),
    b"`": re.compile(rb"[^`\\$]+"),
}


@dataclass(frozen=True)
class Dotenv:
    """The value of `name` in the file at `path`; if there is no such line or file, it is created."""

    path: Path
    name: str

    @property
    def spec(self) -> str:
        return f"dotenv:{self.path}#{self.name}"

    @property
    def readable(self) -> bool:
        return True

    @property
    def success_message(self) -> str:
        return f"The secret is {self.name} in {self.path}, which only you can read; it was read back."

    def probe(self) -> None:
        content = self._content()
        self._entry(content)
        private_files.ensure_one_name(self.path)
        private_files.ensure_writable(self.path, len(content) + len(self.name) + MAX_LENGTH)

    def held(self) -> Secret | None:
        private_files.clear_leftovers(self.path)
        entry = self._entry(self._content())
        value = _unquoted(entry["value"]) if entry else b""
        return Secret(value.decode("utf-8", "replace")) if value else None

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        with private_files.locked(self.path):  # another line of it may be written at this moment
            before = private_files.read_private(self.path)
            put = private_files.create_private if before is None else private_files.replace_private
            put(self.path, self._with(secret.reveal().encode(), before or b""))
        if self.held() != secret:
            raise LocalError(
                f"{self.path} was written, and {self.name} in it is not the secret.",
                hint="Look for quotes that are opened and not closed in it.",
            )

    def _content(self) -> bytes:
        return private_files.read_private(self.path) or b""

    def _with(self, value: bytes, content: bytes) -> bytes:
        entry = self._entry(content)
        if entry:
            start, end = entry.span("value")
            return content[:start] + self._quoted(value, _quote(entry["value"])) + content[end:]
        newline = b"\r\n" if b"\r\n" in content else b"\n"
        ended = content.removeprefix(_BOM).endswith((b"\n", b"\r")) or content in {b"", _BOM}
        line = self.name.encode() + b"=" + self._quoted(value, b"") + newline
        return content + (b"" if ended else newline) + line

    def _entry(self, content: bytes) -> re.Match[bytes] | None:
        """The one entry of this name. Raises LocalError if it is not clear which bytes to replace."""
        if b"\0" in content:
            raise self._unclear("it is not a text file in UTF-8")
        ours = [entry for entry in _entries(content) if entry["name"] == self.name.encode()]
        if len(ours) > 1:
            raise self._unclear(f"{self.name} is in it {len(ours)} times")
        if ours and re.search(rb"[\r\n]", ours[0]["value"]):
            raise self._unclear(f"the value of {self.name} spans several lines")
        return ours[0] if ours else None

    def _unclear(self, why: str) -> LocalError:
        return LocalError(f"Cannot put the secret into {self.path}: {why}.", hint="Fix the file first.")

    def _quoted(self, value: bytes, quote: bytes) -> bytes:
        """The value in quotes that keep it as it is: those of before if they do."""
        for each in (quote, b"'", b'"'):
            if _LITERAL[each].fullmatch(value):
                return each + value + each
        raise self._unclear("no quotes keep this secret as it is")


def _entries(content: bytes) -> Iterator[re.Match[bytes]]:
    position = len(_BOM) if content.startswith(_BOM) else 0
    while position < len(content):
        entry = _ENTRY.match(content, position)
        if entry:
            yield entry
        rest = _REST_OF_LINE.match(content, entry.end() if entry else position)
        position = rest.end() if rest else len(content)


def _quote(value: bytes) -> bytes:
    quoted = len(value) >= 2 and value[:1] == value[-1:] and value[:1] in _LITERAL
    return value[:1] if quoted else b""


def _unquoted(value: bytes) -> bytes:
    return value[1:-1] if _quote(value) else value
