"""The secret that is to be replaced or ended: looked for on this machine, then asked for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from astalty_cli.base.errors import UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.record import RecordedKey
from astalty_cli.destinations.destination import Destination
from astalty_cli.services.keys.by_hand.checks import is_still_accepted
from astalty_cli.services.keys.by_hand.person import Person
from astalty_cli.services.keys.delivery import readable_secret
from astalty_cli.services.keys.finder import described
from astalty_cli.services.keys.operation import LocalContext


@dataclass(frozen=True)
class OldSecret:
    """`slot` is where a copy may be kept: nowhere if it is in the environment. `holders` are profiles."""

    secret: Secret
    slot: Storage | None
    holders: tuple[str, ...]
    is_accepted: bool


def find(
    context: LocalContext,
    key: RecordedKey,
    destinations: Iterable[Destination],
    variable: Secret | None,
    person: Person,
) -> OldSecret | None:
    """The key's secret: one that ends as the record says, and, if there are several, that is accepted.

    Raises ServiceError if the service's answer decides nothing, UsageError for what was typed.
    """
    rejected: OldSecret | None = None
    asked: set[Secret] = set()
    for secret, slot in _known(context, destinations, variable):
        if secret in asked or not key.last_four or secret.last_four != key.last_four:
            continue
        asked.add(secret)
        found = checked(context, secret, slot)
        if found.is_accepted:
            return found
        rejected = rejected or found
    if rejected is not None:
        return rejected
    typed = person.old_secret(key.name, key.last_four)
    if typed is None:
        return None
    if key.last_four and typed.last_four != key.last_four:
        raise UsageError(
            f"This is not the secret of {described(key)}.",
            hint="Give the secret that the key has now.",
        )
    return checked(context, typed, Storage.FILE)


def checked(context: LocalContext, secret: Secret, slot: Storage | None) -> OldSecret:
    """What is known of a secret. Raises ServiceError if the service's answer decides nothing."""
    holders = tuple(held.holder for held in context.holders.held() if held.secret == secret)
    return OldSecret(secret, slot, holders, is_still_accepted(context, secret))


def _known(
    context: LocalContext, destinations: Iterable[Destination], variable: Secret | None
) -> Iterator[tuple[Secret, Storage | None]]:
    for held in context.holders.held():
        yield held.secret, held.storage
    for destination in destinations:
        if secret := readable_secret(destination):
            is_keyring = destination.spec.startswith("keyring:")
            yield secret, Storage.KEYRING if is_keyring else Storage.FILE
    if variable is not None:
        yield variable, None
