"""`astalty api PATH`: any call, with the key in force."""

from typing import Annotated
from urllib.parse import urlsplit

import typer

from astalty_cli.api.contract import under_prefix
from astalty_cli.commands.options import ACCOUNT, QUERY, checked, takes
from astalty_cli.context import Context


def _path(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or text.startswith("//"):
        raise ValueError("a path stays at the API's own address: leave out the scheme and the host")
    if not text.strip("/ ") or not text.isprintable() or set(text) & set(" #"):
        raise ValueError("a path is printable, without spaces or '#', such as participants?page[size]=5")
    if ".." in parts.path.split("/"):
        raise ValueError("a path has no '..'")
    return text if text.startswith("/docs/") else under_prefix(text)


@takes(ACCOUNT, QUERY)
def call(
    context: Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH", parser=checked(_path), help="Such as participants, or participants?page[size]=5."
        ),
    ],
) -> None:
    answer = context.client.get(path)
    context.output.body(answer.body)
