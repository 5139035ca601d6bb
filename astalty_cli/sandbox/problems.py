"""What the API says when it says no, in Laravel's shape."""

from msgspec import Struct

UNAUTHENTICATED = "Unauthenticated."
INVALID = "The given data was invalid."
UNAUTHORIZED = "This action is unauthorized."
TOO_MANY = "Too Many Attempts."
NOT_FOUND = "The record was not found."
SERVER_ERROR = "Server Error"


class ErrorBody(Struct, frozen=True, omit_defaults=True):
    """`errors` is there only if there are messages for fields."""

    message: str
    errors: dict[str, list[str]] = {}


class Problem(Exception):  # noqa: N818 - an answer, as RFC 9457 has the word
    """An answer other than the one asked for: `status`, one sentence, and messages for each field."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors or {}
        self.headers = headers or {}

    def payload(self) -> ErrorBody:
        return ErrorBody(self.message, self.errors)


def not_found() -> Problem:
    return Problem(404, NOT_FOUND)


def no_route(path: str) -> Problem:
    return Problem(404, f"The route {path.lstrip('/')} could not be found.")


def invalid(field: str, message: str) -> Problem:
    return Problem(422, INVALID, errors={field: [message]})
