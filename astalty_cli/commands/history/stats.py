"""`astalty history stats`: the requests of a stretch of time in groups, with their errors and durations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.durations import format_milliseconds
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import By
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import Choice, option
from astalty_cli.commands.history.filters import FILTERS, OFFLINE, api_filters, ensure_time_span
from astalty_cli.commands.history.list import NONE
from astalty_cli.context import Context
from astalty_cli.output import columns
from astalty_cli.output.fields import Field, Kind

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiRequest
    from astalty_cli.services.history.filters import Filters
    from astalty_cli.services.history.self_traffic import SelfTraffic
    from astalty_cli.services.history.stats import Group, Stats

_STRETCH = timedelta(hours=24)
_MARKS = 60  # of the line of time, at most
_SHARE, _ID = (field for field in columns.STATS if field.path in {"share", "group_id"})
_FILTERS = FILTERS.described(
    since="Requests since this time or age (24h, 7d).  [default: 24h before --until or now]"
)
_FIRST = {
    By.STATUS: Field("group", "Status", Kind.HTTP_STATUS),
    By.PATH: Field("group", "Path", Kind.PATH, least=24),
    By.METHOD: Field("group", "Method"),
    By.USER: Field("group", "User", Kind.NAME, least=24, empty="nobody"),
    By.IP: Field("group", "IP address", least=24, empty="unknown"),
    By.KEY: Field("group", "Key", Kind.NAME, least=24, empty="no key"),
    By.HOUR: Field("group", "Hour", Kind.HOUR),
    By.DAY: Field("group", "Day", Kind.DAY),
}


@takes(_FILTERS, OUTPUT, ACCOUNT)
def stats(
    context: Context,
    *,
    by: Annotated[By, option("--by", metavar="WHAT", type=Choice(By), help="Group by")] = By.STATUS,
    include_self: Annotated[
        bool, option("--include-self", help="Count this tool's own reads of the history too.")
    ] = False,
    offline: Annotated[bool, OFFLINE] = False,
) -> None:
    """Half of the requests took no longer than p50. Hours and days are in the local time zone."""
    from astalty_cli.services.history.stats import Group, Stats

    output = context.output
    shown = output.columns(columns.STATS, Group)
    context.disable_time_limit()  # a day of a busy account is many pages
    start, end = _span(context.get(FILTERS))
    wanted = context.get(FILTERS)._replace(since=start)
    found = Stats(by, start, end, marks=max(min(_MARKS, output.streams.width - 2), 1))
    ensure_time_span(wanted)
    own = None if include_self else _own_reads(context, offline=offline)
    entries = _mirrored(context, wanted) if offline else _read(context, wanted)
    found.add(entry for entry in entries if own is None or not own.is_own(entry))
    _print(context, found, shown)
    if own and own.left_out:
        output.note(own.summary())


def _span(wanted: Filters) -> tuple[datetime, datetime]:
    """The time that the filters cover: the last day, unless they say otherwise."""
    now = utc_now()
    end = min(wanted.until or now, now)
    return wanted.since or end - _STRETCH, end


def _own_reads(context: Context, *, offline: bool) -> SelfTraffic:
    from astalty_cli.services.history.self_traffic import SelfTraffic

    if not offline:
        return SelfTraffic.with_key_of(context.client)
    stored = context.settings.stored
    return SelfTraffic(stored.key_id if stored and not context.settings.variable else None)


def _mirrored(context: Context, wanted: Filters) -> Iterator[ApiRequest]:
    from astalty_cli.commands.shared.mirror import open_mirror

    with open_mirror(context) as mirror:
        yield from mirror.requests(wanted)


def _read(context: Context, wanted: Filters) -> Iterator[ApiRequest]:
    from astalty_cli.output.renderer import rendering
    from astalty_cli.services.history.listing import HistoryReader

    with rendering(context.output, "requests") as renderer:
        filters = api_filters(context, wanted)
        reader = HistoryReader(context.client, filters, "created_at", limit=None, on_event=renderer.show)
        yield from (row.value for row in reader.entries())


def _print(context: Context, found: Stats, shown: Sequence[Field]) -> None:
    import msgspec

    output, groups = context.output, found.groups()
    rows = [msgspec.json.encode(group) for group in groups]
    if output.format != "table" or output.style.query is not None:
        output.rows(rows, shown, none=NONE)
    elif rows:
        output.page(_picture(context, found, groups, rows, shown))
    if not rows:
        output.note(NONE)


def _picture(
    context: Context, found: Stats, groups: list[Group], rows: list[bytes], shown: Sequence[Field]
) -> Iterator[str]:
    from astalty_cli.output import charts, human

    streams, line = context.output.streams, found.timeline
    fitted = _fitted(shown, found.by, groups, chosen=context.output.style.fields is not None)
    yield charts.timeline(line.counts, line.start, line.end, line.step, streams) + "\n"
    yield from human.table(rows, fitted, streams, piece_size=len(rows))  # a later figure may be the widest
    yield "\n" + charts.paragraph(_summary(found.total), streams)


def _fitted(shown: Sequence[Field], by: By, groups: list[Group], *, chosen: bool) -> list[Field]:
    """The columns as this kind of group needs them: ids if there are any, surely for two of one name."""
    longest = max(group.share for group in groups)
    one_of_each_name = len({group.group for group in groups}) == len(groups)
    fitted = {
        "group": _FIRST[by],
        "share": _SHARE._replace(full=longest),
        "group_id": _ID._replace(spare=one_of_each_name),
    }
    has_ids = chosen or by in {By.USER, By.KEY}
    return [fitted.get(field.path, field) for field in shown if has_ids or field.path != "group_id"]


def _summary(total: Group) -> str:
    from astalty_cli.output import charts

    failed = f"{total.errors:,} failed ({charts.percent(total.error_rate or 0)})"
    ranks = {"p50": total.p50_ms, "p95": total.p95_ms, "p99": total.p99_ms}
    took = ", ".join(f"{name} {format_milliseconds(value or 0)}" for name, value in ranks.items())
    return f"{total.requests:,} requests, {failed}; {took}"
