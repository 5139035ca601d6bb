"""A leaked secret's case as lines on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from astalty_cli.base.events import Message
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local
from astalty_cli.output.safe import visible

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.base.secret import Secret
    from astalty_cli.output.output import Output
    from astalty_cli.services.incident.case import KeyEventsRead, RecentUse
    from astalty_cli.services.incident.evidence import KeyEvent, Match

_SHOWN = 20  # lines of a list on stderr; the report has all of them


class IncidentLines:
    """Says on stderr what is found out about a leaked secret."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, event: Message | KeyEventsRead) -> None:
        """What is reported while history and keys are read."""
        from astalty_cli.services.incident.case import KeyEventsRead

        match event:
            case KeyEventsRead():
                self.key_events(event)
            case Message(text):
                self._output.note(text)

    def owner(self, key: ApiKey, leaked: Secret) -> None:
        """Whose secret it is."""
        from astalty_cli.services.keys.finder import described

        self._output.note(f"The leaked secret is of {described(key)}, created {local(key.created_at)}.")
        if key.last_four != leaked.last_four and key.rotated_at:
            self._output.note(
                f"It is not its newest one: the key was rotated {local(key.rotated_at)}. "
                "What follows ends them all."
            )

    def recent_use(self, found: RecentUse) -> None:
        from astalty_cli.services.history.usage import by_address

        start, count = local(found.start), len(found.entries)
        if found.failure is not None:
            self._output.note(f"Its recent use cannot be shown: {found.failure}")
            return
        if not found.entries:
            self._output.note(f"No use since {start}.")
            return
        newest = "" if found.total <= count else f", the newest {count} calls of {found.total}"
        lines = [
            (use.ip_address or "unknown", f"{use.method} {use.path}", f"{use.count}x", local(use.last))
            for use in by_address(found.entries)
        ]
        self._list(f"Use since {start}{newest}, each with its last time:", lines)

    def key_events(self, found: KeyEventsRead) -> None:
        """The keys that were created or rotated."""
        lines = [
            (event.how, local(event.at), f"from {event.ip_address or 'unknown'}", *_now(event, found))
            for event in found.events
        ]
        if lines:
            self._list("Keys that it created or rotated, and keys that those created or rotated:", lines)
        else:
            self._output.note("No key is known that it created or rotated.")

    def _list(self, title: str, rows: Sequence[tuple[str, ...]]) -> None:
        cells = [[visible(cell) for cell in row] for row in rows[:_SHOWN]]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in cells
        ]
        more = [f"  … and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
        self._output.note("\n".join([title, *lines, *more]))


def _now(event: KeyEvent, found: KeyEventsRead) -> tuple[str, str, str]:
    """The key as it is now: name, id, status."""
    if key := found.keys.get(event.key_id or ""):
        return repr(key.name), key.id, key.status
    return "a key", event.key_id or f"see: {command('astalty history show', event.entry_id)}", "unknown"


def last_use(found: RecentUse) -> str:
    """The last use of a key, as a part of a question."""
    if found.failure is not None:
        return "whose last use is not known"
    if not found.entries:
        return f"not used since {local(found.start)}"
    last = found.entries[0]
    return f"last used {local(last.created_at)} from {last.ip_address or 'an unknown address'}"


def story(match: Match) -> str:
    """Whose a dead secret was, and why it no longer works."""
    from astalty_cli.services.keys.finder import described

    key, whose = match.key, f"The leaked secret may be of {described(match.key)}"
    if key.revoked_at:
        text = f"{whose}, which was revoked {local(key.revoked_at)}."
    elif match.rotated:
        text = f"{whose}, which is active."
    elif match.by_ending:
        text = (
            f"{whose}, which is active, and that one works: was the leaked one copied whole? "
            "If it was not, run this again with all of it."
        )
    else:
        text = f"{whose}, whose secret is another one now."
    if match.rotated:
        at, address = local(match.rotated.at), match.rotated.ip_address or "an unknown address"
        text += (
            f" It was rotated with the leaked secret {at} from {address}: whoever did that has a newer one."
        )
    return text


def revoke_question(keys: Sequence[ApiKey]) -> str:
    from astalty_cli.services.keys.finder import described

    listed = "\n".join(f"  {described(key)}" for key in keys)
    return f"{listed}\nRevoke? This can't be undone: whatever uses a revoked key stops working."
