"""`astalty history export`: a stretch of the history into a file, whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import UsageError
from astalty_cli.base.times import local
from astalty_cli.base.vocabulary import ExportFormat
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import Choice, argument, option
from astalty_cli.commands.history.filters import FILTERS, api_filters, ensure_time_span
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.services.export.export import Spelling, Target
    from astalty_cli.services.export.manifest import Manifest
    from astalty_cli.services.export.partial import ExportSpec

_BODIES = (
    "Bodies can hold personal health data. They are saved unencrypted in {target}: "
    "keep it where such data may be, and remove it when it is no longer needed."
)


@takes(FILTERS, OUTPUT, ACCOUNT)
def export(
    context: Context,
    target: Annotated[Path, argument("FILE", help="File that ends in .jsonl, .csv or .parquet.")],
    *,
    form: Annotated[
        ExportFormat | None,
        option("--format", metavar="FORMAT", type=Choice(ExportFormat), help="File format"),
    ] = None,
    bodies: Annotated[
        bool, option("--bodies", help="Include request and response bodies (may be health data).")
    ] = False,
    force: Annotated[bool, option("--force", help="Replace an existing file.")] = False,
    restart: Annotated[
        bool, option("--restart", help="Start again instead of resuming an interrupted export.")
    ] = False,
) -> None:
    """If it is interrupted, the same command resumes it. Parquet creates a folder with files by day."""
    import msgspec

    from astalty_cli.output.renderer import rendering
    from astalty_cli.services.export.export import Export, Target, opened
    from astalty_cli.services.export.manifest import Manifest

    output = context.output
    shown = output.columns(columns.MANIFEST, Manifest)
    ensure_time_span(context.get(FILTERS))
    wanted = Target(target, _format(target, form), force)
    _ensure_possible(wanted.format)
    context.disable_time_limit()
    with opened(wanted, restart=restart) as part:
        if bodies:
            output.warn(_BODIES.format(target=target))
        asked = _asked(context, wanted, bodies=bodies)
        spelling = _spelling(bodies=bodies, raw=output.style.csv_raw)
        with rendering(output, "requests") as renderer:
            made = Export(context.client, wanted, asked, spelling, part, renderer.show).run()
    if output.result_wanted:
        output.item(msgspec.json.encode(made), shown)
    output.note(_summary(made, target))


def _format(target: Path, named: ExportFormat | None) -> ExportFormat:
    if target.name in {"", "..", "-"}:
        raise UsageError(
            f"{str(target)!r} is not the name of a file.",
            hint="To print them: astalty history list --all -o jsonl",
        )
    if named is not None:
        return named
    try:
        return ExportFormat(target.suffix.removeprefix("."))
    except ValueError:
        raise UsageError(
            f"{target} does not end in .jsonl, .csv or .parquet.",
            hint="Choose one, such as --format jsonl.",
        ) from None


def _ensure_possible(form: ExportFormat) -> None:
    if form is ExportFormat.PARQUET:
        from astalty_cli.services.export import archive

        archive.ensure_installed()


def _asked(context: Context, target: Target, *, bodies: bool) -> ExportSpec:
    from astalty_cli.services.export.partial import ExportSpec

    wanted = api_filters(context, context.get(FILTERS))
    filters = {name: value for name, value in wanted.items() if value is not None}
    account_id = context.client.account_id()
    return ExportSpec(
        origin=context.settings.base_url.value,
        account_id=account_id,
        key=None if account_id else context.client.fingerprint,
        filters=filters,
        typed=_typed_times(context.program.argv),
        bodies=bodies,
        format=target.format,
        csv_raw=context.output.style.csv_raw and target.format is ExportFormat.CSV,
        target=target.resolved,
    )


def _typed_times(words: Sequence[str]) -> dict[str, str]:
    typed = {}
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if flag in {"--since", "--until"}:
            typed[flag] = value if equals else following
    return typed


def _spelling(*, bodies: bool, raw: bool) -> Spelling:
    from astalty_cli.output import files
    from astalty_cli.services.export.export import Spelling

    fields = (*columns.EXPORTED, *columns.SIDES) if bodies else columns.EXPORTED
    paths = [field.path for field in fields]
    return Spelling(files.json_lines, lambda rows: files.csv_lines(rows, paths, raw=raw))


def _summary(made: Manifest, target: Path) -> str:
    import humanize

    from astalty_cli.services.export.manifest import place

    span = ""
    if made.first_created_at and made.last_created_at:
        first, last = (
            local(datetime.fromisoformat(each)) for each in (made.first_created_at, made.last_created_at)
        )
        span = f", {first} to {last},"
    size = humanize.naturalsize(made.size)
    count = f"{made.requests:,} request{'s' * (made.requests != 1)}"
    return f"Wrote {count}{span} to {target} ({size}). Checksums are in {place(target, made.format)}."
