"""`astalty history`: the requests that were made with the account's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import Sort, Whole, option
from astalty_cli.commands.history.filters import FILTERS, OFFLINE, api_filters, ensure_time_span
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astalty_cli.output.fields import Field

NONE = "No requests match."
_DEFAULT_LIMIT = 30
_LONG = 500  # entries from which a list may take longer than a command usually does


@takes(FILTERS, OUTPUT, ACCOUNT)
def list_requests(
    context: Context,
    *,
    limit: Annotated[
        int | None,
        option("--limit", "-L", metavar="N", type=Whole(1), help="Show at most this many.  [default: 30]"),
    ] = None,
    everything: Annotated[bool, option("--all", help="Show all of them.")] = False,
    sort: Annotated[
        str | None, option("--sort", metavar="FIELD", type=Sort(contract.REQUEST_SORTS), help="Sort by")
    ] = None,
    offline: Annotated[bool, OFFLINE] = False,
) -> None:
    from astalty_cli.api.models import ApiRequest

    if everything and limit is not None:
        raise UsageError("--all and --limit can't be used together.", hint="Use one of them.")
    shown = context.output.columns(columns.REQUESTS, ApiRequest)
    wanted = None if everything else limit or _DEFAULT_LIMIT
    read = _read_offline if offline else _read
    count, total = read(context, shown, sort, wanted)
    if count < total:
        context.output.note(f"Showing {count} of {total}. Use --all or -L to see more.")


def _read(context: Context, shown: Sequence[Field], sort: str | None, wanted: int | None) -> tuple[int, int]:
    """Print the entries that the service has; return how many, and how many there are."""
    from astalty_cli.output.renderer import rendering
    from astalty_cli.services.history.listing import HistoryReader

    if wanted is None or wanted > _LONG:
        context.disable_time_limit()
    filters = api_filters(context, context.get(FILTERS))
    with rendering(context.output, "requests", beside_rows=True) as renderer:
        reader = HistoryReader(context.client, filters, sort, wanted, on_event=renderer.show)
        context.output.rows((entry.raw for entry in reader.entries()), shown, none=NONE)
    return reader.shown, reader.total


def _read_offline(
    context: Context, shown: Sequence[Field], sort: str | None, wanted: int | None
) -> tuple[int, int]:
    """As `_read`, of what the mirror has."""
    from astalty_cli.commands.shared.mirror import open_mirror

    filters = context.get(FILTERS)
    ensure_time_span(filters)
    with open_mirror(context) as mirror:
        total = mirror.count(filters)
        context.output.rows(mirror.entries(filters, sort, wanted), shown, none=NONE)
    return (total if wanted is None else min(wanted, total)), total
