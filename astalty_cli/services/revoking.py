"""Ending keys for good: each is tried, and each result is known."""

from dataclasses import dataclass, field

from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey
from astalty_cli.errors import AstaltyError, UnauthorizedError
from astalty_cli.services.keys import KeyFinder


@dataclass
class Revocation:
    """What several arguments of `keys revoke` mean, and what became of them.

    `keys` are those to revoke, the one that makes the calls last: after it, none can be made. `failures`
    are by what was typed, or by id.
    """

    client: Client
    keys: list[ApiKey] = field(default_factory=list)
    revoked: list[ApiKey] = field(default_factory=list)
    failures: dict[str, AstaltyError] = field(default_factory=dict)
    own_id: str = ""

    def look_up(self, arguments: list[str]) -> None:
        """Find the keys; one that is named twice is one key."""
        finder = KeyFinder(self.client)
        found: dict[str, ApiKey] = {}
        for wanted in dict.fromkeys(arguments):
            try:
                key = finder.find_active(wanted)
                found[key.id] = key
            except UnauthorizedError:
                raise
            except AstaltyError as error:
                self.failures[wanted] = error
        self.own_id = self.client.current_key().value.id if found else ""
        self.keys = sorted(found.values(), key=lambda key: key.id == self.own_id)

    def run(self, *, look_again: bool) -> list[bytes]:
        """Revoke them all, whatever becomes of one.

        With `look_again`, return the revoked keys as the service has them then; the key in use, once it
        is revoked, cannot be seen any more.
        """
        rows = []
        for key in self.keys:
            try:
                self.client.revoke_key(key.id)
            except AstaltyError as error:
                self.failures[key.id] = error
                continue
            self.revoked.append(key)
            if look_again and key.id != self.own_id:
                rows.append(self.client.get_key(key.id).raw)
        return rows
