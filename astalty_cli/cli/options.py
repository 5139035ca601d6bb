"""The groups of flags that many commands share, and `takes`, which gives them to a command."""

import functools
import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer

from astalty_cli.base.errors import InterruptedByUser, ReaderLeftError, UsageError
from astalty_cli.cli import candidates
from astalty_cli.cli.flags import Flags, titled
from astalty_cli.cli.parameters import Choice, Duration, Seconds, option
from astalty_cli.context import Account, Context
from astalty_cli.destinations.kinds import FORMS
from astalty_cli.destinations.options import DestinationOptions
from astalty_cli.output.style import Style
from astalty_cli.program import Program

OWN: Final = "Options"  # the title of a command's own flags
OTHER: Final = "Other"


class Format(StrEnum):
    TABLE = "table"
    TSV = "tsv"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


def _account(
    *,
    profile: Annotated[
        str | None,
        option("--profile", "-p", metavar="NAME", help="Use this profile.", completions=candidates.profiles),
    ] = None,
    base_url: Annotated[str | None, option("--base-url", metavar="URL", help="Base URL of the API.")] = None,
    timeout: Annotated[
        float | None,
        option("--timeout", metavar="SECONDS", type=Seconds(), help="Time limit for the whole command."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        option(
            "--ca-file", metavar="FILE", help="Also trust this CA certificate.", exists=True, dir_okay=False
        ),
    ] = None,
) -> Account:
    return Account(profile, base_url, timeout, ca_file)


def _record(
    *,
    record: Annotated[
        Path | None, option("--record", metavar="FILE", help="Use this record of keys.", dir_okay=False)
    ] = None,
) -> Path | None:
    return record


def _style(
    *,
    output: Annotated[
        Format | None,
        option("--output", "-o", metavar="FORMAT", type=Choice(Format), help="Output format."),
    ] = None,
    json: Annotated[bool, option("--json", help="Same as -o json.")] = False,
    fields: Annotated[
        str | None, option("--fields", metavar="A,B.C", help="Print only these fields, in this order.")
    ] = None,
    query: Annotated[
        str | None, option("--query", metavar="EXPR", help="Filter the JSON with a JMESPath expression.")
    ] = None,
    csv_raw: Annotated[
        bool,
        option("--csv-raw", help="Don't escape cells that a spreadsheet would run as formulas."),
    ] = False,
    no_pager: Annotated[bool, option("--no-pager", help="Don't use a pager.")] = False,
) -> Style:
    if json and output not in {None, Format.JSON}:
        raise UsageError(f"--json and -o {output} can't be used together.", hint="Use one of them.")
    named = Format.JSON if json else output
    return Style(named and named.value, fields, query, csv_raw, pager=not no_pager)


def _destinations(
    *,
    to: Annotated[
        list[str] | None,
        option(
            "--to",
            metavar="DESTINATION",
            help=f"Save the secret to {FORMS} (repeatable).",
            completions=candidates.destinations,
        ),
    ] = None,
    copy: Annotated[bool, option("--copy", "-c", help="Copy the secret to the clipboard.")] = False,
    clear_after: Annotated[
        timedelta,
        option(
            "--clear-after",
            metavar="SECONDS",
            type=Duration(bare_seconds=True),
            help="Clear the clipboard after this time; 0 keeps the secret there.",
        ),
    ] = timedelta(seconds=45),
    plain: Annotated[bool, option("--plain", help="Print only the secret on stdout.")] = False,
    force: Annotated[bool, option("--force", help="Replace what a destination already holds.")] = False,
) -> DestinationOptions:
    return DestinationOptions(tuple(to or ()), copy, clear_after, plain, force)


class Talk(NamedTuple):
    """How much a command says on stderr."""

    quiet: bool
    verbose: bool


def _talk(
    *,
    quiet: Annotated[bool, option("--quiet", "-q", help="Print only errors on stderr.")] = False,
    verbose: Annotated[bool, option("--verbose", "-v", help="Log each request on stderr.")] = False,
) -> Talk:
    return Talk(quiet, verbose)


def _yes(*, yes: Annotated[bool, option("--yes", "-y", help="Skip confirmation prompts.")] = False) -> bool:
    return yes


class HandOptions(NamedTuple):
    """How a key is created or deleted on the web page, if the service has no calls for it."""

    by_hand: bool = False
    with_token: bool = False
    web: bool = False
    allow_other_account: bool = False


def _hand(
    *,
    by_hand: Annotated[
        bool, option("--by-hand", help="Create and delete keys in the web app, step by step.")
    ] = False,
    with_token: Annotated[bool, option("--with-token", help="Read the new key from stdin.")] = False,
    web: Annotated[bool, option("--web", "-w", help="Open the web app in a browser.")] = False,
    allow_other_account: Annotated[
        bool, option("--allow-other-account", help="Allow a new key from another account.")
    ] = False,
) -> HandOptions:
    return HandOptions(by_hand, with_token, web, allow_other_account)


def _dry_run(
    *,
    dry_run: Annotated[bool, option("--dry-run", help="Show the requests without sending them.")] = False,
) -> bool:
    return dry_run


ACCOUNT: Final = Flags("Account", _account)
RECORD: Final = Flags("Account", _record)
OUTPUT: Final = Flags("Output", _style)
JSON: Final = OUTPUT.without("csv_raw", "no_pager")
SECRET: Final = Flags("Secret", _destinations)
TALK: Final = Flags(OTHER, _talk)
ASK: Final = Flags(OTHER, _yes)
BY_HAND: Final = Flags("By hand", _hand)
DRY_RUN: Final = Flags(OTHER, _dry_run)

Command = Callable[..., None]


def takes(*groups: Flags[Any]) -> Callable[[Command], Command]:
    """Add the flags of `groups`, and TALK, to a command, and hand it a Context made from them.

    The command's own parameters come first in help, the groups in the order in which they are named.
    """
    groups = (*groups, TALK)

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        @functools.wraps(command)
        def run(ctx: typer.Context, **values: Any) -> None:
            context = open_context(ctx.obj, groups, values)
            try:
                context.output  # noqa: B018 - flags that contradict each other are an error before any call
                command(context, **{each.name: values[each.name] for each in own})
                context.output.finish()
            except BrokenPipeError:  # typer would make an exit of this and of the next one
                raise ReaderLeftError from None
            except KeyboardInterrupt:
                raise InterruptedByUser from None
            finally:
                context.close()

        first = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
        added = [each for group in groups for each in group.parameters()]
        signature = inspect.Signature([first, *(titled(each, OWN) for each in own), *added])
        vars(run).update(__signature__=signature, groups=groups)
        run.__annotations__ = {}
        return run

    return decorate


def open_context(program: Program, groups: tuple[Flags[Any], ...], given: Mapping[str, Any]) -> Context:
    """A command's view, made from its parsed flags."""
    values = {group.make: group.value(given) for group in groups}
    talk: Talk = values[TALK.make]
    style: Style = values.get(OUTPUT.make, Style())
    return Context(
        program,
        account=values.get(ACCOUNT.make, Account()),
        style=style._replace(quiet=talk.quiet, yes=values.get(ASK.make, False)),
        verbose=talk.verbose,
        values=values,
    )
