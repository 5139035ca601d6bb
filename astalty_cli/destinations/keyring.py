"""A profile on this machine: the secret goes to the keyring, and the profile's name to the config file."""

from dataclasses import dataclass, field

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import SANDBOX, Storage
from astalty_cli.config.credentials import Credentials, KeyringCredentials, stored_in
from astalty_cli.config.profiles import ConfigFile, Profile, checked_name


@dataclass(frozen=True)
class Keyring:
    """With `force`, a profile of that name may be one for another origin, or with its key in a file."""

    profile: str
    origin: str
    config_file: ConfigFile
    credentials: Credentials = field(default_factory=KeyringCredentials)
    force: bool = False

    @property
    def spec(self) -> str:
        return f"keyring:{self.profile}"

    @property
    def readable(self) -> bool:
        return True

    @property
    def success_message(self) -> str:
        return (
            f"The secret is in the keyring, as profile {self.profile!r} for {self.origin}; it was read back."
        )

    def probe(self) -> None:
        if checked_name(self.profile) == SANDBOX:
            raise UsageError(
                f"The profile {SANDBOX!r} is built in and takes no other key.", hint="Choose another name."
            )
        old = self._old()
        if old and self._is_elsewhere(old) and not self.force:
            where = f", with its key in the {old.storage}" if old.storage else ""
            raise LocalError(
                f"Profile {self.profile!r} is another one: for {old.base_url}{where}.",
                hint="Choose another name, or give that one up with --force.",
            )
        self.config_file.check(self.profile)
        self.credentials.check(self.profile)

    def held(self) -> Secret | None:
        return self.credentials.load(self.profile, self.origin)

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:
        old = self._old()
        self.credentials.store(self.profile, self.origin, secret)
        account = old.account if old and old.base_url == self.origin else None
        new = Profile(self.origin, Storage.KEYRING, key.service_id, key.last_four, account)
        self.config_file.save(self.profile, new)
        if old and self._is_elsewhere(old):
            self._forget(old)

    def _old(self) -> Profile | None:
        return self.config_file.read().profiles.get(self.profile)

    def _is_elsewhere(self, old: Profile) -> bool:
        return old.base_url != self.origin or old.storage is Storage.FILE

    def _forget(self, old: Profile) -> None:
        """No key stays behind if no profile leads to it."""
        if old.storage is Storage.KEYRING:
            self.credentials.remove(self.profile, old.base_url)
        elif old.storage is Storage.FILE:
            stored_in(Storage.FILE, self.config_file.path.parent).remove(self.profile, old.base_url)
