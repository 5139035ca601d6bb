"""The destinations of an interrupted operation: what they hold, and which of them can take another secret."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from astalty_cli.api.answers import Row
from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey, CurrentKey
from astalty_cli.base.errors import (
    BehindError,
    ConflictError,
    ForbiddenError,
    LocalError,
    UnauthorizedError,
    UsageError,
)
from astalty_cli.base.secret import Secret
from astalty_cli.config.journal import JournalEntry, Phase
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.delivery import can_take
from astalty_cli.services.keys.operation import OperationContext, ensure_not_older


@dataclass(frozen=True)
class Prompts:
    """What the user has to say. `confirm`: to what is about to be done; `--yes` agrees beforehand.

    `ask`: what only a person can know; None if there is nobody to ask.
    """

    confirm: Callable[[str], bool]
    ask: Callable[[str], bool | None]


@dataclass(frozen=True)
class Found:
    """The newest secret of a key, in a destination on this machine: the service has said so."""

    secret: Secret
    key: Row[ApiKey]


@dataclass(frozen=True)
class RecoveryDestinations:
    """`own`: the destinations of the entry that can be used again. `given`: those of `--to`, in their stead.

    `screen` is a terminal to show a secret on, if there is one. `force`: what a slot of `given` holds may
    be replaced.
    """

    operation: OperationContext
    own: Sequence[Destination]
    given: Sequence[Destination]
    screen: Destination | None
    force: bool = False

    def newest(self, entry: JournalEntry) -> Found | None:
        """The key's newest secret, if a destination that can be read holds it; the service is asked.

        Only what ends as the secret that was created is sent there: a destination may hold anybody's by now.
        """
        if entry.phase is Phase.ASKED:  # nothing was handed over yet
            return None
        for secret in {each for each in self._readable(entry) if each.last_four in entry.last_fours[-1:]}:
            read = partial(_current, self.operation.client_with(secret), entry)
            try:
                row = self.operation.caught_up(read, (BehindError, UnauthorizedError))
            except ForbiddenError:
                raise
            except UnauthorizedError:
                continue
            if _is_newest(row.value, entry):
                return Found(secret, Row(row.value, row.raw))
        return None

    def ensure_newest(self, entry: JournalEntry, found: Found) -> None:
        """The user may have thought for long. Raises ConflictError if the secret is another one now."""
        now = self.newest(entry)
        if now is None or now.secret != found.secret:
            raise ConflictError("Its newest secret is another one now, or elsewhere.")

    def _readable(self, entry: JournalEntry) -> Iterator[Secret]:
        own = self.operation.secret  # where the new one was put into the variable by hand
        for secret in (own, *self._in_sinks(), *self._in_holders(entry.key_id or "")):
            if secret.is_well_formed:
                yield secret

    def _in_sinks(self) -> Iterator[Secret]:
        for destination in (*self.own, *self.given):
            try:
                held = destination.held()
            except LocalError:
                if not self.given:  # what is there is unknown, and no other destination was named
                    raise
                continue
            if held:
                yield held

    def _in_holders(self, key_id: str) -> Iterator[Secret]:
        with suppress(LocalError):  # a keyring that is locked now has to be usable only when it is written
            yield from self.operation.holders.secrets(key_id)

    def missing(self, entry: JournalEntry, secret: Secret) -> list[Destination]:
        """The destinations that do not have this secret yet."""
        return [destination for destination in self.given or self.own if not _has(destination, entry, secret)]

    def having(self, entry: JournalEntry, secret: Secret) -> list[str]:
        """The specs of those that do."""
        return [
            destination.spec for destination in self.given or self.own if _has(destination, entry, secret)
        ]

    def maybe(self, entry: JournalEntry) -> list[str]:
        """The destinations that may have the newest secret and cannot be read."""
        if entry.phase is Phase.ASKED:
            return []
        readable = {destination.spec for destination in self.own if destination.readable}
        reached = entry.destinations if entry.phase is Phase.DELIVERING else entry.delivered
        return [spec for spec in reached if spec not in readable]

    def to_ask_about(self, entry: JournalEntry) -> list[str]:
        """The destinations that only the user knows of; none if another secret is to be created anyway.

        That is so if `--to` asks for one, and if a destination that can be read never got its secret.
        """
        if self.given:
            return []
        if entry.phase is Phase.DELIVERED:  # all had it: one that lacks it now has been moved
            return entry.delivered
        return [] if any(destination.readable for destination in self.own) else self.maybe(entry)

    def targets(self, entry: JournalEntry) -> list[Destination]:
        """Where another secret of this operation goes: also to what may use the one before it."""
        if self.given:
            named, maybe = {destination.spec for destination in self.given}, self.maybe(entry)
            return [
                *self.given,
                *(
                    destination
                    for destination in self.own
                    if destination.spec in maybe and destination.spec not in named
                ),
            ]
        own = {destination.spec for destination in self.own}
        shown = any(spec not in own for spec in entry.destinations)
        return [*self.own, *([self.screen] if self.screen and shown else [])]

    def probe(self, targets: Sequence[Destination], key: ApiKey | None, entry: JournalEntry) -> None:
        """As before any call: each can take a secret, and none holds another key's."""
        force = self.force if self.given else entry.force
        last_fours = {*entry.last_fours, key.last_four if key else ""} - {""}
        for destination in targets:
            if not can_take(destination, last_fours, force=force):
                raise UsageError(
                    f"{destination.spec} holds a value that is not this key's secret.",
                    hint=f"Name another destination: {self.operation.recover} --yes --to DESTINATION",
                )


def into(targets: Sequence[Destination]) -> str:
    return f"into {', '.join(destination.spec for destination in targets)}"


def _has(destination: Destination, entry: JournalEntry, secret: Secret) -> bool:
    return destination.held() == secret if destination.readable else destination.spec in entry.delivered


def _current(client: Client, entry: JournalEntry) -> Row[CurrentKey]:
    """Whose a secret is. Raises BehindError if that is what was so before the secret was created."""
    row = client.current_key()
    if row.value.id == entry.key_id:
        ensure_not_older(row.value, entry.rotation + 1)
    return row


def _is_newest(current: CurrentKey, entry: JournalEntry) -> bool:
    whose = (current.account.id, current.id, current.rotation)
    return whose == (entry.account_id, entry.key_id, entry.rotation + 1)
