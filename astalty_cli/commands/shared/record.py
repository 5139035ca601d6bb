"""The record of keys, and the commands' choice between it and the service's own list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from astalty_cli.base.errors import NotOfferedError, UsageError
from astalty_cli.base.vocabulary import RECORD_FILE
from astalty_cli.cli.options import RECORD
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.config.record import RecordFile
    from astalty_cli.output.fields import Field
    from astalty_cli.services.keys.record import KeyRecord

T = TypeVar("T")


def key_record(context: Context) -> KeyRecord:
    """The record of the origin in force."""
    from astalty_cli.services.keys.record import KeyRecord

    return KeyRecord(record_file(context), context.settings.base_url.value, context.output.note)


def record_file(context: Context) -> RecordFile:
    """The file that `--record` names, else the variable, else this user's own. Raises UsageError."""
    from astalty_cli.config.record import RecordFile

    named = context.get(RECORD)
    variable = context.program.environ.get(RECORD_FILE)
    if named is None and variable is not None:
        if not variable.strip():
            raise UsageError(f"{RECORD_FILE} is set but empty.", hint="Give it a value, or leave it out.")
        named = Path(variable)
    if named is not None:
        return RecordFile(named, is_own=False)
    if context.settings.is_sandbox:  # its keys go with it when it is reset
        return RecordFile(context.sandbox.record_file, is_own=True)
    return RecordFile(context.program.folders.config / "keys.toml", is_own=True)


def service_or_record(
    context: Context, by_service: Callable[[Client], T], by_record: Callable[[KeyRecord], T]
) -> T:
    """Ask the service about its keys; if it has no list of them, say so and take what the record has."""
    try:
        return by_service(context.client)
    except NotOfferedError:
        record = key_record(context)
    context.output.note(f"This service does not list its keys. From the record: {record.file.path}")
    if not record.has_keys():
        context.output.note("It has no keys yet. Add one: astalty keys add NAME")
    return by_record(record)


def key_columns(context: Context, known: Sequence[Field]) -> Sequence[Field]:
    """The columns of keys to print. Raises UsageError for a field that keys have neither here nor there."""
    if context.output.style.fields is None and context.output.style.query is None:
        return known
    from astalty_cli.services.keys.recorded import RecordedRow

    return context.output.columns(known, RecordedRow)
