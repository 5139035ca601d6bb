"""The local copy of the history, for the commands that read or change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from astalty_cli.base.times import relative, utc_now
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.mirror.database import Place
    from astalty_cli.mirror.store import Mirror


@contextmanager
def open_mirror(context: Context) -> Iterator[Mirror]:
    """Open the mirror of this command's account to read it, and say as of when it is.

    Raises NotFoundError if there is none.
    """
    from astalty_cli.mirror.store import reading

    with reading(place_of(context)) as mirror:
        synced_at = mirror.synced_at()
        context.output.note(
            f"As of the last sync, {relative(synced_at, utc_now())}."
            if synced_at
            else "The first sync has not come to its end: newer requests are missing."
        )
        yield mirror


def place_of(context: Context) -> Place:
    """Where the mirror of the profile and the origin in force lies."""
    from astalty_cli.mirror.database import Place

    settings = context.settings
    return Place(context.program.folders.data / "history", settings.profile.value, settings.base_url.value)


def in_words(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"
