"""Making a secret: create a key, or rotate one without ever locking anybody out.

The order of a rotation is the product's promise (docs/explanation/rotation.md): a new secret with the
longest grace the service gives, delivery, a call that proves the new secret, and only then is the clock
of the old one started.
"""

import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from astalty_cli.api.answers import Issued, Row
from astalty_cli.api.client import Client
from astalty_cli.api.contract import MAX_GRACE
from astalty_cli.api.models import ApiKey
from astalty_cli.errors import AstaltyError, ConflictError, LeftOpenError, ServiceError, UnauthorizedError
from astalty_cli.secret import Secret
from astalty_cli.services.keys import described
from astalty_cli.sinks.sink import Sink
from astalty_cli.times import local


def create(client: Client, name: str, sink: Sink) -> Row[ApiKey]:
    """Make a key and deliver its secret. Raises LeftOpenError where a secret may be in nobody's hands."""
    try:
        issued = client.create_key(name, idempotency_key=secrets.token_hex(16))
    except (ServiceError, KeyboardInterrupt) as error:
        raise _lost(
            error,
            f"the key {name!r} may exist with a secret that nobody has seen.",
            hint="Look: astalty keys list. If it is there: "
            f"astalty keys rotate {shlex.quote(name)} --grace 0 gives it a new secret.",
        ) from None
    _deliver(issued, sink, hint=f"Rotate it for a new secret: astalty keys rotate {issued.row.value.id}")
    return issued.row


@dataclass(frozen=True)
class Rotation:
    """One rotation: whose key, how long the old secret may still live, and where the new one goes.

    `account_id` is whose key it is, as the client's own key says; `client_with` gives the same API with
    another secret; `adopt` stores the new one wherever this machine holds the key.
    """

    client: Client
    client_with: Callable[[Secret], Client]
    sink: Sink
    adopt: Callable[[ApiKey, Secret], None]
    grace: timedelta
    account_id: str

    def run(self, key: ApiKey) -> ApiKey:
        """Rotate, and return the key as it is in the end.

        Raises LeftOpenError from the moment when a new secret may exist: it says what still works.
        """
        issued = self._issue(key)
        again = f"The old secret still works. Rotate once more: astalty keys rotate {key.id}"
        secret = _deliver(issued, self.sink, hint=again)
        new = issued.row.value
        with _left_open(new, "the old one was not ended by us: left alone, it works for seven more days"):
            proved = self._prove(new, secret)
            self.adopt(new, secret)
        unknown = "works for the grace at least, and for seven days at most"
        with _left_open(new, f"the old one {unknown if self.grace else 'may have ended'}"):
            ended = self._end_the_old(new, proved)
        until = ended.previous_expires_at
        with _left_open(new, f"the old one works until {local(until)}" if until else "the old one was ended"):
            _confirm(ended, proved.get_key(ended.id).value)
        return ended

    def _issue(self, key: ApiKey) -> Issued:
        try:
            return self.client.rotate_key(
                key.id,
                grace_seconds=MAX_GRACE,
                if_rotation=key.rotation,
                idempotency_key=secrets.token_hex(16),
            )
        except ConflictError as error:
            raise ConflictError(
                f"Someone else rotated {described(key)} first; nothing was done.",
                hint=f"See: astalty keys show {key.id}",
                status=error.status,
            ) from None
        except (ServiceError, KeyboardInterrupt) as error:
            raise _lost(
                error,
                f"{described(key)} may have a new secret that nobody has seen. The old one still works.",
                hint=f"Rotate once more: astalty keys rotate {key.id}",
            ) from None

    def _prove(self, expected: ApiKey, secret: Secret) -> Client:
        proved = self.client_with(secret)
        try:
            current = proved.current_key().value
        except UnauthorizedError as error:
            raise ServiceError(
                "The service does not accept the new secret; someone else may have rotated the key since.",
                status=error.status,
            ) from None
        if (current.account.id, current.id) != (self.account_id, expected.id):
            raise ServiceError("The new secret does not belong to the key that was rotated.")
        _must_be_the_newest(current, expected)
        return proved

    def _end_the_old(self, key: ApiKey, proved: Client) -> ApiKey:
        seconds = int(self.grace.total_seconds())
        return proved.expire_previous(key.id, within_seconds=seconds, if_rotation=key.rotation).value


def _confirm(ended: ApiKey, found: ApiKey) -> None:
    _must_be_the_newest(found, ended)
    if found.previous_expires_at not in {ended.previous_expires_at, None}:  # None: the grace is over already
        raise ServiceError("The service says something else of the old secret than a moment ago.")


def _must_be_the_newest(found: ApiKey, expected: ApiKey) -> None:
    if found.rotation != expected.rotation:
        raise ConflictError("Its rotation has moved on.")


@contextmanager
def _left_open(key: ApiKey, old: str) -> Iterator[None]:
    """Say of a step that failed after the hand-over what holds now: nobody is locked out."""
    try:
        yield
    except ConflictError as error:
        raise ConflictError(
            f"Meanwhile someone else rotated {described(key)} as well: "
            "the secret handed over here is no longer its newest, and ends with their grace.",
            hint=f"Use theirs, or agree with them and rotate once more. See: astalty keys show {key.id}",
            status=error.status,
        ) from None
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, say what holds
        raise LeftOpenError(
            f"{_why(error)} The new secret of {described(key)} was handed over; {old}.",
            hint=f"See: astalty keys show {key.id}. Rotating again is harmless.",
            status=error.status if isinstance(error, AstaltyError) else None,
        ) from None


def _lost(error: ServiceError | KeyboardInterrupt, then: str, *, hint: str) -> AstaltyError:
    """What to raise where no answer came: "unknown", never "failed", unless nothing can have happened."""
    if isinstance(error, KeyboardInterrupt):
        return LeftOpenError(f"Interrupted before the answer came, so {then}", hint=hint)
    if not error.outcome_unknown:
        return error
    return LeftOpenError(f"The answer was lost, so {then} {error.message}", hint=hint, status=error.status)


def _deliver(issued: Issued, sink: Sink, *, hint: str) -> Secret:
    key, secret = issued.row, issued.secret
    if secret is None:
        raise LeftOpenError(
            f"The service made a secret for {described(key.value)} and did not send it.", hint=hint
        )
    try:
        sink.deliver(key, secret)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, say what holds
        was = "may not have been" if isinstance(error, KeyboardInterrupt) else "could not be"
        raise LeftOpenError(
            f"The new secret of {described(key.value)} {was} handed over. {_why(error)}", hint=hint
        ) from None
    return secret


def _why(error: BaseException) -> str:
    """A failure in a sentence; of one that nobody foresaw only the name, since its text may hold anything."""
    if isinstance(error, AstaltyError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return "Interrupted." if isinstance(error, KeyboardInterrupt) else f"{type(error).__name__}."
