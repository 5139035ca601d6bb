"""The person at the web page: creates and deletes keys there, which no program can."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Access


@dataclass(frozen=True)
class PageKey:
    """A key as the web page shows it. `page_name` is None if its name there is unknown."""

    page_name: str | None
    access: Access | str | None = None
    last_four: str = ""


@dataclass(frozen=True)
class Deletion:
    """A key to delete on the page. `new` is the one that replaces it, if any; `due_at` is when.

    `name` is the record's; None for a key that it does not have. `comes_first`: a new key is created then.
    """

    name: str | None
    old: PageKey
    new: PageKey | None
    due_at: datetime
    comes_first: bool = False


class Person(Protocol):
    """`is_here`: on a terminal, so that questions and waits make sense."""

    is_here: bool

    def create(self, key: PageKey, replacing: PageKey | None) -> None:
        """Say how to create a key on the page."""

    def new_secret(self) -> Secret | None:
        """The secret of the key that was created; None if none can be given. Raises UsageError."""

    def old_secret(self, name: str, last_four: str) -> Secret | None:
        """The secret that is to be replaced or ended; None if none can be given. Raises UsageError."""

    def delete(self, deletion: Deletion) -> None:
        """Say which key to delete on the page, now."""

    def delete_later(self, deletion: Deletion, then: str) -> None:
        """Say which key to delete on the page once it is due, and the command to run then."""

    def interrupted(self) -> None:
        """End the line on which the terminal has shown ^C."""

    def waiting(self, seen: str) -> None:
        """Say what the last look has shown, while the program waits for the deletion."""
