"""Ending keys for good: each is tried, and each result is known."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey
from astalty_cli.errors import AstaltyError
from astalty_cli.services.keys import KeyFinder


@dataclass
class Revocation:
    """What several arguments of `keys revoke` mean, and what became of them.

    `keys` are those to revoke, the one that makes the calls last: after it, none can be made. `failures`
    are by what was typed, or by id.
    """

    client: Client
    keys: list[ApiKey] = field(default_factory=list)
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
            except AstaltyError as error:
                self.failures[wanted] = error
        if found:
            self.own_id = self._own_id()
        self.keys = sorted(found.values(), key=lambda key: key.id == self.own_id)

    def run(self) -> Iterator[ApiKey]:
        """Revoke them all, whatever becomes of one; yield each as soon as it is revoked."""
        for key in self.keys:
            try:
                self.client.revoke_key(key.id)
            except AstaltyError as error:
                self.failures[key.id] = error
                continue
            yield key

    def seen_again(self, key: ApiKey) -> bytes | None:
        """A revoked key as the service has it now; None where that cannot be seen, as with the key in use."""
        try:
            return self.client.get_key(key.id).raw
        except AstaltyError:
            return None

    def _own_id(self) -> str:
        try:
            return self.client.current_key().value.id
        except AstaltyError:
            return ""  # it is for the order and for a word in the question; the rest goes without
