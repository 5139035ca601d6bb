"""What servers were seen to offer, kept for a day: one small file for each key, and one for the catalogue.

Two keys of one server may have different rights, so neither speaks for the other. A file's name holds a
hash of the origin and one of the key, its lines a capability, an offer and a time: no library reads it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.base.times import utc_now

_A_DAY: Final = 86_400  # seconds
_CATALOGUE: Final = "catalogue"


class Capability(StrEnum):
    KEYS = "keys"
    HISTORY = "history"


class Offer(StrEnum):
    FULL = "full"
    NONE = "none"


Offers = Mapping[Capability, Offer]


class CapabilityMemory:
    """The memory of one origin. Nothing here raises: without it, the service is asked again."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder = folder
        self._prefix = hashlib.sha256(origin.encode()).hexdigest()[:16]

    def read(self, key: str) -> dict[Capability, Offer]:
        """What holds for the key with this fingerprint: seen with it, or read in the catalogue since."""
        newest: dict[Capability, tuple[int, Offer]] = {}
        for source in (_CATALOGUE, key):
            for capability, offer, time in self._lines(source):
                if capability not in newest or time >= newest[capability][0]:
                    newest[capability] = (time, offer)
        return {capability: offer for capability, (_, offer) in newest.items()}

    def note(self, key: str, offers: Offers) -> None:
        """Keep what was seen with a key just now."""
        now = int(utc_now().timestamp())
        kept = {capability: (offer, time) for capability, offer, time in self._lines(key)}
        kept |= {capability: (offer, now) for capability, offer in offers.items()}
        text = "".join(f"{capability}\t{offer}\t{time}\n" for capability, (offer, time) in kept.items())
        with suppress(LocalError):
            private_files.write_private(self._path(key), text.encode())

    def note_catalogue(self, offers: Offers) -> None:
        """Keep what the service's own catalogue says, which it gave just now."""
        self.note(_CATALOGUE, offers)

    def forget(self) -> None:
        """Forget all that was seen at this origin, with any key."""
        with suppress(LocalError):
            for path in private_files.listed(self._folder):
                if path.name.startswith(f"{self._prefix}-"):
                    private_files.remove(path)

    def _path(self, source: str) -> Path:
        return self._folder / f"{self._prefix}-{source}.tsv"

    def _lines(self, source: str) -> Iterator[tuple[Capability, Offer, int]]:
        now = int(utc_now().timestamp())
        with suppress(LocalError, ValueError):
            for line in (private_files.read_private(self._path(source)) or b"").decode().splitlines():
                capability, offer, time = line.split("\t")
                if 0 <= now - int(time) < _A_DAY:
                    yield Capability(capability), Offer(offer), int(time)
