"""What all groups of commands share: typed alone they show their help, as `gh` does."""

from typing import Any

import typer
from typer.core import TyperGroup


class Group(TyperGroup):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: Any) -> list[str]:
        """Groups first: they are what the program is about."""
        return sorted(super().list_commands(ctx), key=lambda name: not isinstance(self.commands[name], Group))


def group(help: str, epilog: str = "") -> typer.Typer:  # noqa: A002 - typer's own word
    """Make a group of commands with this line of help."""
    return typer.Typer(
        cls=Group,
        help=help,
        epilog=epilog,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
