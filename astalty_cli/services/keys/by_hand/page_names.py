"""Names for keys on the web page: a new key needs another name than the one that it replaces."""

from collections.abc import Iterable
from datetime import date

from astalty_cli.config.journal import JournalEntry
from astalty_cli.config.record import RecordedKey


def next_page_name(name: str, day: date, keys: Iterable[RecordedKey], entries: Iterable[JournalEntry]) -> str:
    """`NAME YYYY-MM-DD`, and ` (2)` and so on for another one of the same day."""
    taken = {key.page_name for key in keys}
    taken |= {page_name for entry in entries for page_name in (entry.page_name, entry.old_page_name)}
    dated = f"{name} {day.isoformat()}"
    names = (dated, *(f"{dated} ({number})" for number in range(2, 1000)))
    return next((each for each in names if each not in taken), dated)


def unnamed(last_four: str) -> str:
    """What to call a key that is not in the record."""
    return f"unnamed-{last_four}" if last_four else "unnamed"
