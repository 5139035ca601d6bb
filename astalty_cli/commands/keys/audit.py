"""`astalty keys audit`: which keys should go, be rotated or be asked about."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from astalty_cli.base.errors import FindingsError
from astalty_cli.base.times import parse_duration
from astalty_cli.base.vocabulary import FindingCode
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, OUTPUT, duration, takes, words
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.services.keys.findings import Finding

_NONE = "No findings."


def _baseline(text: str) -> timedelta:
    baseline = parse_duration(text)
    if not baseline:
        raise ValueError("with a baseline of 0 every address would be new")
    return baseline


@takes(ACCOUNT, OUTPUT)
def audit(
    context: Context,
    *,
    max_age: Annotated[
        timedelta,
        duration("--max-age", "How old a secret may be."),
    ] = "90d",  # type: ignore[assignment]  # typer parses a default as it parses what is typed
    unused: Annotated[
        timedelta,
        duration("--unused", "How long it may be unused."),
    ] = "30d",  # type: ignore[assignment]
    baseline: Annotated[
        timedelta,
        duration(
            "--baseline", "Compare the addresses of the last 24h with those of so long before.", _baseline
        ),
    ] = "30d",  # type: ignore[assignment]
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            parser=words(tuple(FindingCode)),
            autocompletion=candidates.some_of(tuple(FindingCode)),
            metavar="FINDINGS",
            help=f"End with exit code 8 where there are such: {', '.join(FindingCode)}; with commas.",
        ),
    ] = None,
) -> None:
    """They are old, unused, in grace, used from a new address, or named alike."""
    import msgspec

    from astalty_cli.services.keys.audit import Audit
    from astalty_cli.services.keys.findings import Finding, Limits

    output = context.output
    shown = output.columns(columns.AUDIT, Finding)
    context.disable_time_limit()  # a day of a busy account is many pages
    looked = Audit(context.client, Limits(max_age, unused, baseline))
    findings = looked.findings()
    output.rows((msgspec.json.encode(each) for each in findings), shown, none=_NONE)
    if not findings and output.format != "table":  # a table has said so itself
        output.note(_NONE)
    for note in looked.notes:
        output.note(note)
    _fail(findings, fail_on.split(",") if fail_on else [])


def _fail(findings: list[Finding], wanted: list[str]) -> None:
    """Raises FindingsError for findings of the wanted kinds."""
    found = [each.finding for each in findings if each.finding in wanted]
    if found:
        kinds = [code for code in FindingCode if code in found]
        raise FindingsError(
            f"{len(found)} finding{'s' * (len(found) != 1)} of {', '.join(kinds)}.",
            hint="Renew a key: astalty keys rotate KEY. End one: astalty keys revoke KEY",
        )
