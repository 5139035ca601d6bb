"""Which key is meant, whether or not the service lists it: what decisions and destinations work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from astalty_cli.api.answers import Row
    from astalty_cli.api.models import ApiKey

LOCAL: Final = "local-"  # how the ids begin that the record gives


class Identified(Protocol):
    """What names a key to people; rows of the service and of the record have it too."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def last_four(self) -> str | None:
        """None if it is unknown."""


@dataclass(frozen=True)
class KeyIdentity:
    """A key to be known again. `id` is the service's, else the record's own (`local-…`).

    `access` is None where nobody knows it, and `rotation` where the service tells none.
    `row` is the key's JSON, for output alone: nothing is decided by it.
    """

    id: str
    name: str
    last_four: str
    service_id: str | None
    access: str | None = None
    rotation: int | None = None
    row: bytes = field(default=b"{}", repr=False, compare=False)


def identity_of(key: Row[ApiKey]) -> KeyIdentity:
    """The identity of a key that the service has shown."""
    known = key.value
    return KeyIdentity(known.id, known.name, known.last_four, known.id, known.access, known.rotation, key.raw)
