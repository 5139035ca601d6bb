"""`astalty completion`: the script that makes a shell complete astalty's words."""

from enum import StrEnum
from typing import Annotated

from astalty_cli.cli.options import takes
from astalty_cli.cli.parameters import Choice, argument
from astalty_cli.context import Context


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@takes()
def completion(
    context: Context, shell: Annotated[Shell, argument("SHELL", type=Choice(Shell), help="The shell")]
) -> None:
    """The first lines of the script say where to put it."""
    from importlib.resources import files

    script = files("astalty_cli.cli") / "shells" / f"astalty.{shell}"
    context.output.write(script.read_text("utf-8"))
