"""How a key's secret is obtained and an earlier one ended: one protocol, with two implementations.

In place (`in_place.py`): the service gives the key another secret. By hand (`by_hand/`): a person creates a
key on the web page and deletes the old one there. Journal, delivery and recovery are the same for both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from astalty_cli.api.identity import Identified, KeyIdentity
from astalty_cli.base.errors import AstaltyError, ConflictError, LeftOpenError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import command
from astalty_cli.config.journal import JournalEntry
from astalty_cli.services.keys.delivery import failure_text
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.operation import LocalContext


@dataclass(frozen=True)
class NewSecret:
    """A secret that an operation has obtained, the key that it is of, and the operation's journal entry."""

    entry: JournalEntry
    key: KeyIdentity
    secret: Secret


@dataclass(frozen=True)
class Ended:
    """A key after its old secret was set to end; `until` is None once the old one no longer works."""

    key: KeyIdentity
    until: datetime | None


class KeyIssuer(Protocol):
    """One way to obtain and end secrets; the order is explained in docs/explanation/rotation.md."""

    def old_text(self, entry: JournalEntry) -> str:
        """What holds for the old secret until it is set to end, as part of a sentence."""

    def issue(self, entry: JournalEntry) -> NewSecret:
        """Obtain the secret that an entry asks for; its journal entry is then in the phase `delivering`.

        Raises LeftOpenError once a secret may exist. After any other error there is nothing to finish, and
        the entry is closed.
        """

    def delivered(self, new: NewSecret) -> None:
        """Note a created key in the record, once a destination has its secret."""

    def verify(self, new: NewSecret) -> None:
        """Verify that the service accepts the new secret, and let this machine's profiles use it."""

    def end_old(self, new: NewSecret) -> Ended:
        """End the old secret once its grace period is over. Raises LeftOpenError if that is not sure."""


@contextmanager
def left_open(operation: LocalContext, entry: JournalEntry, key: Identified, old: str) -> Iterator[None]:
    """Add to an error after the hand-over what works now: no one is locked out.

    If someone else has rotated since, there is nothing left to finish, and the entry is closed.
    """
    try:
        yield
    except ConflictError as error:
        operation.journal.close(entry)
        raise ConflictError(
            f"Meanwhile someone else rotated {described(key)} as well: "
            "the secret handed over here is no longer its newest, and works for their grace period.",
            hint="Use theirs, or agree with them and rotate once more. "
            f"See: {command('astalty keys show', key.id)}",
            status=error.status,
        ) from None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, say what holds
        raise LeftOpenError(
            f"{failure_text(error)} The new secret of {described(key)} was handed over; {old}.",
            hint=f"Finish it: {operation.recover}",
            status=error.status if isinstance(error, AstaltyError) else None,
        ) from None
