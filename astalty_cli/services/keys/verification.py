"""`--verify`: asks once for each key of the record that is stored here whether it is still accepted."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from astalty_cli.api.client import Client
from astalty_cli.base.errors import LocalError, ServiceError, UnauthorizedError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.config.record import RecordedKey
from astalty_cli.destinations.kinds import Environment, parse
from astalty_cli.services.keys.delivery import readable_secret

Stored = tuple[str | None, Secret]  # the key's id, if whoever holds the secret knows it


def verify(
    keys: Iterable[RecordedKey],
    stored: Iterable[Stored],
    environment: Environment,
    client_with: Callable[[Secret], Client],
) -> dict[str, bool | None]:
    """What the service says of each key whose secret is here, by id; None if its answer decides nothing."""
    keys = list(keys)
    held = [*stored, *_in_destinations(keys, environment)]
    secrets = {key.id: secret for key_id, secret in held if (key := _key_of(key_id, secret, keys))}
    return {key_id: _is_accepted(client_with(secret)) for key_id, secret in secrets.items()}


def _is_accepted(client: Client) -> bool | None:
    try:
        client.capabilities.check_key()
    except ServiceError:
        return None
    except UnauthorizedError:
        return False
    return True


def _key_of(key_id: str | None, secret: Secret, keys: list[RecordedKey]) -> RecordedKey | None:
    """The one key that the secret is of, by its end; several may end alike, and then the id tells."""
    alike = [key for key in keys if key.last_four and key.last_four == secret.last_four]
    if len(alike) > 1:
        alike = [key for key in alike if key.id == key_id]
    return alike[0] if alike else None


def _in_destinations(keys: Iterable[RecordedKey], environment: Environment) -> Iterator[Stored]:
    """What the destinations of the record hold, if they can be read; it may name some of other machines."""
    for key in keys:
        for spec in key.destinations:
            with suppress(LocalError, UsageError):
                held = readable_secret(parse(spec, environment, force=True))
                if held and held.last_four == key.last_four:
                    yield key.id, held
