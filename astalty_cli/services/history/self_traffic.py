"""Which entries of the history are this tool's own reads of it: a watcher should not see himself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from astalty_cli.api.contract import API_REQUESTS
from astalty_cli.api.models import ApiRequest
from astalty_cli.base.errors import NotFoundError

if TYPE_CHECKING:
    from astalty_cli.api.client import Client

_AGENT = "astalty-cli/"


class SelfTraffic:
    """Knows the reads that this tool made with a key, and counts those it was asked about.

    Where nobody tells which key is in force, the reads of this tool with any key are taken for it.
    """

    def __init__(self, key_id: str | None) -> None:
        self.left_out = 0
        self._key_id = key_id

    @classmethod
    def with_key_of(cls, client: Client) -> Self:
        """Ask which key is in force. Raises as the client does."""
        try:
            return cls(client.current_key().value.id)
        except NotFoundError:
            return cls(None)

    def summary(self) -> str:
        """How many were left out, for people."""
        requests = f"{self.left_out:,} request{'s' * (self.left_out != 1)}"
        return f"Not counted: {requests} by astalty itself (--include-self)."

    def is_own(self, entry: ApiRequest) -> bool:
        """Whether to leave this entry out; it is counted then."""
        own = (
            entry.method == "GET"
            and f"{entry.path.partition('?')[0]}/".startswith(f"{API_REQUESTS}/")
            and (entry.user_agent or "").startswith(_AGENT)
            and entry.api_key is not None
            and self._key_id in {None, entry.api_key.id}
        )
        self.left_out += own
        return own
