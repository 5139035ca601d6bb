"""Which requests of the history a user asked for."""

from datetime import datetime
from typing import NamedTuple


class Filters(NamedTuple):
    """As typed and checked.

    `status` is such as `404,5xx`, `user` an id or an email address, `key` an id, a name or a prefix.
    """

    status: str | None = None
    method: str | None = None
    path: str | None = None
    ip: str | None = None
    user: str | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
