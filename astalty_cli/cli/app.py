"""The Typer root: makes a command of an entry in the table of contents, when it is first asked for."""

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from astalty_cli.cli import command_tree

_SETTINGS = {"help_option_names": ["-h", "--help"]}
_WRAPPING = {"ignore_unknown_options": True, "allow_interspersed_args": False}


class LateGroup(TyperGroup):
    """A group that imports what it runs. Typed alone it shows its help, as `gh` does."""

    def __init__(self, name: str, group: command_tree.Group, params: list[Any] | None = None) -> None:
        self._contents = group
        super().__init__(
            name=name,
            commands=_Late(group),  # type: ignore[arg-type]  # nothing is ever put into it
            help=group.help,
            epilog=group.epilog,
            rich_markup_mode=None,
            context_settings=_SETTINGS,
            params=params,
        )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's own signature
        return list(self._contents.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._contents.commands.items()])


class _Late(Mapping[str, Any]):
    """Commands by name, each made when it is looked up; an alias is found and not listed."""

    def __init__(self, group: command_tree.Group) -> None:
        self._group = group

    def __getitem__(self, name: str) -> Any:
        entry = command_tree.look_up(self._group, name)
        if entry is None:
            raise KeyError(name)
        return LateGroup(name, entry) if isinstance(entry, command_tree.Group) else command(entry)

    def __iter__(self) -> Iterator[str]:
        return iter(self._group.commands)

    def __len__(self) -> int:
        return len(self._group.commands)


def command(entry: command_tree.Command) -> Any:
    """Import the code of an entry, and make Typer's command of it."""
    from astalty_cli.cli.command import LeafCommand

    module, _, function = entry.place.partition(":")
    run = getattr(import_module(f"astalty_cli.commands.{module}"), function)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(
        cls=LeafCommand,
        help=f"{entry.help}\n\n{inspect.getdoc(run) or ''}",
        context_settings=_SETTINGS | (_WRAPPING if entry.wraps else {}),
    )(run)
    made: Any = typer.main.get_command(alone)
    made.examples, made.groups = entry.examples, run.groups
    return made


_VERSION = TyperOption(param_decls=["--version", "-V"], is_flag=True, help="Print the version.")

app = LateGroup("astalty", command_tree.ROOT, [_VERSION])
