"""Delivers a new secret: each destination is probed before the call, and receives the secret after it."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from astalty_cli.api.identity import Identified, KeyIdentity
from astalty_cli.base.errors import AstaltyError, LocalError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.operation import LocalContext


def probe(destinations: Iterable[Destination], key: Identified | None, *, force: bool) -> None:
    """Check that each destination can take a secret. `key` is the rotated one; None for a new key.

    Raises LocalError if one could not, and UsageError if a slot holds what is not the rotated key's
    own, and `force` is not given.
    """
    for destination in destinations:
        if not can_take(destination, {key.last_four} if key and key.last_four else (), force=force):
            raise UsageError(
                f"{destination.spec} already holds a value that is not this key's secret. Nothing was sent.",
                hint="Choose another destination, or use --force to replace the value.",
            )


def can_take(destination: Destination, last_fours: Collection[str], *, force: bool) -> bool:
    """Whether what a destination holds, if anything, may be replaced: it is one of the key's own secrets.

    Raises LocalError if it could take none.
    """
    destination.probe()
    held = destination.held()
    return held is None or force or held.last_four in last_fours


def readable_secret(destination: Destination) -> Secret | None:
    """What a destination holds, if that can be read now and can be a key."""
    with suppress(LocalError):
        held = destination.held() if destination.readable else None
        return held if held and held.is_well_formed else None
    return None


@dataclass
class Delivery:
    """The result of a delivery: `done` (earlier ones included) and `failed`, by spec."""

    operation: LocalContext
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def run(self, destinations: Sequence[Destination], key: KeyIdentity, secret: Secret) -> None:
        """Give it to all of them, also after one that fails. If none takes it, show it on the terminal."""
        for destination in destinations:
            try:
                destination.deliver(key, secret)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other destinations come next
                self.failed[destination.spec] = failure_text(error)
            else:
                self.done.append(destination.spec)
                if destination.success_message:
                    self.operation.say(destination.success_message)
        if self.failed and not self.done:
            self._show(key, secret)

    def _show(self, key: KeyIdentity, secret: Secret) -> None:
        if self.operation.show is None:
            return
        try:
            self.operation.show(key, secret)
        except OSError:
            return  # there is no terminal to show it on
        self.operation.say("No destination took the new secret, so it was shown on the terminal.")

    def story(self, key: Identified) -> str:
        """What happened, for people."""
        failed = " ".join(f"{spec}: {reason}" for spec, reason in self.failed.items())
        if self.done:
            took = ", ".join(self.done)
            return f"The new secret of {described(key)} is in {took}, but not everywhere. {failed}"
        return f"The new secret of {described(key)} could not be handed over. {failed}"


def failure_text(error: BaseException) -> str:
    """A failure in a sentence; of one that nobody foresaw only the name, since its text may hold anything."""
    if isinstance(error, AstaltyError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return "Interrupted." if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}."
