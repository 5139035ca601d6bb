"""`astalty history sync`: update the copy of the request history on this machine."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.times import local
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import Duration, option
from astalty_cli.commands.history.filters import FILTERS
from astalty_cli.commands.shared.mirror import in_words, place_of
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.base.events import Event
    from astalty_cli.commands.shared.records import MirrorState
    from astalty_cli.mirror.database import Place
    from astalty_cli.mirror.sync import SyncContinued, SyncResult

_SINCE = FILTERS.only("since").described(
    since="Start a new mirror with requests since this time or age (24h, 7d)."
)
_CONTINUED = "--since applies only to a new mirror. This one continues from {}, where it ends."


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
        output.note(f"Bodies may hold personal health data; --bodies saves them unencrypted in {place.path}.")
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


def _facts(place: Place, result: SyncResult) -> MirrorState:
    from astalty_cli.commands.shared.records import MirrorState

    extent = result.extent
    return MirrorState(
        result.added, result.removed, extent.requests, extent.oldest, extent.newest, str(place.path)
    )


def _summary(facts: MirrorState) -> str:
    changed = f"Added {in_words(facts.added)}"
    if facts.removed:
        changed += f", removed {facts.removed:,}"
    if not facts.oldest or not facts.newest:
        return f"{changed}; the mirror has none, in {facts.path}."
    span = f"from {local(facts.oldest)} to {local(facts.newest)}"
    return f"{changed}; the mirror has {facts.requests:,}, {span}, in {facts.path}."
