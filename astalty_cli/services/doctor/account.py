"""Checks that ask with the key: whose it is, what this server offers, and how much may be asked."""

from datetime import timedelta
from typing import Any, Final

from astalty_cli.api import answers, contract
from astalty_cli.api.capabilities import Seen, Sign, not_offered
from astalty_cli.api.capability_memory import Capability, Offer
from astalty_cli.api.models import ApiKey, ApiRequest
from astalty_cli.base.durations import format_duration
from astalty_cli.base.errors import ServiceError
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local, utc_now
from astalty_cli.base.vocabulary import FindingCode
from astalty_cli.services.doctor.check import Result, ok, skipped, warning
from astalty_cli.services.doctor.server import Server
from astalty_cli.services.endpoints.catalogue import Catalogue, Reading
from astalty_cli.services.endpoints.offered import missing, offers_without
from astalty_cli.services.endpoints.operations import operations
from astalty_cli.services.keys.findings import Limits, of_key

_LIMITS: Final = Limits(max_age=timedelta(days=90), unused=timedelta.max, baseline=timedelta())
_FEW: Final = 10  # calls left in this minute
_NONE: Final = frozenset({Sign.GONE, Sign.OTHER, Sign.GATEWAY})  # of a key that works


def account(server: Server) -> Result:
    """Raises the error with which every command would end."""
    server.proof.answer  # noqa: B018 - it raises what is wrong
    server.accepts_key = True
    if server.current.sign is Sign.UNKNOWN:
        return warning("The key works. The answer to whose it is could not be read.", "Try again later.")
    if server.current.value is None:
        return ok("The key works. This server does not say whose it is.")
    key = server.current.value.value
    now = key.last_used_at or utc_now()
    found = f"{key.account.name}; key {key.name!r} ({key.id})"
    if server.secret and server.secret.last_four not in {"", key.last_four}:
        until = f" until {local(key.previous_expires_at)}" if key.previous_expires_at else ""
        return warning(
            f"{found}. It was rotated: the secret used here works{until}, the newest is …{key.last_four}.",
            "Use the newest secret: run astalty auth login, or set it in ASTALTY_API_KEY.",
        )
    old = [each.detail for each in of_key(key, _LIMITS, now) if each.finding is FindingCode.OLD]
    if old:
        return warning(f"{found}. {old[0]}", f"Renew it: {command('astalty keys rotate', key.id)}")
    return ok(f"{found}; its secret is {format_duration(now - (key.rotated_at or key.created_at))} old")


def endpoints(server: Server, catalogue: Catalogue) -> Result:
    """Whether the server offers keys and the request history: its OpenAPI document decides, else the lists.

    To offer neither is normal: a real account has both on web pages.
    """
    try:
        reading = catalogue.read(refresh=True)
        absent = missing(reading.document) if reading else None
    except ServiceError as error:
        return _tried(server, f"The OpenAPI document could not be read: {error.message}")
    if absent is None:
        return _tried(server, "There is no OpenAPI document here, which is normal.")
    server.catalogue = server.offers = offers_without(absent)
    if absent:
        named = ", ".join(f"{each.method} {each.path} (for {each.command})" for each in absent)
        if len(absent) == len(contract.ASSUMED):
            named = "any of their calls"
        return ok(f"{_not_offered(server)} The OpenAPI document does not name {named}.")
    found = f"All {len(contract.ASSUMED)} are in the OpenAPI document"
    if server.accepts_key and server.current.sign in _NONE:
        server.offers |= {Capability.KEYS: Offer.NONE}
        return warning(
            f"{found}, but {contract.API_KEYS_CURRENT} is not there.",
            not_offered(Capability.KEYS).hint,
        )
    return ok(f"{found}.")


def catalogue(name: str, reading: Reading) -> Result:
    """The OpenAPI document that the profile names."""
    count = len(operations(reading.document, reading.source))
    return ok(f"{name} (config file) lists {count} call{'s' * (count != 1)}.")


def _tried(server: Server, without: str) -> Result:
    """Ask for the lists, if the document does not say."""
    if not server.accepts_key:
        return skipped(f"{without} There is no key that works to ask with.")
    keys: Seen[Any] = server.current
    if keys.sign not in _NONE:
        keys = server.first_row(contract.API_KEYS, ApiKey)
    history = server.first_row(contract.API_REQUESTS, ApiRequest)
    for capability, found in ((Capability.KEYS, keys), (Capability.HISTORY, history)):
        if found.sign not in _NONE:
            found.result()
        server.offers[capability] = Offer.NONE if found.sign in _NONE else Offer.FULL
    if Offer.NONE in server.offers.values():
        return ok(f"{_not_offered(server)} {without}")
    return ok(f"Keys and the request history were tried and are there. {without}")


def _not_offered(server: Server) -> str:
    """What to use in place of what is missing."""
    pages = {Capability.KEYS: contract.MANAGE_KEYS, Capability.HISTORY: contract.REQUEST_HISTORY}
    gone = [pages[each] for each in Capability if server.offers[each] is Offer.NONE]
    if len(gone) == len(pages):
        return f"Keys and the request history are web pages here: {contract.API_DASHBOARD}."
    name = "Keys are" if server.offers[Capability.KEYS] is Offer.NONE else "The request history is"
    return f"{name} on a web page here: {gone[0]}."


def rate_limit(server: Server) -> Result:
    answer = server.proof.answer
    limit, left = (answers.number(answer, f"x-ratelimit-{name}") for name in ("limit", "remaining"))
    if limit is None or left is None:
        return skipped("The server does not say.")
    found = f"{left} of {limit} requests are left in this minute."
    if left < min(_FEW, limit):
        return warning(found, "Something else uses this key: astalty history stats. Give it one of its own.")
    return ok(found)
