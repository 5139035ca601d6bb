"""The places of an interrupted operation: what they hold, and which of them can take another secret."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey, CurrentKey
from astalty_cli.base.errors import ForbiddenError, LocalError, UnauthorizedError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.config.journal import Entry, Phase
from astalty_cli.destinations.destination import Sink
from astalty_cli.services.keys.delivery import can_take
from astalty_cli.services.keys.operation import Session


@dataclass(frozen=True)
class Words:
    """What the user has to say. `agrees`: to what is about to be done; `--yes` agrees beforehand.

    `knows`: what only a person can know; None where there is nobody to ask.
    """

    agrees: Callable[[str], bool]
    knows: Callable[[str], bool | None]


@dataclass(frozen=True)
class Found:
    """The newest secret of a key, in a place on this machine: the service has said so."""

    secret: Secret
    key: Row[ApiKey]


@dataclass(frozen=True)
class Places:
    """`own`: the sinks of the entry that can be used again. `given`: those of `--to`, in their stead.

    `screen` is a terminal to show a secret on, where there is one. `force`: what a slot of `given` holds may
    be replaced.
    """

    session: Session
    own: Sequence[Sink]
    given: Sequence[Sink]
    screen: Sink | None
    force: bool = False

    def newest(self, entry: Entry) -> Found | None:
        """The key's newest secret, where a place that can be read holds it; the service is asked.

        Only what ends as the secret that was made is sent there: a place may hold anybody's by now.
        """
        if entry.phase is Phase.ASKED:  # nothing was handed over yet
            return None
        for secret in {each for each in self._readable(entry) if each.last_four in entry.last_fours[-1:]}:
            try:
                row = self.session.client_with(secret).current_key()
            except ForbiddenError:
                raise
            except UnauthorizedError:
                continue
            if _is_newest(row.value, entry):
                return Found(secret, Row(row.value, row.raw))
        return None

    def _readable(self, entry: Entry) -> Iterator[Secret]:
        own = self.session.secret  # where the new one was put into the variable by hand
        for secret in (own, *self._in_sinks(), *self._in_holders(entry.key_id or "")):
            if secret.is_well_formed:
                yield secret

    def _in_sinks(self) -> Iterator[Secret]:
        for sink in (*self.own, *self.given):
            try:
                held = sink.held()
            except LocalError:
                if not self.given:  # nobody knows what is there, and no other place was named
                    raise
                continue
            if held:
                yield held

    def _in_holders(self, key_id: str) -> Iterator[Secret]:
        with suppress(LocalError):  # a keyring that is locked now has to be usable only when it is written
            yield from self.session.holders.secrets(key_id)

    def missing(self, entry: Entry, secret: Secret) -> list[Sink]:
        """The sinks that do not have this secret yet."""
        return [sink for sink in self.given or self.own if not _has(sink, entry, secret)]

    def having(self, entry: Entry, secret: Secret) -> list[str]:
        """The specs of those that do."""
        return [sink.spec for sink in self.given or self.own if _has(sink, entry, secret)]

    def maybe(self, entry: Entry) -> list[str]:
        """The places that may have the newest secret and cannot be read."""
        if entry.phase is Phase.ASKED:
            return []
        readable = {sink.spec for sink in self.own if sink.readable}
        reached = entry.sinks if entry.phase is Phase.DELIVERING else entry.delivered
        return [spec for spec in reached if spec not in readable]

    def to_ask_about(self, entry: Entry) -> list[str]:
        """The places that only the user can tell of; none where another secret is to be made anyway.

        That is so where `--to` asks for one, and where a place that can be read never got its secret.
        """
        if self.given:
            return []
        if entry.phase is Phase.DELIVERED:  # all had it: one that lacks it now has been moved
            return entry.delivered
        return [] if any(sink.readable for sink in self.own) else self.maybe(entry)

    def targets(self, entry: Entry) -> list[Sink]:
        """Where another secret of this operation goes: also to what may use the one before it."""
        if self.given:
            named, maybe = {sink.spec for sink in self.given}, self.maybe(entry)
            return [
                *self.given,
                *(sink for sink in self.own if sink.spec in maybe and sink.spec not in named),
            ]
        own = {sink.spec for sink in self.own}
        shown = any(spec not in own for spec in entry.sinks)
        return [*self.own, *([self.screen] if self.screen and shown else [])]

    def probe(self, targets: Sequence[Sink], key: ApiKey | None, entry: Entry) -> None:
        """As before any call: each can take a secret, and none holds another key's."""
        force = self.force if self.given else entry.force
        last_fours = {*entry.last_fours, key.last_four if key else ""} - {""}
        for sink in targets:
            if not can_take(sink, last_fours, force=force):
                raise UsageError(
                    f"{sink.spec} holds a value that is not this key's secret.",
                    hint=f"Name another place: {self.session.recover} --yes --to SINK",
                )


def into(targets: Sequence[Sink]) -> str:
    return f"into {', '.join(sink.spec for sink in targets)}"


def _has(sink: Sink, entry: Entry, secret: Secret) -> bool:
    return sink.held() == secret if sink.readable else sink.spec in entry.delivered


def _is_newest(current: CurrentKey, entry: Entry) -> bool:
    whose = (current.account.id, current.id, current.rotation)
    return whose == (entry.account_id, entry.key_id, entry.rotation + 1)
