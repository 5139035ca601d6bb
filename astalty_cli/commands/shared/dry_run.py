"""`--dry-run`: the requests that would change something, shown and not made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.models import ApiKey, ExpirePrevious, RotateKey
from astalty_cli.base.hiding import hide, hide_bytes, hide_value
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.base.secret import Secret
    from astalty_cli.destinations.destination import Destination
    from astalty_cli.output.fields import Field
    from astalty_cli.output.output import Output
    from astalty_cli.services.requests.request import Request as Typed

Request = tuple[str, str, msgspec.Struct | None]  # method, path, body


class Planned(msgspec.Struct, omit_defaults=True):
    """A request that would be made, with the key that would make it, masked."""

    method: str
    url: str
    authorization: str
    body: msgspec.Raw
    headers: dict[str, str] = {}


def show(
    context: Context,
    requests: Sequence[Request],
    destinations: Sequence[Destination] = (),
    secret: Secret | None = None,
) -> None:
    """Print the requests, and say which destinations were asked whether they can take a secret.

    `secret` is the key that would make them, if that is not the one in force.
    """
    secret = secret or context.secret()
    shown = context.output.columns(columns.PLAN, Planned)
    for destination in destinations:
        context.output.note(f"{destination.spec}: can take the secret.")
    planned = [
        Planned(
            method,
            context.settings.base_url.value + path,
            f"Bearer …{secret.last_four}",
            msgspec.Raw(hide_bytes(msgspec.json.encode(body))),
        )
        for method, path, body in requests
    ]
    _print(context.output, planned, shown)


def show_call(context: Context, request: Typed) -> None:
    """Print a call as it was typed, but for secrets; a body that is not JSON is shown as a text."""
    shown, secret = context.output.columns(columns.CALL, Planned), context.secret()
    planned = Planned(
        request.method,
        context.settings.base_url.value + hide(request.target),
        f"Bearer …{secret.last_four}",
        msgspec.Raw(hide_bytes(_as_json(request.body))),
        {name: hide_value(name, value) for name, value in request.headers.items()},
    )
    _print(context.output, [planned], shown)


def _as_json(body: bytes | None) -> bytes:
    try:
        return msgspec.json.format(body or b"null", indent=-1)
    except JSON_DECODE_ERRORS:
        return msgspec.json.encode((body or b"").decode("utf-8", "replace"))


def _print(output: Output, planned: Sequence[Planned], shown: Sequence[Field]) -> None:
    rows = [msgspec.json.encode(each) for each in planned]
    if output.is_laid_out:
        for each in planned:  # whole and on lines of their own, to be copied: no table cuts or folds them
            body = bytes(each.body).decode()
            output.lines(f"{each.method} {each.url}", f"  Authorization: {each.authorization}")
            output.lines(*(f"  {name}: {value}" for name, value in each.headers.items()))
            output.lines(*([] if body == "null" else [f"  {body}"]))
    else:
        output.rows(rows, shown, none="Nothing would be sent.")
    output.note("A dry run: nothing was changed.")


def show_rotation(
    context: Context,
    key: ApiKey,
    grace: timedelta,
    destinations: Sequence[Destination],
    *,
    first_grace: timedelta = timedelta(seconds=contract.MAX_GRACE),
    secret: Secret | None = None,
) -> None:
    """The two calls of a rotation; the second is made once the new secret is verified."""
    making = RotateKey(int(first_grace.total_seconds()), key.rotation)
    ending = ExpirePrevious(int(grace.total_seconds()), key.rotation + 1)
    show(
        context,
        [
            ("POST", contract.rotate(key.id), making),
            ("POST", contract.expire_previous(key.id), ending),
        ],
        destinations,
        secret,
    )
