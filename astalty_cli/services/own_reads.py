"""Which entries of the history are this tool's own reads of it: a watcher should not see himself."""

from contextlib import suppress

from astalty_cli.api.client import Client
from astalty_cli.api.contract import API_REQUESTS
from astalty_cli.api.models import ApiRequest
from astalty_cli.errors import NotOfferedError

_AGENT = "astalty-cli/"


class OwnReads:
    """Knows the reads that this tool made with the key in force, and counts those it was asked about.

    Where a server does not tell which key that is, the reads of this tool with any key are taken for it.
    """

    def __init__(self, client: Client) -> None:
        self.left_out = 0
        self._key_id: str | None = None
        with suppress(NotOfferedError):
            self._key_id = client.current_key().value.id

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
