"""A request's body as a struct, or Laravel's messages on what is wrong with each field of it."""

from typing import TypeVar

import msgspec

from astalty_cli.sandbox.exchange import MAX_BODY, Call, is_length
from astalty_cli.sandbox.problems import INVALID, Problem, invalid

T = TypeVar("T", bound=msgspec.Struct)


def read_body(call: Call, kind: type[T]) -> T:
    """Decode the JSON body. Without a body it is `{}`; without a Content-Type it is taken for JSON.

    Raises `Problem`: 413 for a body over `MAX_BODY`, 415 for another Content-Type, 400 for what is not JSON
    or has a senseless Content-Length, 422 with messages for each field. The rules come from the struct's
    types alone, so they are the OpenAPI document's, too.
    """
    _check_length(call)
    content_type = call.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(415, "The body must be application/json.")
    body = call.body or b"{}"
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError):
        return _read_again(body, kind)


def _check_length(call: Call) -> None:
    length = call.headers.get("Content-Length", "")
    if length and not is_length(length):
        raise Problem(400, "The Content-Length header is not a number.")
    if len(call.body) > MAX_BODY:
        raise Problem(413, f"The body must not be greater than {MAX_BODY} bytes.")


def _read_again(body: bytes, kind: type[T]) -> T:
    """Read what did not fit at once: to say why, or since in JSON 2.0 is an integer, too."""
    from astalty_cli.sandbox.field_rules import complaints

    try:
        values = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not valid JSON.") from None
    if not isinstance(values, dict):
        raise invalid("body", "The body must be an object.")
    values = {name: _whole(value) for name, value in values.items()}
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError:
        raise Problem(422, INVALID, errors=complaints(values, kind)) from None


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
