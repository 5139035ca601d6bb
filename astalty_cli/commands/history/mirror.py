"""`astalty history sync` and `purge`: a copy of the request history on this machine, and its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import UsageError
from astalty_cli.base.times import local, relative, utc_now
from astalty_cli.cli.options import ACCOUNT, ASK, OUTPUT, takes
from astalty_cli.cli.parameters import Duration, option
from astalty_cli.commands.history.filters import FILTERS
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.base.events import Event
    from astalty_cli.commands.shared.records import MirrorState
    from astalty_cli.mirror.database import Place
    from astalty_cli.mirror.store import Mirror
    from astalty_cli.mirror.sync import SyncContinued, SyncResult

_SINCE = FILTERS.only("since").described(
    since="Start a new mirror with requests since this time or age (24h, 7d)."
)
_CONTINUED = "--since is where a new mirror begins. This one goes on from {}, where it ends."


@takes(_SINCE, OUTPUT, ACCOUNT)
def sync(
    context: Context,
    *,
    bodies: Annotated[
        bool, option("--bodies", help="Also fetch bodies of new requests (may be health data).")
    ] = False,
    keep: Annotated[
        timedelta | None,
        option("--keep", metavar="DURATION", type=Duration(), help="Remove requests older than this."),
    ] = None,
) -> None:
    """It fetches only new requests; what the mirror already has stays as it is."""
    import msgspec

    from astalty_cli.commands.shared.records import MirrorState
    from astalty_cli.mirror import sync as mirror_sync
    from astalty_cli.output.renderer import rendering

    shown = context.output.columns(columns.MIRROR, MirrorState)
    context.disable_time_limit()
    output, client, place = context.output, context.client, place_of(context)
    since = context.get(FILTERS).since
    if bodies:
        output.note(f"Bodies may hold personal health data; with --bodies they will lie in {place.path}.")
    with rendering(output, "requests") as renderer:

        def show(event: Event | SyncContinued) -> None:
            if not isinstance(event, mirror_sync.SyncContinued):
                renderer.show(event)
            elif since:
                output.note(_CONTINUED.format(local(event.time)))

        result = mirror_sync.sync(client, place, mirror_sync.SyncOptions(bodies, since, keep), show)
    facts = _facts(place, result)
    if output.result_wanted:
        output.item(msgspec.json.encode(facts), shown)
    output.note(_summary(facts))


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
    """Requests removed with --older-than are not fetched again; after --all the next sync starts anew."""
    if everything == (older_than is not None):
        raise UsageError("Say what to remove: --older-than DURATION or --all, one of them.")
    place = place_of(context)
    if not place.exists:
        context.output.note(f"There is no mirror here: {place.path}.")
    elif older_than is None:
        _remove(context, place)
    else:
        _purge(context, place, utc_now() - older_than)


@contextmanager
def open_mirror(context: Context) -> Iterator[Mirror]:
    """Open the mirror of this command's account to read it, and say as of when it is.

    Raises NotFoundError where there is none.
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


def _facts(place: Place, result: SyncResult) -> MirrorState:
    from astalty_cli.commands.shared.records import MirrorState

    extent = result.extent
    return MirrorState(
        result.added, result.removed, extent.requests, extent.oldest, extent.newest, str(place.path)
    )


def _summary(facts: MirrorState) -> str:
    changed = f"Added {_requests(facts.added)}"
    if facts.removed:
        changed += f", removed {facts.removed:,}"
    if not facts.oldest or not facts.newest:
        return f"{changed}; the mirror has none, in {facts.path}."
    span = f"from {local(facts.oldest)} to {local(facts.newest)}"
    return f"{changed}; the mirror has {facts.requests:,}, {span}, in {facts.path}."


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count:,} requests"


def _remove(context: Context, place: Place) -> None:
    from astalty_cli.mirror.purge import remove_mirror

    context.output.ensure_confirmed(f"Remove the mirror {place.path} with all that is in it?")
    remove_mirror(place)
    context.output.note("Removed. The next sync makes a new one.")


def _purge(context: Context, place: Place, before: datetime) -> None:
    from astalty_cli.mirror.purge import count_older, remove_older

    if count := count_older(place, before):
        context.output.ensure_confirmed(
            f"Remove {_requests(count)} from before {local(before)} from {place.path}?"
        )
    result = remove_older(place, before)
    context.output.note(f"Removed {_requests(result.removed)}; the mirror has {result.left:,}.")
