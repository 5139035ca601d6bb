"""`astalty history`: the requests that were made with the account's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, OUTPUT, sorting, takes, whole
from astalty_cli.commands.history.filters import FILTERS, OFFLINE, api_filters, check_time
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from astalty_cli.output.fields import Field

NONE = "No requests match."
_DEFAULT_LIMIT = 30
_LONG = 500  # entries from which a list may take longer than a command usually does


@takes(ACCOUNT, FILTERS, OUTPUT)
def list_requests(
    context: Context,
    *,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-L", parser=whole(1), metavar="N", help="How many at the most.  [default: 30]"
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            parser=sorting(contract.REQUEST_SORTS),
            autocompletion=candidates.some_of(contract.REQUEST_SORTS),
            metavar="FIELD",
            help="created_at, status, duration_ms; '-' before it reverses.",
        ),
    ] = None,
    offline: Annotated[bool, OFFLINE] = False,
) -> None:
    from astalty_cli.api.models import ApiRequest

    if everything and limit is not None:
        raise UsageError("--all and --limit exclude each other.", hint="Use one of them.")
    shown = context.output.columns(columns.REQUESTS, ApiRequest)
    wanted = None if everything else limit or _DEFAULT_LIMIT
    read = _read_offline if offline else _read
    count, total = read(context, shown, sort, wanted)
    if (more := total - count) > 0:
        context.output.note(f"{count} of {total} requests shown; {more} more: --all, or -L {total}.")


def _read(context: Context, shown: Sequence[Field], sort: str | None, wanted: int | None) -> tuple[int, int]:
    """Print the entries that the service has; return how many, and how many there are."""
    from astalty_cli.services.history.listing import HistoryReader

    if wanted is None or wanted > _LONG:
        context.disable_time_limit()
    filters = api_filters(context)
    reader = HistoryReader(context.client, filters, sort, wanted)
    with context.output.progress("requests", beside_rows=True) as progress:
        entries = (entry.raw for entry in progress.counted(reader.entries(), lambda: reader.expected))
        context.output.rows(entries, shown, none=NONE)
    return reader.shown, reader.total


def _read_offline(
    context: Context, shown: Sequence[Field], sort: str | None, wanted: int | None
) -> tuple[int, int]:
    """As `_read`, of what the mirror has."""
    from astalty_cli.commands.history.mirror import open_mirror

    check_time(context)
    with open_mirror(context) as mirror:
        total = mirror.count(context.filters)
        context.output.rows(mirror.entries(context.filters, sort, wanted), shown, none=NONE)
    return (total if wanted is None else min(wanted, total)), total
