"""Handing a new secret to its sinks: each is asked before the call that makes it, and each is given it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import AstaltyError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.destinations.destination import Sink
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.operation import Session


def probe(sinks: Iterable[Sink], key: ApiKey | None, *, force: bool) -> None:
    """Find out whether each sink could take a secret. `key` is the rotated one; None where one is made.

    Raises LocalError where one could not, and UsageError where a slot holds what is not the rotated key's
    own, and `force` is not given.
    """
    for sink in sinks:
        if not can_take(sink, {key.last_four} if key else (), force=force):
            raise UsageError(
                f"{sink.spec} holds a value already, which is not this key's secret; nothing was sent.",
                hint="Name another place, or say --force to replace it.",
            )


def can_take(sink: Sink, last_fours: Collection[str], *, force: bool) -> bool:
    """Whether what a place holds, if anything, may be replaced: it ends as one of the key's own secrets.

    Raises LocalError where it could take none.
    """
    sink.probe()
    held = sink.held()
    return held is None or force or held.last_four in last_fours


@dataclass
class Delivery:
    """What became of handing a secret over: `done` (also before) and `failed` are by the sinks' specs."""

    session: Session
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, sinks: Sequence[Sink], key: Row[ApiKey], secret: Secret) -> None:
        """Give it to all of them, also after one that fails. If none takes it, show it on the terminal."""
        for sink in sinks:
            try:
                sink.deliver(key, secret)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other sinks come next
                self.failed[sink.spec] = why(error)
            else:
                self.done.append(sink.spec)
                if sink.told:
                    self.session.say(sink.told)
        if self.failed and not self.done:
            self._show(key.value, secret)

    def _show(self, key: ApiKey, secret: Secret) -> None:
        try:
            self.session.show(key, secret)
        except OSError:
            return  # there is no terminal to show it on
        self.session.say("No sink took the new secret, so it was shown on the terminal.")

    def story(self, key: ApiKey) -> str:
        """What happened, for people."""
        failed = " ".join(f"{spec}: {reason}" for spec, reason in self.failed.items())
        if self.done:
            took = ", ".join(self.done)
            return f"The new secret of {described(key)} is in {took}, but not everywhere. {failed}"
        return f"The new secret of {described(key)} could not be handed over. {failed}"


def why(error: BaseException) -> str:
    """A failure in a sentence; of one that nobody foresaw only the name, since its text may hold anything."""
    if isinstance(error, AstaltyError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return "Interrupted." if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}."
