"""The documentation as data: its pages, their blocks, and what a reader types."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PAGES = sorted(DOCS.rglob("*.md"))
ALL_PAGES = [README, CONTRIBUTING, *PAGES]
# What a reader follows, as opposed to what is looked up.
FOLLOWED = [README, *sorted((DOCS / "tutorial").glob("*.md")), *sorted((DOCS / "how-to").glob("*.md"))]

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>\w+) -->\n)?"
    r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block. `title` is the file that it is; `mark` is how `.ci/run` and tests find it."""

    mark: str | None
    language: str
    title: str | None
    text: str


@dataclass(frozen=True)
class Command:
    """A line after a `$`, what the page shows it to print, and the code that `echo $?` then shows."""

    line: str
    output: str
    code: int

    @property
    def asks(self) -> bool:
        """Whether somebody has to sit at a terminal."""
        return any(words in self.output for words in ("(not shown):", "[y/N]", "Ctrl-C finishes later"))

    @property
    def answers(self) -> list[str]:
        return re.findall(r"\[y/N\] (\w)", self.output)


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix().removeprefix("docs/")


def blocks(page: Path) -> list[Block]:
    return [Block(**found.groupdict()) for found in _FENCE.finditer(page.read_text("utf-8"))]


def file_of(page: Path, title: str) -> str:
    """The file of this name that a page shows."""
    (text,) = [block.text for block in blocks(page) if block.title == title]
    return text


def typed(page: Path) -> list[Command]:
    return [
        command for block in blocks(page) if block.language == "console" for command in commands(block.text)
    ]


def commands(console: str) -> Iterator[Command]:
    """A line after a `> ` goes on with the command above it."""
    entered: list[tuple[str, list[str]]] = []
    for line in console.splitlines():
        if line.startswith("$ "):
            entered.append((line[2:], []))
        elif line.startswith("> ") and entered and not entered[-1][1]:
            entered[-1] = (f"{entered[-1][0]}\n{line[2:]}", [])
        elif entered:
            entered[-1][1].append(line)
    for (line, output), (after, shown) in pairwise([*entered, ("", [])]):
        if line != "echo $?":
            yield Command(line, "\n".join(output), int(shown[0]) if after == "echo $?" else 0)
