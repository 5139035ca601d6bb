"""What filters and sorts of the history mean in SQL. What is formatted in is never a user's text."""

import re
from collections.abc import Iterator

from astalty_cli.api.contract import is_uuid
from astalty_cli.base.times import iso
from astalty_cli.services.history.filters import Filters

_NEWEST_FIRST = "-created_at"


def where(filters: Filters, key_id: str | None) -> tuple[str, list[object]]:
    """A condition and its values. `key_id` is what `filters.key` was found to mean."""
    terms = list(_terms(filters, key_id))
    sql = " AND ".join(f"({term})" for term, _ in terms) or "TRUE"
    return sql, [value for _, values in terms for value in values]


def order(sort: str | None) -> str:
    """As the service sorts: ties by id, in the direction of the last field."""
    fields = (sort or _NEWEST_FIRST).split(",")
    fields.append("-id" if fields[-1].startswith("-") else "id")
    return ", ".join(f"{field.removeprefix('-')} {'DESC' if field[0] == '-' else 'ASC'}" for field in fields)


def _terms(filters: Filters, key_id: str | None) -> Iterator[tuple[str, list[object]]]:
    if filters.since:
        yield "created_at >= ?", [iso(filters.since)]
    if filters.until:
        yield "created_at < ?", [iso(filters.until)]
    if filters.status:
        statuses = set(filters.status.split(","))
        bounds = [int(each.replace("xx", end)) for each in statuses for end in ("00", "99")]
        yield " OR ".join(["status BETWEEN ? AND ?"] * len(statuses)), [*bounds]
    if filters.method:
        methods = filters.method.split(",")
        yield f"method IN ({', '.join('?' * len(methods))})", [*methods]
    if filters.path:
        yield "path GLOB ?", [_glob(filters.path)]
    if filters.ip:
        yield "ip_address = ?", [filters.ip]
    if filters.user:
        yield f"{'user_id' if is_uuid(filters.user) else 'user_email'} = ?", [filters.user]
    if key_id:
        yield "api_key_id = ?", [key_id]


def _glob(path: str) -> str:
    """A pattern of what starts like the path, in which only `*` is a sign."""
    return re.sub(r"\*+", "*", re.sub(r"[\[?]", r"[\g<0>]", path) + "*")
