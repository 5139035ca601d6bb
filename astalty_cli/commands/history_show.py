"""`astalty history show`: one request, with what was sent and what was answered."""

from typing import Annotated

import typer

from astalty_cli.api import contract
from astalty_cli.api.models import ApiRequest
from astalty_cli.commands.history import app
from astalty_cli.commands.options import ACCOUNT, OUTPUT, checked, takes
from astalty_cli.context import Context
from astalty_cli.errors import UsageError
from astalty_cli.output import columns
from astalty_cli.output.output import Output


def _entry_id(text: str) -> str:
    if not contract.is_uuid(text):
        raise ValueError(f"{text!r} is not the id of an entry: `astalty history list` shows them in full")
    return text.lower()


@app.command("show")
@takes(ACCOUNT, OUTPUT)
def show(
    context: Context,
    entry_id: Annotated[
        str, typer.Argument(metavar="ID", parser=checked(_entry_id), help="The entry's full id.")
    ],
    *,
    request: Annotated[bool, typer.Option("--request", help="Only what was sent.")] = False,
    response: Annotated[bool, typer.Option("--response", help="Only what was answered.")] = False,
) -> None:
    """Show one request: who, when and from where, and both bodies."""
    output = context.output
    sides = [side for side, wanted in (("request", request), ("response", response)) if wanted]
    if sides and output.style.fields is not None:
        raise UsageError("--fields does not go with --request or --response.", hint="Use one of them.")
    shown = output.columns(columns.REQUEST, ApiRequest)
    row = context.client.get_request(entry_id).raw
    if output.format == "table" and output.style.fields is None and output.style.query is None:
        _panes(output, row, sides)
    elif sides:
        output.sides(row, sides)
    else:
        output.item(row, shown if output.style.fields is not None else (*shown, *columns.SIDES))


def _panes(output: Output, row: bytes, sides: list[str]) -> None:
    from astalty_cli.output import human

    fields = () if sides else columns.REQUEST
    output.page(human.entry(row, fields, sides or ["request", "response"], output.streams))
