"""The flags that say where a new secret should go."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Destination:
    """`to` are the texts of `--to`. `force` lets the secret replace what a slot holds already."""

    to: tuple[str, ...] = ()
    copy: bool = False
    clear_after: timedelta = timedelta(seconds=45)  # of the clipboard; 0 keeps the secret there
    plain: bool = False
    force: bool = False
