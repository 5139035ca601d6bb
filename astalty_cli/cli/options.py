"""The flags that many commands share, written once: `@takes(ACCOUNT, OUTPUT)` adds them to a command.

A command is a function of a Context and its own parameters; the shared flags arrive in the Context.
"""

import functools
import inspect
import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from astalty_cli.base.errors import InterruptedByUser, ReaderLeftError, UsageError
from astalty_cli.base.times import parse_duration
from astalty_cli.cli import candidates
from astalty_cli.context import Account, Context
from astalty_cli.destinations.options import DestinationOptions
from astalty_cli.output.style import Style
from astalty_cli.program import Program
from astalty_cli.services.history.filters import Filters

Value = TypeVar("Value")
_MAX_SECONDS = 86_400.0


class Format(StrEnum):
    TABLE = "table"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def checked(parse: Callable[[str], Value]) -> Callable[[str], Value]:
    """Make a parser for typer of a function that raises ValueError with a sentence for the user."""

    def parsed(text: str) -> Value:
        try:
            return parse(str(text))  # typer parses defaults too, whatever they are
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parsed


def words(allowed: Collection[str], fold: Callable[[str], str] = str) -> Callable[[str], str]:
    """A parser of one or several words, with commas, each of them one of `allowed`."""

    def parse(text: str) -> str:
        wanted = [fold(each.strip()) for each in text.split(",")]
        if unknown := [each for each in wanted if each not in allowed]:
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(allowed)}")
        return ",".join(wanted)

    return checked(parse)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A parser of a whole number within bounds."""
    bounds = f"from {least} up" if most is None else f"from {least} to {most}"

    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", text) and least <= int(text) <= (most or int(text)):
            return int(text)
        raise ValueError(f"{text!r} is not a whole number {bounds}")

    return checked(parse)


def sorting(allowed: tuple[str, ...]) -> Callable[[str], str]:
    """A parser of `--sort` for these fields, each with `-` before it for the other direction."""

    def parse(text: str) -> str:
        for each in text.split(","):
            if each.removeprefix("-") not in allowed:
                raise ValueError(f"{each!r} is not one of {', '.join(allowed)}, or one of these after a '-'")
        return text

    return checked(parse)


def duration(flag: str, help: str, parse: Callable[[str], timedelta] = parse_duration) -> Any:  # noqa: A002
    """An option that takes a duration, such as 24h."""
    return typer.Option(flag, parser=checked(parse), metavar="DURATION", help=help)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= _MAX_SECONDS:
        raise ValueError(f"{text!r} is not a number of seconds from above 0 to {_MAX_SECONDS:.0f}")
    return seconds


def _seconds_or_duration(text: str) -> timedelta:
    return parse_duration(f"{text}s" if text.isascii() and text.isdigit() else text)


Flags = Mapping[str, tuple[Any, Any]]

ACCOUNT: Flags = {
    "profile": (
        Annotated[
            str | None,
            typer.Option(
                "--profile",
                "-p",
                metavar="NAME",
                help="Use this profile's account.",
                autocompletion=candidates.profiles,
            ),
        ],
        None,
    ),
    "base_url": (
        Annotated[str | None, typer.Option("--base-url", metavar="URL", help="Talk to the API here.")],
        None,
    ),
    "timeout": (
        Annotated[
            float | None,
            typer.Option(
                "--timeout",
                metavar="SECONDS",
                parser=checked(_seconds),
                help="Limit the whole command, waiting included.",
            ),
        ],
        None,
    ),
    "ca_file": (
        Annotated[
            Path | None,
            typer.Option(
                "--ca-file", metavar="FILE", exists=True, dir_okay=False, help="Trust this authority as well."
            ),
        ],
        None,
    ),
}
TALK: Flags = {
    "quiet": (Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")], False),
    "verbose": (
        Annotated[bool, typer.Option("--verbose", "-v", help="Log each request on stderr.")],
        False,
    ),
}
JSON: Flags = {
    "output": (
        Annotated[
            Format | None,
            typer.Option("--output", "-o", metavar="FORMAT", help="table, tsv, json, jsonl or csv."),
        ],
        None,
    ),
    "json": (Annotated[bool, typer.Option("--json", help="The same as -o json.")], False),
    "fields": (
        Annotated[
            str | None, typer.Option("--fields", metavar="A,B.C", help="Print these fields, in this order.")
        ],
        None,
    ),
    "query": (
        Annotated[str | None, typer.Option("--query", metavar="EXPR", help="Filter the JSON with JMESPath.")],
        None,
    ),
}
OUTPUT: Flags = {
    **JSON,
    "csv_raw": (
        Annotated[
            bool, typer.Option("--csv-raw", help="Leave CSV cells that a spreadsheet would run as they are.")
        ],
        False,
    ),
    "no_pager": (Annotated[bool, typer.Option("--no-pager", help="Never use a pager.")], False),
}
QUERY: Flags = {
    "output": (
        Annotated[Format | None, typer.Option("--output", "-o", metavar="FORMAT", help="json or jsonl.")],
        None,
    ),
    **{name: OUTPUT[name] for name in ("json", "query", "no_pager")},
}
ASK: Flags = {
    "yes": (Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without being asked.")], False)
}

DESTINATIONS: Flags = {
    "to": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--to",
                metavar="DESTINATION",
                autocompletion=candidates.destinations,
                help="Put the secret into file:PATH, dotenv:PATH#NAME, keyring:PROFILE, "
                "github:OWNER/REPO#NAME or exec:COMMAND. Several may be named.",
            ),
        ],
        None,
    ),
    "copy": (Annotated[bool, typer.Option("--copy", "-c", help="Put the secret on the clipboard.")], False),
    "clear_after": (
        Annotated[
            timedelta,
            typer.Option(
                "--clear-after",
                metavar="SECONDS",
                parser=checked(_seconds_or_duration),
                help="When to clear the clipboard of it; 0 keeps it.",
            ),
        ],
        "45s",
    ),
    "force": (
        Annotated[bool, typer.Option("--force", help="Replace the value a destination holds.")],
        False,
    ),
}
SECRET: Flags = {
    **DESTINATIONS,
    "plain": (Annotated[bool, typer.Option("--plain", help="Print the secret alone on stdout.")], False),
}
DRY_RUN: Flags = {
    "dry_run": (
        Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and change nothing.")],
        False,
    )
}


def takes(*groups: Flags) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the flags of `groups`, and TALK, to a command, and hand it a Context made from them."""
    shared: dict[str, tuple[Any, Any]] = {}
    for group in (*groups, TALK):
        shared |= group

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(ctx: typer.Context, **values: Any) -> None:
            flags = {name: values.pop(name) for name in shared}
            context = _context(ctx.obj, flags)
            try:
                context.output  # noqa: B018 - contradictions among its flags are said before any call
                command(context, **values)
                context.output.finish()
            except BrokenPipeError:  # typer would make an exit of this and of the next one
                raise ReaderLeftError from None
            except KeyboardInterrupt:
                raise InterruptedByUser from None
            finally:
                context.close()

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
            for name, (kind, default) in shared.items()
        ]
        first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        keyword = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        run.__signature__ = inspect.Signature([first, *keyword, *added])  # type: ignore[attr-defined]
        run.__annotations__ = {}
        return run

    return decorate


