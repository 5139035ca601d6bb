"""Where a profile's key is kept: the platform's keyring, or a 0600 file if that was asked for.

Every keyring backend is named here: the null and plain-text ones of the keyring library accept a write
and lose or expose it, and looking for one costs more than the rest of a command.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import msgspec

from astalty_cli.base import private_files
from astalty_cli.base.durations import format_seconds
from astalty_cli.base.errors import LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.secret import MAX_LENGTH, Secret
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.vocabulary import Storage

_T = TypeVar("_T")

KEYRING_SECONDS: Final = 3.0
_PROBE: Final = "probe"  # in place of an origin
_OTHER_WAYS = "Use ASTALTY_API_KEY, or keep the key in a file of your own: astalty auth login --storage file"


class Credentials(Protocol):
    """Keys by profile and origin. Every method raises LocalError if the place is not usable.

    `check` tries what `store` does: it is asked before a user is asked for a key.
    """

    def check(self, profile: str) -> None: ...

    def load(self, profile: str, origin: str) -> Secret | None: ...

    def store(self, profile: str, origin: str, secret: Secret) -> None: ...

    def remove(self, profile: str, origin: str) -> None: ...

    def clear_leftovers(self, profile: str) -> None:
        """Remove what a killed process has left of a key that it was about to store."""


def stored_in(storage: Storage, folder: Path) -> Credentials:
    """The place that a profile's `storage` names; files lie below the config `folder`."""
    return KeyringCredentials() if storage is Storage.KEYRING else FileCredentials(folder / "keys")


def slot_in(storage: Storage, data: Path) -> Credentials:
    """Where old secrets are kept by the id of a journal entry until their keys are deleted on the web page.

    Files lie below the `data` folder.
    """
    if storage is Storage.KEYRING:
        return KeyringCredentials("astalty old")
    return FileCredentials(data / "keys" / "old")


class _StoredKey(msgspec.Struct):
    origin: str
    secret: str


class _AnyStoredKey(msgspec.Struct):
    secret: str


def see_stored(*folders: Path) -> None:
    """Hide the keys in files below these folders; whatever is wrong with one is passed over."""
    for path in (path for folder in folders for path in (folder / "keys").rglob("*.json")):
        with suppress(LocalError, ValueError, *JSON_DECODE_ERRORS):
            Secret.parse(
                msgspec.json.decode(private_files.read_private(path) or b"", type=_AnyStoredKey).secret
            )


class FileCredentials:
    """A file for each profile, bound to the origin that its key was stored for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, profile: str) -> None:
        private_files.private_folder(self._folder)
        private_files.ensure_writable(self.path(profile), 2 * MAX_LENGTH)

    def load(self, profile: str, origin: str) -> Secret | None:
        path = self.path(profile)
        data = private_files.read_private(path)
        if data is None:
            return None
        try:
            stored = msgspec.json.decode(data, type=_StoredKey)
            return Secret.parse(stored.secret) if stored.origin == origin else None
        except (ValueError, *JSON_DECODE_ERRORS) as error:
            raise LocalError(
                f"{path} does not hold a key.", hint=f"Sign in again: astalty auth login -p {quoted(profile)}"
            ) from error

    def store(self, profile: str, origin: str, secret: Secret) -> None:
        private_files.write_private(
            self.path(profile), msgspec.json.encode(_StoredKey(origin, secret.reveal()))
        )
        if self.load(profile, origin) != secret:
            raise LocalError(
                f"{self.path(profile)} was written and does not hold the key.",
                hint="Check the disk below it.",
            )

    def remove(self, profile: str, origin: str) -> None:  # noqa: ARG002 - one file, whatever it holds
        private_files.remove(self.path(profile))

    def clear_leftovers(self, profile: str) -> None:
        private_files.clear_leftovers(self.path(profile))

    def path(self, profile: str) -> Path:
        return self._folder / f"{profile}.json"


class KeyringCredentials:
    """The platform's keyring, given three seconds for each answer, and read back after a write.

    `service` is how its entries begin.
    """

    def __init__(self, service: str = "astalty") -> None:
        self._service_name = service

    def check(self, profile: str) -> None:
        """An entry of no use is written, read back and removed: a keyring may be locked or read-only."""
        self.store(profile, _PROBE, Secret(os.urandom(24).hex()))
        self.remove(profile, _PROBE)

    def name(self) -> str:
        """The kind of keyring that is there; it is asked for nothing. Raises LocalError."""
        return type(self._backend()).__module__.rpartition(".")[2]

    def load(self, profile: str, origin: str) -> Secret | None:
        backend = self._backend()
        value = _in_time(lambda: backend.get_password(self._service(origin), profile))
        try:
            return None if value is None else Secret.parse(value)
        except (ValueError, TypeError, AttributeError):  # a backend may give back what is no text
            raise LocalError(
                f"What the keyring has for {profile!r} is not a key.",
                hint=f"Sign in again: astalty auth login -p {quoted(profile)}",
            ) from None

    def store(self, profile: str, origin: str, secret: Secret) -> None:
        backend = self._backend()

        def write_and_read() -> str | None:
            backend.set_password(self._service(origin), profile, secret.reveal())
            value: str | None = backend.get_password(self._service(origin), profile)
            return value

        if _in_time(write_and_read) != secret.reveal():
            raise LocalError("The keyring accepted the key and did not give it back.", hint=_OTHER_WAYS)

    def remove(self, profile: str, origin: str) -> None:
        backend = self._backend()

        def delete() -> None:
            with suppress(Exception):  # there is none, or none that can be deleted: read back to know
                backend.delete_password(self._service(origin), profile)

        _in_time(delete)
        if self.load(profile, origin) is not None:
            raise LocalError("The keyring did not delete the key.", hint=_OTHER_WAYS)

    def clear_leftovers(self, profile: str) -> None:
        """A keyring has none."""

    def _service(self, origin: str) -> str:
        return f"{self._service_name} {origin}"

    def _backend(self) -> Any:
        find = BACKENDS.get(sys.platform)
        if find is None:
            raise LocalError(f"No keyring is known for {sys.platform}.", hint=_OTHER_WAYS)

        def made() -> Any:
            backend = find()
            _ = backend.priority  # raises if the service behind it is not there
            return backend()

        return _in_time(made)


def _macos() -> Any:
    from keyring.backends.macOS import Keyring

    return Keyring


def _windows() -> Any:
    from keyring.backends.Windows import WinVaultKeyring

    return WinVaultKeyring


def _secret_service() -> Any:
    from keyring.backends.SecretService import Keyring

    return Keyring


BACKENDS: dict[str, Callable[[], Any]] = {
    "darwin": _macos,
    "win32": _windows,
    "linux": _secret_service,
}


def _service(origin: str) -> str:
    return f"astalty {origin}"


def _in_time(work: Callable[[], _T]) -> _T:
    """Run `work` with a limit, on a thread that may be left behind: a keyring that hangs never returns."""
    results: list[_T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - any backend, any failure: some raise no Exception
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(KEYRING_SECONDS)
    if results:
        return results[0]
    if failures:
        # Its text is not shown: nobody knows what a backend puts there.
        raise LocalError("There is no keyring here that can be used.", hint=_OTHER_WAYS)
    waited = format_seconds(KEYRING_SECONDS)
    raise LocalError(f"The keyring did not answer within {waited}.", hint=_OTHER_WAYS)
