"""What the flags of a command say of its output."""

from typing import NamedTuple


class Style(NamedTuple):
    """How the user wants data: the flags of `docs/reference/output.md`.

    `format` is None if no flag named one: then a table on a terminal, else tsv.
    """

    format: str | None = None
    fields: str | None = None
    query: str | None = None
    csv_raw: bool = False
    pager: bool = True
    quiet: bool = False
    yes: bool = False
