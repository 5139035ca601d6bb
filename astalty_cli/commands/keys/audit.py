"""`astalty keys audit`: which keys should go, be rotated or be asked about."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.durations import parse_duration
from astalty_cli.base.errors import FindingsError, LocalError
from astalty_cli.base.vocabulary import FindingCode
from astalty_cli.cli.options import ACCOUNT, OUTPUT, RECORD, takes
from astalty_cli.cli.parameters import Choices, Duration, option
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.config.journal import JournalEntry
    from astalty_cli.config.record import RecordedKey
    from astalty_cli.services.keys.audit import AuditReport
    from astalty_cli.services.keys.awaiting_deletion import AwaitedDeletion
    from astalty_cli.services.keys.findings import Finding
    from astalty_cli.services.keys.record import KeyRecord

_NONE = "No findings."
_ONCE_DELETED = "Once you have deleted a key on the web page: astalty keys recover"


def _baseline(text: str) -> timedelta:
    baseline = parse_duration(text)
    if not baseline:
        raise ValueError("with a baseline of 0 every address would be new")
    return baseline


@takes(OUTPUT, ACCOUNT, RECORD)
def audit(
    context: Context,
    *,
    max_age: Annotated[
        timedelta,
        option("--max-age", metavar="DURATION", type=Duration(), help="Report secrets older than this."),
    ] = timedelta(days=90),
    unused: Annotated[
        timedelta,
        option("--unused", metavar="DURATION", type=Duration(), help="Report keys unused for this long."),
    ] = timedelta(days=30),
    baseline: Annotated[
        timedelta,
        option(
            "--baseline",
            metavar="DURATION",
            type=Duration(_baseline),
            help="Compare the addresses of the last 24h with this time before.",
        ),
    ] = timedelta(days=30),
    fail_on: Annotated[
        str | None,
        option(
            "--fail-on",
            metavar="FINDINGS",
            type=Choices(FindingCode),
            help="Exit with code 8 if there are any of these findings",
        ),
    ] = None,
    ics: Annotated[
        Path | None,
        option("--ics", metavar="FILE", help="Write due dates of keys to a calendar file.", dir_okay=False),
    ] = None,
) -> None:
    import msgspec

    from astalty_cli.commands.shared.record import service_or_record
    from astalty_cli.services.keys.audit import Audit, of_record
    from astalty_cli.services.keys.findings import Finding, Limits
    from astalty_cli.services.keys.recorded import RecordedKeys

    output = context.output
    shown = output.columns(columns.AUDIT, Finding)
    context.disable_time_limit()  # a day of a busy account is many pages
    limits = Limits(max_age, unused, baseline)

    if ics:
        from astalty_cli.commands.keys import due_dates

        due_dates.ensure_writable(ics)
    deletions = _awaited(context)

    def by_service(client: Client) -> AuditReport:
        return Audit(client, limits, deletions).run()

    def by_record(record: KeyRecord) -> AuditReport:
        return of_record(RecordedKeys(record.file, record.origin, {}), limits, deletions)

    report = service_or_record(context, by_service, by_record)
    findings = report.findings
    output.rows((msgspec.json.encode(each) for each in findings), shown, none=_NONE)
    if not findings and output.format != "table":  # a table has said so itself
        output.note(_NONE)
    for note in [*report.notes, *([_ONCE_DELETED] if deletions else [])]:
        output.note(note)
    if ics:
        count = due_dates.write(ics, context.settings.base_url.value, deletions, report.keys, max_age)
        output.note(f"Wrote {count} date{'s' * (count != 1)} to {ics}.")
    _fail(findings, fail_on.split(",") if fail_on else [])


def _awaited(context: Context) -> list[AwaitedDeletion]:
    """The keys that are to be deleted on the web page, as the journal and the record know them."""
    from astalty_cli.base.times import utc_now
    from astalty_cli.commands.shared.record import key_record
    from astalty_cli.services.keys.awaiting_deletion import all_awaited

    record = key_record(context)
    entries: list[JournalEntry] = []
    keys: list[RecordedKey] = []
    with suppress(LocalError):  # what a damaged record or journal stops says so itself
        keys = [key for key in record.file.read() if key.origin == record.origin]
    with suppress(LocalError):
        if context.journal_folder.exists():
            entries = [each for each in context.journal.contents().entries if each.base_url == record.origin]
    return all_awaited(entries, keys, utc_now())


def _fail(findings: list[Finding], wanted: list[str]) -> None:
    """Raises FindingsError for findings of the wanted kinds."""
    found = [each.finding for each in findings if each.finding in wanted]
    if found:
        kinds = [code for code in FindingCode if code in found]
        raise FindingsError(
            f"{len(found)} finding{'s' * (len(found) != 1)} of {', '.join(kinds)}.",
            hint="Renew a key: astalty keys rotate KEY. End one: astalty keys revoke KEY",
        )
