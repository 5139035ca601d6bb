"""`astalty history`: the requests that were made with the account's keys."""

import ipaddress
import re
from datetime import datetime
from typing import Annotated

import typer

from astalty_cli.api import contract
from astalty_cli.api.models import ApiRequest
from astalty_cli.commands.group import group
from astalty_cli.commands.options import ACCOUNT, OUTPUT, checked, sorting, takes, whole, words
from astalty_cli.context import Context
from astalty_cli.errors import UsageError
from astalty_cli.output import columns
from astalty_cli.times import iso, parse_moment, utc_now

app = group("See the requests that were made with the account's keys.")

_STATUS = re.compile(r"[1-5](xx|[0-9]{2})", re.ASCII)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_DEFAULT_LIMIT = 30
_LONG = 500  # entries from which a list may take longer than a command usually does


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


@app.command("list")
@app.command("ls", hidden=True)
@takes(ACCOUNT, OUTPUT)
def list_requests(
    context: Context,
    *,
    status: Annotated[
        str | None,
        typer.Option("--status", parser=checked(_statuses), metavar="STATUS", help="Such as 404,5xx."),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method", parser=words(_METHODS, str.upper), metavar="METHOD", help="Such as POST,PATCH."
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path",
            parser=checked(_path),
            metavar="PATH",
            help="Paths that start so, such as /participants; * stands for anything.",
        ),
    ] = None,
    ip: Annotated[
        str | None,
        typer.Option("--ip", parser=checked(_address), metavar="ADDRESS", help="From this IP address."),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", parser=checked(_user), metavar="USER", help="By this user: id or email."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="With this key: id, name or start of the id."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since", parser=checked(_moment), metavar="WHEN", help="From: a time, or 15m, 24h, 7d ago."
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", parser=checked(_moment), metavar="WHEN", help="Before: a time, or 15m, 24h, 7d ago."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-L", parser=whole(1), metavar="N", help="How many at the most.  [default: 30]"
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            parser=sorting(contract.REQUEST_SORTS),
            metavar="FIELD",
            help="created_at, status, duration_ms; '-' before it reverses.",
        ),
    ] = None,
) -> None:
    """List requests, the newest first."""
    from astalty_cli.services.history import HistoryReader
    from astalty_cli.services.keys import KeyFinder

    if since and until and since >= until:
        raise UsageError("--since is not before --until, so nothing can be between them.")
    if everything and limit is not None:
        raise UsageError("--all and --limit exclude each other.", hint="Use one of them.")
    shown = context.output.columns(columns.REQUESTS, ApiRequest)
    wanted = None if everything else limit or _DEFAULT_LIMIT
    if wanted is None or wanted > _LONG:
        context.default_timeout = None
    filters = {
        "status": status,
        "method": method,
        "path": path,
        "ip_address": ip,
        "user_id": user if user and contract.is_uuid(user) else None,
        "email": user if user and not contract.is_uuid(user) else None,
        "api_key_id": KeyFinder(context.client).find(key).value.id if key is not None else None,
        "created_from": iso(since) if since else None,
        "created_to": iso(until) if until else None,
    }
    reader = HistoryReader(context.client, filters, sort, wanted)
    entries = (entry.raw for entry in reader.entries())
    context.output.rows(entries, shown, none="No requests match.")
    if (more := reader.total - reader.shown) > 0:
        context.output.note(
            f"{reader.shown} of {reader.total} requests shown; {more} more: --all, or -L {reader.total}."
        )
