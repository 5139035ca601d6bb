"""Closing what `recover` cannot finish, on the word of a person who knows how it ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from astalty_cli.base.durations import format_duration
from astalty_cli.base.errors import ConflictError, NotFoundError, UsageError
from astalty_cli.config.journal import Journal, JournalEntry, Operation, Phase
from astalty_cli.services.keys.recovery_steps import title_of


@dataclass(frozen=True)
class Abandonment:
    """What is to be closed as it is: entries, and files that cannot be read as such."""

    journal: Journal
    entries: list[JournalEntry]
    damaged: list[Path]

    @classmethod
    def of(cls, journal: Journal, ids: list[str]) -> "Abandonment":
        """Those that the ids name, by their starts. Raises NotFoundError, UsageError if several fit."""
        found = journal.contents()
        known = {entry.id: entry for entry in found.entries} | {path.stem: path for path in found.damaged}
        named = [known[name] for name in dict.fromkeys(_only(wanted, known) for wanted in ids)]
        return cls(
            journal,
            [each for each in named if isinstance(each, JournalEntry)],
            [each for each in named if isinstance(each, Path)],
        )

    @property
    def consequences(self) -> Iterator[str]:
        """What closing each of them leaves as it is, in sentences for the user."""
        for entry in self.entries:
            yield f"{title_of(entry)} ({entry.id[:8]}), {entry.phase}: {_left_as_it_is(entry)}"
        for path in self.damaged:
            yield (
                f"{path} cannot be read. A secret may exist without being saved, an old one may be about to "
                "expire, a key may still work."
            )

    def run(self, say: Callable[[str], None]) -> None:
        """Close them. Raises ConflictError if one is being worked on, or has moved on since."""
        for entry in self.entries:
            with self.journal.lock(entry.lock_name):
                current = self.journal.read(entry.id)
                if current is not None and current != entry:
                    raise ConflictError(f"{title_of(entry)} has moved on meanwhile; it stays open.")
                self.journal.close(entry)
            say(f"Closed: {title_of(entry)}. Nothing was changed at the service.")
        for path in self.damaged:
            say(f"Moved away: {self.journal.move_away(path)}. It blocks nothing any more.")


def _only(wanted: str, known: dict[str, JournalEntry | Path]) -> str:
    fitting = [each for each in known if each == wanted] or [
        each for each in known if each.startswith(wanted)
    ]
    if not wanted or not fitting:
        raise NotFoundError(f"Nothing open has the id {wanted!r}.", hint="See: astalty keys recover")
    if len(fitting) > 1:
        raise UsageError(
            f"{wanted!r} could be any of {len(fitting)} operations; nothing was done.",
            hint="\n".join(["Give more of the id:", *(f"  {each}" for each in fitting)]),
        )
    return fitting[0]


def _left_as_it_is(entry: JournalEntry) -> str:
    match entry.operation, entry.phase:
        case Operation.REVOKE, _:
            return "if the key is not revoked, it still works."
        case Operation.CREATE, _:
            return "if the key was created, it stays active, even if nobody has its secret."
        case _, Phase.VERIFIED:
            return f"the new secret works; the old one works for {_longest(entry)} after the rotation."
    return (
        "the key may have a new secret that nobody has. Then the old one, and whoever uses it, ends "
        f"{_longest(entry)} after the rotation."
    )


def _longest(entry: JournalEntry) -> str:
    return format_duration(timedelta(seconds=entry.first_grace))
