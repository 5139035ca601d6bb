"""The profiles on this machine that hold a key, brought along when the key is rotated."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from astalty_cli.api.identity import Identified, KeyIdentity
from astalty_cli.api.origin import origin
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.base.secret import HeldSecret, Secret
from astalty_cli.config.credentials import Credentials, stored_in
from astalty_cli.config.profiles import ConfigFile, Profile


@dataclass(frozen=True)
class Profiles:
    """The profiles of one origin. `folder` is where file credentials lie."""

    config_file: ConfigFile
    folder: Path
    origin: str

    def holding(self, key_id: str) -> list[str]:
        return [name for name, _, _ in self._holding(key_id)]

    def secrets(self, key_id: str) -> Iterator[Secret]:
        for name, _, place in self._holding(key_id):
            if secret := place.load(name, self.origin):
                yield secret

    def held(self) -> Iterator[HeldSecret]:
        for name, profile, place in self._usable():
            assert profile.storage is not None  # noqa: S101 - it can be used
            with suppress(LocalError):
                if secret := place.load(name, self.origin):
                    yield HeldSecret(name, profile.storage, profile.key_id, secret)

    def switch(self, key: Identified, secret: Secret) -> list[str]:
        """Store the new secret in each of them, also after one that fails. Raises LocalError for those."""
        profiles = [
            (name, msgspec.structs.replace(profile, last_four=key.last_four), place)
            for name, profile, place in self._holding(key.id)
        ]
        return self._give(profiles, secret)

    def clear_leftovers(self) -> None:
        for name, _, place in self._usable():
            place.clear_leftovers(name)

    def replace(self, old: Secret, key: KeyIdentity, secret: Secret) -> list[str]:
        """Store the new secret in those that hold the old one, as `switch`.

        One that may hold it and cannot be read is a failure too: it must not keep a secret that ends.
        """
        profiles = [
            (
                name,
                msgspec.structs.replace(profile, key_id=key.service_id, last_four=key.last_four),
                place,
            )
            for name, profile, place in self._usable()
            if self._holds(name, profile, place, old)
        ]
        return self._give(profiles, secret)

    def _holds(self, name: str, profile: Profile, place: Credentials, secret: Secret) -> bool:
        try:
            return place.load(name, self.origin) == secret
        except LocalError:
            if profile.last_four in {None, secret.last_four}:
                raise
            return False

    def _give(self, profiles: Iterable[tuple[str, Profile, Credentials]], secret: Secret) -> list[str]:
        switched, failures = [], []
        for name, profile, place in profiles:
            try:
                place.store(name, self.origin, secret)
                self.config_file.save(name, profile)
                switched.append(name)
            except LocalError as error:
                failures.append(f"Profile {name!r} could not be given the new secret: {error.message}")
        if failures:
            raise LocalError(" ".join(failures))
        return switched

    def _holding(self, key_id: str) -> Iterator[tuple[str, Profile, Credentials]]:
        return (each for each in self._usable() if each[1].key_id == key_id)

    def _usable(self) -> Iterator[tuple[str, Profile, Credentials]]:
        for name, profile in self.config_file.read().profiles.items():
            if profile.storage is not None and self._is_here(profile):
                yield name, profile, stored_in(profile.storage, self.folder)

    def _is_here(self, profile: Profile) -> bool:
        try:
            return origin(profile.base_url) == self.origin
        except UsageError:  # a damaged profile holds nothing that can be used
            return False
