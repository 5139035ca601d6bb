"""What a shell is told on a key press: `astalty __complete WORDS…`, of which the last is being typed.

The scripts of `astalty completion` call it. It prints a candidate a line, with what it means after a tab,
and ends with FILES if the shell should offer files. Nothing is imported that a key press can do without,
and nothing is asked of the service.

Typer's own completion is not used: for zsh and fish it loads rich on each press, and its zsh script lets the
shell evaluate the answer, in which names from the service stand.
"""

from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from astalty_cli.cli import command_tree
from astalty_cli.program import Program

WORD: Final = "__complete"
FILES: Final = 3  # exit code

Candidate = tuple[str, str]  # a word, and what it means


def run(program: Program) -> int:
    """Print the candidates for the last word; return the exit code."""
    *typed, word = program.argv[1:] or [""]
    try:
        found = list(_candidates(typed, word, program))
    except OffersFiles:
        return FILES
    lines = ["\t".join(each) + "\n" for each in found if all(part.isprintable() for part in each)]
    with suppress(OSError):  # a shell that has gone on needs no answer
        program.streams.stdout.write("".join(lines))
        program.streams.stdout.flush()
    return 0


class OffersFiles(Exception):  # noqa: N818 - it is no error
    """The word is the name of a file."""


def _candidates(typed: Sequence[str], word: str, program: Program) -> Iterator[Candidate]:
    entry: command_tree.Command | command_tree.Group = command_tree.ROOT
    rest = list(typed)
    while rest and isinstance(entry, command_tree.Group):
        name = rest.pop(0)
        if name.startswith("-"):
            continue
        found = command_tree.look_up(entry, name)
        if found is None:
            return
        entry = found
    if isinstance(entry, command_tree.Group):
        names = ((name, each.help) for name, each in entry.commands.items())
        flags = [("--help", "Show this message and exit.")]
        yield from (each for each in (flags if word.startswith("-") else names) if each[0].startswith(word))
    else:
        yield from _of_command(entry, rest, word, program)


def _of_command(
    entry: command_tree.Command, typed: list[str], word: str, program: Program
) -> Iterator[Candidate]:
    from astalty_cli.cli.app import command

    leaf = command(entry)
    context = leaf.make_context("", list(typed), resilient_parsing=True, obj=program)
    options = [param for param in leaf.params if param.param_type_name == "option" and not param.hidden]
    flags = {flag: option for option in options for flag in option.opts}
    after_dashes = "--" in typed
    glued = "" if after_dashes else _with_a_value(word, flags)
    waiting = flags.get(typed[-1]) if typed and not after_dashes else None
    if waiting is not None and not waiting.is_flag:
        yield from _values(waiting, context, word)
    elif glued:
        values = _values(flags[glued.rstrip("=")], context, word.removeprefix(glued))
        yield from ((f"{glued}{each}", meaning) for each, meaning in values)
    elif word.startswith("-") and not after_dashes:
        yield from ((name, option.help or "") for name, option in flags.items() if name.startswith(word))
    else:
        arguments = [param for param in leaf.params if param.param_type_name == "argument"]
        for argument in arguments:
            if argument.nargs == -1 or not context.params.get(argument.name):
                values = _values(argument, context, word)
                # A name that starts like an option would be taken for one.
                yield from (each for each in values if after_dashes or not each[0].startswith("-"))
                return


def _with_a_value(word: str, flags: Container[str]) -> str:
    """The flag, and its `=`, that the word begins with where a value follows in the same word."""
    flag, equals, _ = word.partition("=")
    if equals and flag.startswith("--") and flag in flags:
        return flag + equals
    return word[:2] if len(word) > 2 and word[:2] in flags else ""


def _values(param: Any, context: Any, word: str) -> Iterator[Candidate]:
    if param.type.name in {"path", "file", "directory"} or getattr(
        getattr(param.type, "func", None), "is_file", False
    ):
        raise OffersFiles
    for item in param.shell_complete(context, word):
        yield str(item.value), item.help or ""
