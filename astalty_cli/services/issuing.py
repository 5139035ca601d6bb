"""Making a secret: create a key, or rotate one without ever locking anybody out.

The order of a rotation is the product's promise (docs/explanation/rotation.md): a new secret with the
longest grace the service gives, delivery, a call that proves the new secret, and only then is the clock
of the old one started.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from astalty_cli.api.answers import Issued, Row
from astalty_cli.api.client import Client
from astalty_cli.api.contract import MAX_GRACE
from astalty_cli.api.models import ApiKey
from astalty_cli.errors import AstaltyError, LeftOpenError, ServiceError
from astalty_cli.secret import Secret
from astalty_cli.services.keys import described
from astalty_cli.sinks.sink import Sink


def create(client: Client, name: str, sink: Sink) -> Row[ApiKey]:
    """Make a key and deliver its secret. Raises LeftOpenError where a secret may be in nobody's hands."""
    try:
        issued = client.create_key(name, idempotency_key=secrets.token_hex(16))
    except ServiceError as error:
        if not error.outcome_unknown:
            raise
        raise LeftOpenError(
            f"The answer was lost, so the key {name!r} may exist with a secret that nobody has seen. "
            f"{error.message}",
            hint="Look: astalty keys list. If it is there: "
            "astalty keys rotate NAME --grace 0 gives it a new secret.",
            status=error.status,
        ) from None
    _deliver(issued, sink, lost="Revoke it, or rotate it for a new secret.")
    return issued.row


@dataclass(frozen=True)
class Rotation:
    """One rotation: whose key, how long the old secret may still live, and where the new one goes.

    `client_with` gives the same API with another secret; `adopt` stores the new one wherever this
    machine holds the key.
    """

    client: Client
    client_with: Callable[[Secret], Client]
    sink: Sink
    adopt: Callable[[ApiKey, Secret], None]
    grace: timedelta

    def run(self, key: ApiKey) -> Row[ApiKey]:
        """Rotate, and return the key as it is in the end.

        Raises LeftOpenError from the moment when a new secret may exist: it says what still works.
        """
        issued = self._issue(key)
        secret = _deliver(issued, self.sink, lost="The old secret still works: rotate once more.")
        try:
            proved = self._prove(issued.row.value, secret)
            self.adopt(issued.row.value, secret)
            return self._end_the_old(issued.row.value, proved)
        except AstaltyError as error:
            raise LeftOpenError(
                f"{error.message} The new secret of {described(issued.row.value)} was handed over; "
                "the old one was not ended and may work for up to seven more days.",
                hint="Check with: astalty keys show KEY. Rotating again is harmless.",
                status=error.status,
            ) from None

    def _issue(self, key: ApiKey) -> Issued:
        try:
            return self.client.rotate_key(
                key.id,
                grace_seconds=MAX_GRACE,
                if_rotation=key.rotation,
                idempotency_key=secrets.token_hex(16),
            )
        except ServiceError as error:
            if not error.outcome_unknown:
                raise
            raise LeftOpenError(
                f"The answer was lost, so {described(key)} may have a new secret that nobody has seen. "
                f"The old secret still works. {error.message}",
                hint="Rotate once more: astalty keys rotate KEY.",
                status=error.status,
            ) from None

    def _prove(self, expected: ApiKey, secret: Secret) -> Client:
        proved = self.client_with(secret)
        current = proved.current_key().value
        if (current.id, current.rotation) != (expected.id, expected.rotation):
            raise ServiceError("The new secret does not belong to the key that was rotated.")
        return proved

    def _end_the_old(self, key: ApiKey, proved: Client) -> Row[ApiKey]:
        seconds = int(self.grace.total_seconds())
        proved.expire_previous(key.id, within_seconds=seconds, if_rotation=key.rotation)
        return proved.get_key(key.id)


def _deliver(issued: Issued, sink: Sink, *, lost: str) -> Secret:
    key, secret = issued.row, issued.secret
    if secret is None:
        raise LeftOpenError(
            f"The service made a secret for {described(key.value)} and did not send it.", hint=lost
        )
    try:
        sink.deliver(key, secret)
    except OSError as error:
        raise LeftOpenError(
            f"The new secret of {described(key.value)} could not be handed over: {error.strerror}.",
            hint=lost,
        ) from None
    return secret
