"""The flags that say which requests of the history are wanted: `@takes(…, FILTERS)` adds them."""

import ipaddress
import re
from datetime import datetime
from typing import Annotated, Final

from astalty_cli.api import contract
from astalty_cli.base.errors import NotOfferedError, UsageError
from astalty_cli.base.hiding import contains_secret
from astalty_cli.base.times import iso, parse_moment, utc_now
from astalty_cli.cli import candidates
from astalty_cli.cli.flags import Flags
from astalty_cli.cli.parameters import Choices, ParameterType, option, some_of
from astalty_cli.context import Context
from astalty_cli.services.history.filters import Filters

_STATUS = re.compile(r"[1-5](xx|[0-9]{2})", re.ASCII)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _statuses(text: str) -> str:
    wanted = [each.strip().lower() for each in text.split(",")]
    if wrong := [each for each in wanted if not _STATUS.fullmatch(each)]:
        raise ValueError(f"{wrong[0]!r} is not a status such as 404 or 5xx")
    return ",".join(wanted)


def _statuses_on_tab(incomplete: str) -> list[str]:
    return some_of(("2xx", "4xx", "5xx", "401", "403", "404", "422", "429"), incomplete)


def _without_secret(text: str) -> str:
    if contains_secret(text):
        raise ValueError("this looks like a secret, and filters are kept in files")
    return text


def _path(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("a path is printable and not empty")
    return contract.under_prefix(_without_secret(text))


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def _user(text: str) -> str:
    if not (contract.is_uuid(text) or re.fullmatch(r"[^@\s,]+@[^@\s,]+", text)):
        raise ValueError(f"{text!r} is neither a user's id nor an email address")
    return _without_secret(text)


def _moment(text: str) -> datetime:
    return parse_moment(text, utc_now())


def _filters(
    *,
    status: Annotated[
        str | None,
        option(
            "--status",
            metavar="STATUS",
            type=ParameterType(_statuses),
            help="Only these statuses, such as 404,5xx.",
            completions=_statuses_on_tab,
        ),
    ] = None,
    method: Annotated[
        str | None,
        option("--method", metavar="METHOD", type=Choices(_METHODS, str.upper), help="Only these methods"),
    ] = None,
    path: Annotated[
        str | None,
        option(
            "--path",
            metavar="PATH",
            type=ParameterType(_path),
            help="Only paths that start with this, such as /participants; * matches anything.",
            completions=candidates.calls,
        ),
    ] = None,
    ip: Annotated[
        str | None,
        option("--ip", metavar="ADDRESS", type=ParameterType(_address), help="Only from this IP address."),
    ] = None,
    user: Annotated[
        str | None,
        option("--user", metavar="USER", type=ParameterType(_user), help="Only by this user: id or email."),
    ] = None,
    key: Annotated[
        str | None,
        option(
            "--key",
            metavar="KEY",
            type=ParameterType(_without_secret),
            help="Only with this key: name, id or start of the id.",
            completions=candidates.keys,
        ),
    ] = None,
    since: Annotated[
        datetime | None,
        option(
            "--since",
            metavar="WHEN",
            type=ParameterType(_moment),
            help="Requests since this time or age (24h, 7d).",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        option(
            "--until",
            metavar="WHEN",
            type=ParameterType(_moment),
            help="Requests before this time or age (24h, 7d).",
        ),
    ] = None,
) -> Filters:
    return Filters(status, method, path, ip, user, key, since, until)


FILTERS: Final = Flags("Filters", _filters)
OFFLINE: Final = option("--offline", help="Read the local mirror (`astalty history sync`).")


def ensure_time_span(wanted: Filters) -> None:
    """Raises UsageError if no moment can be between `--since` and `--until`."""
    if wanted.since and wanted.until and wanted.since >= wanted.until:
        raise UsageError("--since is not before --until, so no request can be between them.")


def api_filters(context: Context, wanted: Filters) -> dict[str, str | None]:
    """The filters by the API's own names; a key is looked up. Raises as KeyFinder does."""
    ensure_time_span(wanted)
    by_id = wanted.user is not None and contract.is_uuid(wanted.user)
    return {
        "status": wanted.status,
        "method": wanted.method,
        "path": wanted.path,
        "ip_address": wanted.ip,
        "user_id": wanted.user if by_id else None,
        "email": None if by_id else wanted.user,
        "api_key_id": None if wanted.key is None else _key_id(context, wanted.key),
        "created_from": iso(wanted.since) if wanted.since else None,
        "created_to": iso(wanted.until) if wanted.until else None,
    }


def _key_id(context: Context, wanted: str) -> str:
    """A full id needs no list of keys to be looked up in, which not every service has."""
    from astalty_cli.services.keys.finder import KeyFinder

    try:
        return KeyFinder(context.client).find(wanted).value.id
    except NotOfferedError:
        if contract.is_uuid(wanted):
            return wanted.lower()
        raise
