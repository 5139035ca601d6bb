"""What the service's own catalogue says about the calls that this program assumes."""

from collections.abc import Iterable

from astalty_cli.api import contract
from astalty_cli.api.capabilities import not_offered
from astalty_cli.api.capability_memory import Capability, Offer
from astalty_cli.api.contract import Assumed
from astalty_cli.openapi import Json
from astalty_cli.services.endpoints.catalogue import Reading
from astalty_cli.services.endpoints.operations import named_calls, operations


def missing(document: Json) -> list[Assumed]:
    """The assumed calls that it does not list."""
    found = named_calls(operations(document))
    return [each for each in contract.ASSUMED if (each.method, each.path) not in found]


def offers_without(absent: Iterable[Assumed]) -> dict[Capability, Offer]:
    """What is offered in full: every call of it is there."""
    gone = {_capability_of(each) for each in absent}
    return {each: Offer.NONE if each in gone else Offer.FULL for each in Capability}


def ensure_listed(reading: Reading | None, calls: Iterable[tuple[str, str]]) -> None:
    """Raises NotOfferedError unless the catalogue lists each of these calls, a method and a path."""
    if reading is None or not {*calls} <= named_calls(operations(reading.document)):
        raise not_offered(Capability.KEYS)


def _capability_of(call: Assumed) -> Capability:
    return Capability.HISTORY if call.path.startswith(contract.API_REQUESTS) else Capability.KEYS
