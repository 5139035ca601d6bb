"""Every failure a user can meet, each with its exit code.

    AstaltyError
    ├── UsageError          2  a bad flag or value, an ambiguous key, a question nobody can answer
    │   └── LocalError      2  a file, folder, keyring or database of this machine is not usable
    ├── NotFoundError       3  the thing is absent, or not visible to this account
    │   └── NotOfferedError 3  this server has no such endpoint
    ├── UnauthorizedError   4  no key, or one the server does not accept
    │   └── ForbiddenError  4  the key may not do this
    ├── RefusedError        5  the server said no: validation
    │   └── ConflictError   5  someone else changed it first
    ├── ServiceError        6  unreachable, time-out, 5xx, still rate limited, not JSON
    │   └── BehindError     6  a read is older than what is known already
    ├── LeftOpenError       7  a secret or a rotation is not finished
    ├── FindingsError       8  `keys audit` found what --fail-on named
    ├── ChecksError            as the worst of what `doctor` found
    ├── SeveralError           as the worst of what it holds
    ├── ReaderLeftError     0  nobody reads stdout any more (`| head`): no failure, nothing is said
    └── InterruptedByUser 130  Ctrl-C, or "no" to a question

`code` is the word scripts see in `{"error": {"code": …}}`; the numbers are the product's contract
(docs/reference/exit-codes.md). Only `main.py` turns one into an exit.
"""

from typing import Final

MOST_SAID: Final = 500  # characters of what a server says that a message repeats


_LONGER_THAN_A_SECRET: Final = 3 * 4096  # characters, however one is spelled


def brief(text: str, most: int = MOST_SAID) -> str:
    """The start of a text that is long. What is hidden is hidden before the cut: half a secret is one too."""
    if len(text) <= most:
        return text
    from astalty_cli.base.hiding import hide

    return f"{hide(text[: most + _LONGER_THAN_A_SECRET])[:most]}…"


class AstaltyError(Exception):
    """A failure with one line of what happened (`message`) and one line of what to do (`hint`).

    `status` is the HTTP status if a server answered; `errors` its messages for each field.
    """

    exit_code = 1
    code = "internal"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        errors: dict[str, list[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status
        self.errors = errors or {}


class UsageError(AstaltyError):
    exit_code = 2
    code = "usage"


class LocalError(UsageError):
    code = "local"


class NotFoundError(AstaltyError):
    exit_code = 3
    code = "not_found"


class NotOfferedError(NotFoundError):
    code = "not_offered"


class UnauthorizedError(AstaltyError):
    exit_code = 4
    code = "unauthorized"


class ForbiddenError(UnauthorizedError):
    code = "forbidden"


class RefusedError(AstaltyError):
    exit_code = 5
    code = "refused"


class ConflictError(RefusedError):
    code = "conflict"


class ServiceError(AstaltyError):
    """`outcome_unknown`: the server may have acted, although no usable answer came.

    `worth_retrying`: the same request may fare better in a moment, or after `retry_after` seconds where
    the server said so.
    """

    exit_code = 6
    code = "service"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        outcome_unknown: bool = False,
        worth_retrying: bool = True,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message, hint=hint, status=status)
        self.outcome_unknown = outcome_unknown
        self.worth_retrying = worth_retrying
        self.retry_after = retry_after


class BehindError(ServiceError):
    """A read shows what was before a change that is known: "not yet", and no sign of anybody else."""


class LeftOpenError(AstaltyError):
    exit_code = 7
    code = "left_open"


class FindingsError(AstaltyError):
    exit_code = 8
    code = "findings"


class ChecksError(AstaltyError):
    """Checks of `doctor` have failed; what to do about each has been said with it."""

    code = "checks"

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class SeveralError(AstaltyError):
    """Some of several arguments failed: each is named in `errors`, and the worst sets the exit code."""

    def __init__(self, message: str, failures: dict[str, AstaltyError]) -> None:
        super().__init__(message, errors={name: [error.message] for name, error in failures.items()})
        worst = max(failures.values(), key=lambda error: error.exit_code)
        self.exit_code, self.code, self.hint, self.status = (
            worst.exit_code,
            worst.code,
            worst.hint,
            worst.status,
        )


class ReaderLeftError(AstaltyError):
    exit_code = 0
    code = "reader_left"

    def __init__(self) -> None:
        super().__init__("Nobody reads stdout any more.")


class InterruptedByUser(AstaltyError):  # noqa: N818 - it is no error of anybody's
    exit_code = 130
    code = "interrupted"

    def __init__(self, message: str = "Interrupted.") -> None:
        super().__init__(message)
