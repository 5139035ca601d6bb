"""What the commands on keys do if the service doesn't offer them: name the page, and what to do there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from astalty_cli.api import contract
from astalty_cli.base.errors import NotOfferedError
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.api.http import HttpResponse
    from astalty_cli.base.secret import Secret
    from astalty_cli.services.endpoints.catalogue import Reading
    from astalty_cli.services.keys.operation import OperationContext

PANIC: Final = (
    f"In the web app, {contract.MANAGE_KEYS}: delete the leaked key now, then create a new one. "
    f"What was done with it is at {contract.REQUEST_HISTORY}."
)

LEAK: Final = (
    ("POST", contract.rotate("{id}")),
    ("POST", contract.expire_previous("{id}")),
    ("DELETE", contract.api_key("{id}")),
)
CREATION: Final = (("POST", contract.API_KEYS),)
ROTATION: Final = (("POST", contract.rotate("{id}")), ("POST", contract.expire_previous("{id}")))


def in_place(
    context: Context, calls: Sequence[tuple[str, str]], check_flags: Callable[[], object] = lambda: None
) -> OperationContext | None:
    """The account, if the service has these calls for keys; None if keys are created and deleted by hand.

    What is not known is learned from the GET that an operation begins with. `check_flags` is for what the
    sandbox needs not be asked about: a flag that is refused leaves no sandbox behind.
    """
    from astalty_cli.api.capability_memory import Capability, Offer
    from astalty_cli.commands.shared.secrets import operation

    if context.settings.is_sandbox:
        check_flags()
    account = operation(context)
    try:
        ensure_key_calls(context, calls)
        if context.capabilities.known(Capability.KEYS) is not Offer.FULL:
            account.own  # noqa: B018 - the call shows what is offered
    except NotOfferedError:
        return None
    return account


@contextmanager
def unless_without_keys(context: Context) -> Iterator[None]:
    """Continue if keys are not offered at all: the record replaces the service."""
    from astalty_cli.api.capability_memory import Capability, Offer

    try:
        yield
    except NotOfferedError:
        if context.capabilities.known(Capability.KEYS) is not Offer.NONE:
            raise


def ensure_key_calls(
    context: Context, calls: Sequence[tuple[str, str]], secret: Secret | None = None
) -> None:
    """Check that an operation writes only to paths that exist. `calls` are methods and paths.

    `secret` makes the calls, if it isn't the key in force.

    Astalty's own service has to list them in its catalogue. Elsewhere the GET that each operation begins with
    decides. Raises NotOfferedError.
    """
    from astalty_cli.services.endpoints.offered import ensure_listed

    if context.settings.base_url.value == contract.DEFAULT_BASE_URL:
        secret or context.secret()  # without a key, that error comes first
        ensure_listed(published(context), calls)


def published(context: Context, *, refresh: bool = False) -> Reading | None:
    """The service's own catalogue, if it publishes one; what the service just said in it is remembered."""
    from astalty_cli.services.endpoints.catalogue import Catalogue
    from astalty_cli.services.endpoints.offered import missing, offers_without

    def ask(path: str, etag: str | None) -> HttpResponse:
        return context.keyless_client.document(path, etag)

    if refresh:
        context.capability_memory.forget()
    origin = context.settings.base_url.value
    reading = Catalogue(context.catalogue_folder, origin, ask).read(refresh=refresh)
    if reading and not reading.note:
        context.capability_memory.note_catalogue(offers_without(missing(reading.document)))
    return reading
