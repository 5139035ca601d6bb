"""`astalty history purge`: remove requests, or all of it, from the copy on this machine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import UsageError
from astalty_cli.base.times import local, utc_now
from astalty_cli.cli.options import ACCOUNT, ASK, takes
from astalty_cli.cli.parameters import Duration, option
from astalty_cli.commands.shared.mirror import in_words, place_of
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.mirror.database import Place


@takes(ACCOUNT.only("profile", "base_url"), ASK)
def purge(
    context: Context,
    *,
    older_than: Annotated[
        timedelta | None,
        option("--older-than", metavar="DURATION", type=Duration(), help="Remove requests older than this."),
    ] = None,
    everything: Annotated[bool, option("--all", help="Remove the whole mirror.")] = False,
) -> None:
    """Requests removed with --older-than are not fetched again; after --all the next sync starts again."""
    if everything == (older_than is not None):
        raise UsageError("What to remove is not given.", hint="Use --older-than DURATION or --all.")
    place = place_of(context)
    if not place.exists:
        context.output.note(f"There is no mirror here: {place.path}.")
    elif older_than is None:
        _remove(context, place)
    else:
        _purge(context, place, utc_now() - older_than)


def _remove(context: Context, place: Place) -> None:
    from astalty_cli.mirror.purge import remove_mirror

    context.output.ensure_confirmed(f"Remove the mirror {place.path} with all that is in it?")
    remove_mirror(place)
    context.output.note("Removed. The next sync creates a new one.")


def _purge(context: Context, place: Place, before: datetime) -> None:
    from astalty_cli.mirror.purge import count_older, remove_older

    if count := count_older(place, before):
        context.output.ensure_confirmed(
            f"Remove {in_words(count)} from before {local(before)} from {place.path}?"
        )
    result = remove_older(place, before, None if context.output.style.yes else count)
    context.output.note(f"Removed {in_words(result.removed)}; the mirror has {result.left:,}.")
