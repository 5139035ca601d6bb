"""`astalty completion`: the script that makes a shell complete astalty's words."""

from enum import StrEnum
from typing import Annotated

import typer

from astalty_cli.cli.options import takes
from astalty_cli.context import Context


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@takes()
def completion(
    context: Context, shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]
) -> None:
    """The script says in its first lines where it goes."""
    from importlib.resources import files

    script = files("astalty_cli.cli") / "shells" / f"astalty.{shell}"
    context.output.write(script.read_text("utf-8"))
