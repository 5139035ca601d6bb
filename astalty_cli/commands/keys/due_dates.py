"""`astalty keys audit --ics FILE`: when keys should be deleted or rotated, for a calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from astalty_cli.api import contract
from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import iso, shifted, utc_now
from astalty_cli.output.calendar import BEGINNING, CalendarEvent, calendar_file

if TYPE_CHECKING:
    from astalty_cli.services.keys.awaiting_deletion import AwaitedDeletion
    from astalty_cli.services.keys.findings import Dated

_MOST: Final = 16 * 1024 * 1024  # bytes of a calendar that is replaced
_NOTICE: Final = timedelta(days=7)  # before a key is too old


def ensure_writable(path: Path) -> None:
    """Raises UsageError or LocalError unless it can be written; only another calendar is replaced."""
    if path.name in {"", "..", "-"}:
        raise UsageError(
            f"{str(path)!r} is not the name of a file.", hint="Name one, such as --ics astalty-keys.ics"
        )
    there = private_files.read_shared(path, _MOST)
    if there is not None and not there.startswith(BEGINNING):
        raise LocalError(
            f"{path} already exists and is not a calendar. It was not overwritten.",
            hint="Choose another path.",
        )
    if not path.parent.is_dir():
        raise LocalError(f"There is no folder {path.parent}.", hint="Create it, or choose another path.")


def write(
    path: Path, origin: str, deletions: Sequence[AwaitedDeletion], keys: Sequence[Dated], max_age: timedelta
) -> int:
    """Write the dates; return how many there are. Raises LocalError."""
    events = [*(_deletion(origin, each) for each in deletions), *_rotations(origin, keys, max_age)]
    ensure_writable(path)
    private_files.replace_shared(path, calendar_file(events, utc_now()))
    return len(events)


def _deletion(origin: str, deletion: AwaitedDeletion) -> CalendarEvent:
    due = deletion.due_at.replace(microsecond=0)
    page_name = repr(deletion.page_name) if deletion.page_name else f"the {deletion.subject}"
    return CalendarEvent(
        _uid("delete", origin, deletion.id, iso(due)),
        due,
        f"Delete the {deletion.subject} on the Astalty web page",
        f"Delete {page_name}: {contract.MANAGE_KEYS}. Then run: astalty keys recover",
    )


def _rotations(origin: str, keys: Sequence[Dated], max_age: timedelta) -> Iterator[CalendarEvent]:
    for key in keys:
        if made := key.rotated_at or key.created_at:
            yield CalendarEvent(
                _uid("rotate", origin, key.id),
                shifted(made, max_age).replace(microsecond=0),
                f"Rotate the Astalty key {key.name!r}",
                f"Run: {command('astalty keys rotate', key.id)}",
                _NOTICE,
            )


def _uid(*parts: str) -> str:
    """The same for the same date, whichever machine writes it."""
    return f"{sha256(chr(10).join(parts).encode()).hexdigest()[:32]}@astalty-cli"
