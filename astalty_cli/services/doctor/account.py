"""Checks that ask with the key: whose it is, what this server offers, and how much may be asked."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from astalty_cli.api import answers, contract
from astalty_cli.api.contract import Assumed
from astalty_cli.api.http import HttpResponse
from astalty_cli.api.models import CurrentKey
from astalty_cli.base.durations import format_duration
from astalty_cli.base.errors import ServiceError
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import local, utc_now
from astalty_cli.base.vocabulary import FindingCode
from astalty_cli.services.doctor.check import Result, ok, skipped, warning
from astalty_cli.services.doctor.server import Reply, Server
from astalty_cli.services.endpoints.catalogue import Catalogue
from astalty_cli.services.endpoints.operations import offers, operations
from astalty_cli.services.keys.findings import Limits, of_key

_LIMITS: Final = Limits(max_age=timedelta(days=90), unused=timedelta.max, baseline=timedelta())
_FEW: Final = 10  # calls left in this minute


def account(server: Server) -> Result:
    """Raises the error with which every command would end."""
    if server.current.status == 404:
        answers.raise_for_rejected_key(server.proof.answer)
        server.accepts_key = True
        return ok("The key works. Whose it is, this server does not say.")
    key = answers.one(_good(server.current), CurrentKey).value
    server.accepts_key = True
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
    """What this program assumes of a server, held against its OpenAPI document; else by asking for lists.

    A server that has no document, or not these calls, is a usual one.
    """
    try:
        reading = catalogue.read(refresh=True)
        offered = operations(reading.document) if reading else None
    except ServiceError as error:
        return _tried(server, f"The OpenAPI document could not be read: {error.message}")
    if offered is None:
        return _tried(server, "There is no OpenAPI document here, which is normal.")
    missing = [each for each in contract.ASSUMED if not offers(offered, each.method, each.path)]
    if missing:
        return _not_offered(missing, "The OpenAPI document of this server does not name")
    found = f"All {len(contract.ASSUMED)} are in the OpenAPI document"
    if server.accepts_key and server.current.status == 404:
        return warning(
            f"{found}, but {contract.API_KEYS_CURRENT} is not there.", answers.not_offered("").hint
        )
    return ok(f"{found}.")


def _tried(server: Server, without: str) -> Result:
    """Ask for the lists, where the document tells nothing."""
    if not server.accepts_key:
        return skipped(f"{without} There is no key that works to ask with.")
    lists = [each for each in contract.ASSUMED if each.method == "GET" and "{" not in each.path]
    replies = [(each, _asked(server, each)) for each in lists]
    for each, reply in replies:
        if reply.status != 404:
            answers.raise_for_status(reply.answer, each.path)
    if missing := [each for each, reply in replies if reply.status == 404]:
        return _not_offered(missing, f"{without} This server does not offer")
    return ok(f"{len(lists)} were tried and are there. {without}")


def rate_limit(server: Server) -> Result:
    answer = _good(server.proof)
    limit, left = (answers.number(answer, f"x-ratelimit-{name}") for name in ("limit", "remaining"))
    if limit is None or left is None:
        return skipped("The server does not say.")
    found = f"{left} of {limit} requests are left in this minute."
    if left < min(_FEW, limit):
        return warning(found, "Something else uses this key: astalty history stats. Give it one of its own.")
    return ok(found)


def _good(reply: Reply) -> HttpResponse:
    answer = reply.answer
    if not 200 <= answer.status < 300:
        raise answers.failure(answer, contract.PARTICIPANTS)
    return answer


def _asked(server: Server, call: Assumed) -> Reply:
    return server.current if call.path == contract.API_KEYS_CURRENT else server.ask_for_one(call.path)


def _not_offered(missing: Sequence[Assumed], without: str) -> Result:
    named = ", ".join(f"{each.method} {each.path} (for {each.command})" for each in missing)
    return ok(f"{without} {named}. What they do is done at {contract.DASHBOARD}.")
