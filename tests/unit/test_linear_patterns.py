"""Every pattern that meets text from outside takes time in proportion to the text.

What takes long for a text is tried with one that is eight times as long: where it is linear that takes eight
times as long, and where it is quadratic 64 times.
"""

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import astalty_cli

Pattern = re.Pattern[str] | re.Pattern[bytes]

LENGTH, TIMES = 5_000, 8
SUSPECT = 0.01  # seconds of the processor; what is linear takes about a thousandth
MOST = 24  # times as long, for TIMES the length

# Pieces that patterns of ours look for, nearly look for, or end at.
PIECES = (
    "\\", "a", "A", "1", " ", "\n", "\t", "=", ":", '"', "'", "-", "_", ".", "%", "%41", "+", "@", "/", "{",
    "[", "<", ">", "<a ", ",", ";", "*", "&", "a=", "a:", ": ", '\\"', '"a"', "a b ", "a@", "://a:", "eyJ",
    "-eyJaaaaa", "bearer ", "bearer+", "basic ", "PRIVATE KEY", "-----BEGIN ", "-----END ", 'name="a"',
    'name="pin"\n\n', 'name="a"\n', "pin=[redacted]:", '"pin"=[redacted] ', "pin: [redacted], ", "<pin>",
    "<pin>[redacted]", "<pin><![CDATA[", '"pin"=\\', "password", "password_", "session id ", "sess",
    "astalty_", "##", "::", "json+", "a/", "{a", "(_ssl.c:", "_ssl.c:1", "e\u0301", "\u200b",
    "\x1b", "0x", "1.", "1e",
)  # fmt: skip
HEADS = ("", ":", "-----BEGIN ", "a=", '"', "bearer", "<a", '{"a":"', '"pin"=')
ENDS = ("", "!", "\\", '"', "\n", "=", ":")


def kept() -> Iterator[tuple[str, Pattern, bool]]:
    """The patterns that a module of the package keeps, in containers too; whether texts are searched."""
    for module in pkgutil.walk_packages(astalty_cli.__path__, "astalty_cli."):
        imported = importlib.import_module(module.name)
        source = Path(imported.__file__ or "").read_text()
        for name, value in vars(imported).items():
            found = [*patterns(value)]
            if not found:
                continue
            uses = re.findall(rf"\b{name}\b(?!\s*(?::[^=\n]*)?= )(\.\w+)?", source)
            is_searched = not uses or not set(uses) <= {".match", ".fullmatch"}
            yield from ((f"{module.name}.{name}", each, is_searched) for each in found)


def patterns(value: object) -> Iterator[Pattern]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from patterns(each)
    elif isinstance(value, dict):
        yield from patterns([*value.values()])


def written() -> Iterator[tuple[str, Pattern, bool]]:
    """Those that stand where they are used: `re.sub("…", …)`."""
    for module in Path(astalty_cli.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name("re"), attr=call),
                    args=[ast.Constant(str() | bytes() as pattern), *_],
                ) if call != "compile":
                    is_searched = not call.endswith("match")
                    yield f"{module.stem}:{node.lineno}", re.compile(pattern), is_searched


ALL = {
    f"{name} {pattern.pattern!r:.40}": (pattern, is_searched)
    for name, pattern, is_searched in [*kept(), *written()]
}


def made(piece: str, head: str, end: str, length: int) -> str:
    return head + piece * (length // len(piece)) + end


@cache
def texts() -> list[tuple[tuple[str, str, str], str, bytes]]:
    around = [("", ""), *((head, "!") for head in HEADS), *(("", end) for end in ENDS)]
    parts = [(piece, *each) for piece in PIECES for each in dict.fromkeys(around)]
    return [(each, made(*each, LENGTH), made(*each, LENGTH).encode()) for each in parts]


def seconds(pattern: Pattern, text: str, data: bytes, *, is_searched: bool) -> float:
    """Of the processor, to match the whole, and to find all that there is to find."""
    started = time.process_time()
    subject: Any = data if isinstance(pattern.pattern, bytes) else text
    pattern.fullmatch(subject)
    pattern.match(subject)
    for _ in pattern.finditer(subject) if is_searched else ():
        continue
    return time.process_time() - started


def ensure_linear(pattern: Pattern, *, is_searched: bool = True) -> None:
    for parts, text, data in texts():
        took = seconds(pattern, text, data, is_searched=is_searched)
        if took > SUSPECT:
            longer = made(*parts, LENGTH * TIMES)
            assert seconds(pattern, longer, longer.encode(), is_searched=is_searched) < MOST * took, parts


def test_there_are_patterns_to_try() -> None:
    assert len(ALL) > 80
    assert any("redaction" in name for name in ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_pattern_is_linear(name: str) -> None:
    pattern, is_searched = ALL[name]
    ensure_linear(pattern, is_searched=is_searched)


@pytest.mark.parametrize("slow", [r"\\*[\"']", r"[^\s@]+@[^\s@]+", r"\s*\("])
def test_what_is_quadratic_is_found(slow: str) -> None:
    with pytest.raises(AssertionError):
        ensure_linear(re.compile(slow))
