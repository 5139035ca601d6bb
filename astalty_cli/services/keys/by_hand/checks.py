"""What the service says of keys, by documented calls alone (docs/reference/api-contract.md)."""

from contextlib import suppress
from enum import Enum, auto
from typing import Final

import msgspec
from msgspec import Struct

from astalty_cli.api import contract
from astalty_cli.api.answers import failure
from astalty_cli.base.errors import AstaltyError, ServiceError, UnauthorizedError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.secret import Secret
from astalty_cli.services.keys.operation import LocalContext

SECOND_LOOK: Final = 5.0  # seconds after which a 401 is asked for again: reads may lag

_ONE: Final = f"{contract.PARTICIPANTS}?{contract.PAGE_SIZE}=1"


class Same(Enum):
    """Whether two keys are of one account."""

    YES = auto()
    NO = auto()
    UNKNOWN = auto()


class _Participant(Struct):
    id: str


class _Participants(Struct):
    data: list[_Participant]


def is_accepted(context: LocalContext, secret: Secret) -> bool:
    """One look. Raises ServiceError if the answer decides nothing."""
    return accepting_status(context, secret) is not None


def accepting_status(context: LocalContext, secret: Secret) -> int | None:
    """The HTTP status by which the service accepted a key; None if it did not. Raises as `is_accepted`."""
    try:
        return context.client_with(secret).capabilities.check_key().status
    except UnauthorizedError:
        return None


def is_still_accepted(context: LocalContext, secret: Secret) -> bool:
    """As `is_accepted`; a 401 counts once it has come twice, five seconds apart."""
    if is_accepted(context, secret):
        return True
    context.say(f"The service rejects the key that ends in {secret.last_four}. Checking once more…")
    context.sleep(SECOND_LOOK)
    return is_accepted(context, secret)


def accepted_elsewhere(
    context: LocalContext, variable: Secret | None, besides: Secret | None = None
) -> Secret | None:
    """A secret of this machine that the service accepts, `besides` left out. An undecided answer is no."""
    held = [each.secret for each in context.holders.held()]
    for secret in dict.fromkeys([*held, *([variable] if variable else [])]):
        with suppress(AstaltyError):
            if secret != besides and is_accepted(context, secret):
                return secret
    return None


def compare_accounts(context: LocalContext, known: Secret, new: Secret) -> Same:
    """Whether the new key can read a record that the known one can.

    Raises ServiceError if no usable answer came.
    """
    client = context.client_with(known)
    listed = client.call("GET", _ONE)
    try:
        found = msgspec.json.decode(listed.body, type=_Participants).data if listed.status == 200 else []
    except JSON_DECODE_ERRORS:
        found = []
    if not found:
        return Same.UNKNOWN
    path = f"{contract.PARTICIPANTS}/{found[0].id}"
    if not contract.is_uuid(found[0].id):
        return Same.UNKNOWN
    answer = context.client_with(new).call("GET", path)
    if answer.status == 200:
        return Same.YES
    if answer.status == 404 and client.call("GET", path).status == 200:
        return Same.NO
    if answer.status == 429 or answer.status >= 500:
        error = failure(answer, path)
        raise ServiceError(error.message, hint=error.hint, status=error.status)
    return Same.UNKNOWN
