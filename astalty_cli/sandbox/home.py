"""Where the profile `sandbox` lives: a folder with the database and with a key of its own."""

import contextlib
import os
import secrets
import stat
from pathlib import Path

from astalty_cli.errors import LocalError
from astalty_cli.sandbox.problems import Problem
from astalty_cli.sandbox.secret_format import is_well_formed
from astalty_cli.sandbox.store import Store
from astalty_cli.sandbox.times import Clock, utc_now
from astalty_cli.secret import Secret

KEY_NAME = "sandbox cli"
_RESET_HINT = "Start over with: astalty sandbox reset"
_MAX_KEY_FILE = 200  # bytes; a secret has 54
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)  # Windows has none of these
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # a pipe in the file's place must not hold us up


class Home:
    """The sandbox of this machine's user. Several processes may use one folder at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "sandbox.db"
        self.key_file = folder / "key"

    def open(self, clock: Clock = utc_now) -> Store:
        """Open the store, and make it at the first use. Raises `LocalError`."""
        return Store.open(self.database, clock=clock)

    def secret(self) -> Secret:
        """Return the secret of the profile's own key; make the key where there is none, or its file is lost.

        Raises `LocalError` for a key file that others may read, that someone else owns, or that is none.
        """
        with contextlib.closing(self.open()) as store:
            secret = self._read()
            return secret if secret and store.keys.knows(secret) else self._issue(store)

    def store_secret(self, secret: Secret) -> None:
        """Put another secret into the key file, all at once: after a rotation of that key."""
        draft = self.folder / f".key.{secrets.token_hex(8)}"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | _NO_FOLLOW
        try:
            with os.fdopen(os.open(draft, flags, 0o600), "w", encoding="ascii") as file:
                file.write(secret.reveal() + "\n")
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.key_file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise LocalError(f"Cannot write {self.key_file}: {error.strerror}.", hint=_RESET_HINT) from error

    def reset(self) -> None:
        """Remove the database and the key. No process may have them open."""
        for path in (
            self.key_file,
            self.database,
            self.database.with_name(self.database.name + "-wal"),
            self.database.with_name(self.database.name + "-shm"),
        ):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise LocalError(f"Cannot remove {path}: {error.strerror}.") from error

    def _issue(self, store: Store) -> Secret:
        with store.database.write():  # of two processes that come here, the second finds the first one's file
            secret = self._read()
            if secret and store.keys.knows(secret):
                return secret
            secret = _create_key(store)
            self.store_secret(secret)
            return secret

    def _read(self) -> Secret | None:
        try:
            descriptor = os.open(self.key_file, os.O_RDONLY | _NO_FOLLOW | _NO_WAIT)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalError(f"Cannot read {self.key_file}: {error.strerror}.", hint=_RESET_HINT) from error
        try:
            _check_private(self.key_file, os.fstat(descriptor))
            value = os.read(descriptor, _MAX_KEY_FILE).decode("ascii", "replace").strip()
        finally:
            os.close(descriptor)
        if not is_well_formed(value):
            raise LocalError(f"{self.key_file} holds no key of the sandbox.", hint=_RESET_HINT)
        return Secret(value)


def _create_key(store: Store) -> Secret:
    owner = store.owner().id
    for name in (KEY_NAME, *(f"{KEY_NAME} {number}" for number in range(2, 1000))):
        with contextlib.suppress(Problem):  # an active key has that name
            secret = store.keys.create(name, created_by=owner).secret
            assert secret is not None  # noqa: S101 - a key just made has one
            return secret
    raise LocalError("The sandbox has too many keys of its own.", hint=_RESET_HINT)


def _check_private(path: Path, status: os.stat_result) -> None:
    if os.name == "nt":  # no such modes there; the folder is the user's own
        return
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise LocalError(
            f"{path} must be a plain file that you own and only you can read.",
            hint=f"Check who changed it, then run: chmod 600 {path}",
        )
