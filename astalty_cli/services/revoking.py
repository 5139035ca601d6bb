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

    def run(self) -> None:
        """Revoke them all, whatever becomes of one."""
        for key in self.keys:
            try:
                self.client.revoke_key(key.id)
                self.revoked.append(key)
            except AstaltyError as error:
                self.failures[key.id] = error

    def seen_again(self) -> list[bytes]:
        """The revoked keys as the service has them now; the own key's end may put them out of sight."""
        rows = []
        for key in self.revoked:
            try:
                rows.append(self.client.get_key(key.id).raw)
            except UnauthorizedError:
                break
        return rows
