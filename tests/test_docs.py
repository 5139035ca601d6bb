"""The documentation says what the program does: its commands run, its links lead somewhere.

`python -m tests.test_docs` writes docs/reference/commands.md anew.
"""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import typer

from astalty_cli.cli.app import app
from tests.support.pages import ALL_PAGES, DOCS, PAGES, name, typed

COMMANDS = DOCS / "reference" / "commands.md"

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_NOT_A_LINK = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def astalty_words(line: str) -> Iterator[list[str]]:
    """The arguments of each `astalty` in a line of shell; a variable stands for some id."""
    for inner in re.findall(r"\"[^\"]*\$\((astalty [^)]*)\)[^\"]*\"", line):
        yield from astalty_words(inner)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    for start in (index for index, word in enumerate(words) if word == "astalty"):
        after = itertools.takewhile(lambda word: not set(word) <= set("();<>|&"), words[start + 1 :])
        yield [str(UUID(int=0)) if word.startswith("$") else word for word in after]


def parse(words: list[str]) -> None:
    """Parse as the program would, down to the values of flags, and run nothing."""
    command: Any = app
    context = command.make_context("astalty", list(words))
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)


def every_command_line() -> list[tuple[str, list[str]]]:
    """Those of the pages that nobody plays too: see `test_docs_played.py`."""
    return [
        (name(page), words)
        for page in ALL_PAGES
        for command in typed(page)
        for words in astalty_words(command.line.replace("\\\n", ""))
    ]


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_relative_links_lead_to_a_page(page: Path) -> None:
    for link in _LINK.findall(_NOT_A_LINK.sub("", page.read_text("utf-8"))):
        target = link.partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {link}"


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_pages_name_nothing_of_the_machine_they_were_written_on(page: Path) -> None:
    assert re.findall(r"/tmp/|/work/|/root\b", page.read_text("utf-8")) == []


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    assert [
        page for page in PAGES if page.name != "README.md" and f"]({page.relative_to(DOCS)})" not in index
    ] == []


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_no_key_is_given_as_an_argument_that_others_can_read(page: Path) -> None:
    assert re.findall(r"(?:-H|--header)[ =]*[\"']?Authorization", page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", ALL_PAGES, ids=name)
def test_nothing_is_installed_by_a_name_that_is_anybodys_on_the_index(page: Path) -> None:
    assert re.findall(r"\b(?:install|run|uvx)\b.*[ '\"]astalty-cli\b", page.read_text("utf-8")) == []


def test_shown_command_lines_are_valid() -> None:
    lines = every_command_line()
    assert len(lines) > 50
    for page, words in lines:
        try:
            parse(words)
        except typer.TyperException as error:
            pytest.fail(f"{page}: astalty {shlex.join(words)}: {error.format_message()}")


# -- the reference of commands -------------------------------------------------------------------


def test_the_reference_of_commands_is_what_help_says() -> None:
    assert COMMANDS.read_text("utf-8") == reference(), "write it anew: python -m tests.test_docs"


INTRODUCTION = """\
# Commands

What each command's own `--help` says, 80 columns wide. `python -m tests.test_docs` writes this page, and a
test compares it with the program. What many commands share is explained in [output](output.md),
[environment](environment.md) and [exit codes](exit-codes.md). `ls` is short for `list`, `rm` for `revoke`.
"""


def reference() -> str:
    parts = [INTRODUCTION]
    for names, text in helps(app, "astalty", None):
        parts.append(f"{'#' * min(3, 1 + len(names))} `{' '.join(names)}`\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def helps(command: Any, name: str, parent: Any) -> Iterator[tuple[list[str], str]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=80)
    yield context.command_path.split(), command.get_help(context)
    for each in command.list_commands(context) if hasattr(command, "list_commands") else ():
        inner = command.get_command(context, each)
        if not inner.hidden:
            yield from helps(inner, each, context)


if __name__ == "__main__":
    COMMANDS.write_text(reference(), "utf-8")
