"""What is said of a command line that cannot be understood: what is wrong with it, and what can be meant."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Final

from astalty_cli.base.errors import UsageError
from astalty_cli.base.shell_words import quoted
from astalty_cli.cli import command_tree

_NEAR: Final = 0.75  # of 1; below, the word is none that was mistyped


def usage_error(raised: Any, argv: Sequence[str]) -> UsageError:
    """Tell what typer raised for these words."""
    at, entry, rest = _reached(argv)
    message, hint = " ".join(raised.format_message().split()), f"See: {at} --help"
    if hasattr(raised, "possibilities"):  # of an option that is not there
        message = f"No such option: {raised.option_name}"
        if _names_a_command(entry, rest):
            return UsageError(
                f"{message}.",
                hint=f"Flags stand after the command: {at} COMMAND {quoted(raised.option_name)}",
            )
        near = get_close_matches(raised.option_name, raised.possibilities or (), n=1, cutoff=_NEAR)
        message += f". Did you mean {near[0]!r}?" if near else "."
    elif isinstance(entry, command_tree.Group) and rest and (elsewhere := _elsewhere(rest[0])):
        message = f"No such command {rest[0]!r}. Did you mean {' or '.join(map(repr, elsewhere))}?"
    return UsageError(message, hint=hint)


def _reached(argv: Sequence[str]) -> tuple[str, command_tree.Command | command_tree.Group, list[str]]:
    """The command or group that the first words name, as it is typed, and the words after these."""
    entry: command_tree.Command | command_tree.Group = command_tree.ROOT
    at, rest = "astalty", list(argv)
    while rest and isinstance(entry, command_tree.Group) and (found := command_tree.look_up(entry, rest[0])):
        at, entry = f"{at} {rest.pop(0)}", found
    return at, entry, rest


def _names_a_command(entry: command_tree.Command | command_tree.Group, words: Sequence[str]) -> bool:
    return isinstance(entry, command_tree.Group) and any(command_tree.look_up(entry, word) for word in words)


def _elsewhere(word: str) -> list[str]:
    """The commands of this name in all groups."""
    return [
        f"{name} {word}"
        for name, group in command_tree.ROOT.commands.items()
        if isinstance(group, command_tree.Group) and command_tree.look_up(group, word)
    ]
