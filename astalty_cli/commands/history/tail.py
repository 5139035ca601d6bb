"""`astalty history tail`: new requests as they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import option
from astalty_cli.commands.history.filters import FILTERS, api_filters
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.base.events import Event


@takes(FILTERS.without("until"), OUTPUT, ACCOUNT)
def tail(
    context: Context,
    *,
    include_self: Annotated[
        bool, option("--include-self", help="Show this tool's own reads of the history too.")
    ] = False,
) -> None:
    from astalty_cli.api.models import ApiRequest
    from astalty_cli.output.renderer import rendering
    from astalty_cli.services.history.following import Following, NewEntries
    from astalty_cli.services.history.reading import HistoryQuery

    context.disable_time_limit()
    output = context.output
    shown = output.columns(columns.REQUESTS, ApiRequest)
    query = HistoryQuery(context.client, api_filters(context, context.get(FILTERS)))
    with rendering(output, "requests", shown) as renderer:

        def show(event: Event | NewEntries) -> None:
            if isinstance(event, NewEntries):
                renderer.rows(row.raw for row in event.entries)
            else:
                renderer.show(event)

        seconds = context.timeout or float("inf")
        following = Following(query, show, include_self=include_self, seconds=seconds)
        following.run()
    if (own := following.self_traffic) and own.left_out:
        output.note(own.summary())
