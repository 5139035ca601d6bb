"""The flags that say which requests of the history are wanted: `@takes(…, FILTERS)` adds them."""

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import typer

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.base.times import iso, parse_moment, utc_now
from astalty_cli.cli import candidates
from astalty_cli.cli.options import Flags, checked, words
from astalty_cli.context import Context

_STATUS = re.compile(r"[1-5](xx|[0-9]{2})", re.ASCII)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def _statuses(text: str) -> str:
    wanted = [each.strip().lower() for each in text.split(",")]
    if wrong := [each for each in wanted if not _STATUS.fullmatch(each)]:
        raise ValueError(f"{wrong[0]!r} is not a status such as 404 or 5xx")
    return ",".join(wanted)


def _path(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("a path is printable and not empty")
    return contract.under_prefix(text)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


def _user(text: str) -> str:
    if not (contract.is_uuid(text) or re.fullmatch(r"[^@\s,]+@[^@\s,]+", text)):
        raise ValueError(f"{text!r} is neither a user's id nor an email address")
    return text


def _moment(text: str) -> datetime:
    return parse_moment(text, utc_now())


def _option(
    flag: str,
    metavar: str,
    help: str,  # noqa: A002
    parse: Callable[[str], Any],
    autocompletion: Callable[..., Any] | None = None,
) -> Any:
    return typer.Option(flag, parser=parse, metavar=metavar, help=help, autocompletion=autocompletion)


def since(default: str = "") -> Flags:
    """The flag `--since`; `default` is what its help says of one."""
    words = f"From: a time, or 15m, 24h, 7d ago.{default}"
    return {"since": (Annotated[datetime | None, _option("--since", "WHEN", words, checked(_moment))], None)}


SINCE = since()
UNTIL: Flags = {
    "until": (
        Annotated[
            datetime | None,
            _option("--until", "WHEN", "Before: a time, or 15m, 24h, 7d ago.", checked(_moment)),
        ],
        None,
    ),
}
OFFLINE = typer.Option("--offline", help="Read the local mirror that `astalty history sync` makes.")
WHICH: Flags = {
    "status": (
        Annotated[
            str | None,
            _option(
                "--status",
                "STATUS",
                "Such as 404,5xx.",
                checked(_statuses),
                candidates.some_of(("2xx", "4xx", "5xx", "401", "403", "404", "422", "429")),
            ),
        ],
        None,
    ),
    "method": (
        Annotated[
            str | None,
            _option(
                "--method",
                "METHOD",
                "Such as POST,PATCH.",
                words(_METHODS, str.upper),
                candidates.some_of(_METHODS),
            ),
        ],
        None,
    ),
    "path": (
        Annotated[
            str | None,
            _option(
                "--path",
                "PATH",
                "Paths that start so, such as /participants; * stands for anything.",
                checked(_path),
                candidates.calls,
            ),
        ],
        None,
    ),
    "ip": (
        Annotated[str | None, _option("--ip", "ADDRESS", "From this IP address.", checked(_address))],
        None,
    ),
    "user": (
        Annotated[str | None, _option("--user", "USER", "By this user: id or email.", checked(_user))],
        None,
    ),
    "key": (
        Annotated[
            str | None,
            typer.Option(
                "--key",
                metavar="KEY",
                help="With this key: id, name or start of the id.",
                autocompletion=candidates.keys,
            ),
        ],
        None,
    ),
}
FILTERS: Flags = {**WHICH, **SINCE, **UNTIL}


def check_time(context: Context) -> None:
    """Raises UsageError where no moment can be between `--since` and `--until`."""
    since, until = context.filters.since, context.filters.until
    if since and until and since >= until:
        raise UsageError("--since is not before --until, so nothing can be between them.")


def api_filters(context: Context) -> dict[str, str | None]:
    """The filters by the API's own names; a key is looked up. Raises as KeyFinder does."""
    from astalty_cli.services.keys.finder import KeyFinder

    check_time(context)
    wanted = context.filters
    by_id = wanted.user is not None and contract.is_uuid(wanted.user)
    return {
        "status": wanted.status,
        "method": wanted.method,
        "path": wanted.path,
        "ip_address": wanted.ip,
        "user_id": wanted.user if by_id else None,
        "email": None if by_id else wanted.user,
        "api_key_id": KeyFinder(context.client).find(wanted.key).value.id if wanted.key is not None else None,
        "created_from": iso(wanted.since) if wanted.since else None,
        "created_to": iso(wanted.until) if wanted.until else None,
    }
