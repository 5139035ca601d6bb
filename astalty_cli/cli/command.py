"""One command as Typer runs it: help in titled groups, examples, and a prompt for a missing argument."""

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from astalty_cli.base.errors import InterruptedByUser
from astalty_cli.cli.flags import Flags
from astalty_cli.cli.options import OTHER, open_context
from astalty_cli.cli.parameters import Offer
from astalty_cli.context import Context
from astalty_cli.output.safe import visible

_MOST_OFFERED = 30


class LeafCommand(TyperCommand):
    """A command made from an entry of the command tree; `groups` are the flags that it shares."""

    examples: tuple[str, ...] = ()
    groups: tuple[Flags[Any], ...] = ()

    def format_options(self, ctx: Any, formatter: Any) -> None:
        titled: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                is_argument = param.param_type_name == "argument"
                title = "Arguments" if is_argument else getattr(param, "rich_help_panel", None) or OTHER
                titled.setdefault(title, []).append(record)
        for title, records in titled.items():
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's own signature
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  {example}\n")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; on a terminal, ask for an argument that is missing."""
        given = list(args)
        while True:
            try:
                return super().parse_args(ctx, list(given))
            except typer.BadParameter as error:
                param: Any = error.param
                if not (hasattr(error, "param_type") and self._can_ask_for(param, ctx)):
                    raise
                word = self._asked(param, ctx)
                if not word:
                    raise
                given += [word] if "--" in given else ["--", word]
                ctx.params.clear()

    def _can_ask_for(self, param: Any, ctx: Any) -> bool:
        wraps = ctx.ignore_unknown_options  # the words are another program's
        is_argument = param is not None and param.param_type_name == "argument"
        return is_argument and not wraps and ctx.obj is not None and ctx.obj.streams.can_ask

    def _asked(self, param: Any, ctx: Any) -> str:
        context = open_context(ctx.obj, self.groups, ctx.params)
        try:
            return _ask(context, param)
        except KeyboardInterrupt:
            raise InterruptedByUser from None
        finally:
            context.close()


def _ask(context: Context, param: Any) -> str:
    """The word for an argument: typed, or picked by its number from those that are offered."""
    kind = getattr(param.type, "func", None)
    offers: Sequence[Offer] = kind.offers(context)[:_MOST_OFFERED] if kind else []
    for number, (value, label) in enumerate(offers, 1):
        context.output.say(f"{number:4}  {visible(label or value)}\n")
    name = param.metavar.strip("[].").replace("_", " ")
    label = name if len(name) < 3 else name.capitalize()
    typed = context.output.read_line(f"{label} (a number, or type it): " if offers else f"{label}: ")
    values = [value for value, _ in offers]
    is_number = typed.isascii() and typed.isdigit() and typed not in values
    return values[int(typed) - 1] if is_number and 0 < int(typed) <= len(values) else typed