def _context(program: Program, flags: dict[str, Any]) -> Context:
    account = Account(**{name: flags[name] for name in ACCOUNT if name in flags})
    style = Style(
        format=_format(flags),
        fields=flags.get("fields"),
        query=flags.get("query"),
        csv_raw=flags.get("csv_raw", False),
        pager=not flags.get("no_pager", False),
        quiet=flags["quiet"],
        yes=flags.get("yes", False),
    )
    context = Context(program, account, style, verbose=flags["verbose"])
    context.dry_run = flags.get("dry_run", False)
    if "to" in flags:
        context.destination = _destination(flags)
    context.filters = Filters(**{name: flags.get(name) for name in Filters._fields})
    return context


def _destination(flags: dict[str, Any]) -> DestinationOptions:
    return DestinationOptions(
        to=tuple(flags["to"] or ()),
        copy=flags["copy"],
        clear_after=flags["clear_after"],
        plain=flags.get("plain", False),
        force=flags["force"],
    )


def _format(flags: dict[str, Any]) -> str | None:
    named = flags.get("output")
    if flags.get("json"):
        if named not in {None, Format.JSON}:
            raise UsageError(f"--json and -o {named} contradict each other.", hint="Use one of them.")
        return Format.JSON.value
    return None if named is None else Format(named).value
