"""Whether a key is accepted. One documented call decides it, and never a call that is assumed.

A firewall, a portal or a proxy may answer for the service. So only JSON counts, and a 403 only beside a 401
that the same call gets without a key; anything else says nothing about the key.
"""

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Raw, Struct

from astalty_cli.api.answers import failure, is_html, is_json
from astalty_cli.api.contract import PAGE_NUMBER, PAGE_SIZE, PARTICIPANTS
from astalty_cli.api.http import HttpResponse
from astalty_cli.base.errors import AstaltyError, ServiceError, UnauthorizedError, UsageError

SECOND_LOOK: Final = 5.0  # seconds after which a pasted key is tried again: reads may lag behind its creation

# A page without rows, so that no person's data gets into the request history.
_NO_ROWS: Final = f"{PARTICIPANTS}?{PAGE_SIZE}=1&{PAGE_NUMBER}=1000000"
_ONE_ROW: Final = f"{PARTICIPANTS}?{PAGE_SIZE}=1"
_BUSY: Final = frozenset({429, 502, 503, 504})  # the same, whichever page is asked for


class Ask(Protocol):
    """Makes a GET, with the key or without one; raises ServiceError if no usable answer came."""

    def __call__(self, target: str, *, with_key: bool) -> HttpResponse: ...


class _List(Struct):
    data: list[Raw]


def check_key(ask: Ask) -> HttpResponse:
    """Return the answer by which the service accepted the key.

    Raises UnauthorizedError if it did not accept the key, and ServiceError if nothing decides that.
    """
    answer = _answer(ask, _NO_ROWS)
    if answer.status >= 400 and answer.status not in {401, 403} | _BUSY:
        answer = _answer(ask, _ONE_ROW)
    if answer.status == 401 and is_json(answer.body, dict[str, Raw]):
        raise failure(answer, PARTICIPANTS)
    if answer.status == 403 and is_json(answer.body, dict[str, Raw]):
        without = _answer(ask, _NO_ROWS, with_key=False)
        if without.status != 401 or not is_json(without.body, dict[str, Raw]):
            raise ServiceError(
                "The answer is 403, with the key and without one. This says nothing about the key.",
                hint="A firewall or a proxy may answer in place of the service.",
                status=403,
            )
    elif answer.status != 200 or not is_json(answer.body, _List):
        raise _says_nothing(_problem(answer))
    return answer


def check_pasted_key(ask: Ask, wait: Callable[[float], None]) -> HttpResponse:
    """As `check_key`, for a key that may have been created a moment ago: two 401s refuse it, not one."""
    try:
        return check_key(ask)
    except UnauthorizedError:
        wait(SECOND_LOOK)
        return check_key(ask)


def _answer(ask: Ask, target: str, *, with_key: bool = True) -> HttpResponse:
    try:
        return ask(target, with_key=with_key)
    except UsageError:  # of this machine, such as a --ca-file that is none
        raise
    except AstaltyError as error:
        raise _says_nothing(error) from None


def _problem(answer: HttpResponse) -> AstaltyError:
    """What is wrong with an answer that does not decide."""
    between = "Check the base URL; a proxy or a login page may stand in between."
    if is_html(answer.body):
        return ServiceError(
            f"The server answered with HTML, not with JSON (HTTP {answer.status}).",
            hint=between,
            status=answer.status,
        )
    if answer.status == 404:
        return ServiceError(
            f"This is not Astalty's API: it has no {PARTICIPANTS}.",
            hint="Check the base URL; astalty doctor says which one is used, and why.",
            status=404,
        )
    if answer.status in {200, 401, 403}:
        what = "not a list of participants" if answer.status == 200 else "not JSON"
        return ServiceError(
            f"The answer of {PARTICIPANTS} is {what} (HTTP {answer.status}).",
            hint=between,
            status=answer.status,
        )
    return failure(answer, PARTICIPANTS)


def _says_nothing(error: AstaltyError) -> ServiceError:
    return ServiceError(
        f"{error.message} This says nothing about the key.",
        hint=error.hint,
        status=error.status,
        worth_retrying=getattr(error, "worth_retrying", True),
        retry_after=getattr(error, "retry_after", None),
    )
