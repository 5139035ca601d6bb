"""The flags that say where a new secret should go."""

from datetime import timedelta
from typing import NamedTuple


class DestinationOptions(NamedTuple):
    """`to` are the texts of `--to`. `force` lets the secret replace what a slot holds already."""

    to: tuple[str, ...] = ()
    copy: bool = False
    clear_after: timedelta = timedelta(seconds=45)  # of the clipboard; 0 keeps the secret there
    plain: bool = False
    force: bool = False
