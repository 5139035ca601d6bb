"""Where a sandbox lives: a database, and beside it the file with a key of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from astalty_cli.api.identity import Identified, KeyIdentity
from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import HeldSecret, Secret
from astalty_cli.base.times import Clock, utc_now
from astalty_cli.base.vocabulary import KeyStyle, Storage
from astalty_cli.sandbox.database import MOVE_HINT, ensure_removable
from astalty_cli.sandbox.problems import Problem
from astalty_cli.sandbox.secret_format import is_well_formed
from astalty_cli.sandbox.store import Store

KEY_NAME = "sandbox cli"
_RESET_HINT = "Start over with: astalty sandbox reset"


class Home:
    """A sandbox on this machine. Several processes may use one at once, each with a style for new keys.

    Raises `LocalError` for a path that has no name.
    """

    def __init__(self, database: Path, key_style: KeyStyle = KeyStyle.ASTALTY) -> None:
        if not database.name:
            raise LocalError(f"{database} is a folder and no database.", hint="Name a file.")
        self.database = database
        self._key_style = key_style
        self.key_file = database.with_name(f"{database.name}.key")
        self.record_file = database.with_name("keys.toml")

    def open(self, clock: Clock = utc_now) -> Store:
        """Open the store, and create it at the first use. Raises `LocalError`."""
        return Store.open(self.database, clock=clock, key_style=self._key_style)

    def secret(self) -> Secret:
        """Return the secret of the sandbox's own key; create another key if that one no longer works.

        Raises `LocalError` for a key file that others may read, that someone else owns, or that is none.
        """
        with contextlib.closing(self.open()) as store:
            secret = self._read()
            return secret if secret and store.keys.accepts(secret) else self._issue(store)

    def holding(self, key_id: str) -> list[str]:
        """`sandbox`, if its file holds this key."""
        return ["sandbox"] if list(self.secrets(key_id)) else []

    def secrets(self, key_id: str) -> Iterator[Secret]:
        with contextlib.closing(self.open()) as store:
            secret = self._read()
            if secret and store.keys.holder(secret) == key_id:
                yield secret

    def held(self) -> Iterator[HeldSecret]:
        """What the file holds, with the id of its key."""
        with contextlib.closing(self.open()) as store:
            if secret := self._read():
                yield HeldSecret("sandbox", Storage.FILE, store.keys.holder(secret), secret)

    def clear_leftovers(self) -> None:
        private_files.clear_leftovers(self.key_file)

    def replace(self, old: Secret, _key: KeyIdentity, secret: Secret) -> list[str]:
        """Use the new secret from now on, if the file holds the old one."""
        if self._read() != old:
            return []
        self._write(secret)
        return ["sandbox"]

    def switch(self, key: Identified, secret: Secret) -> list[str]:
        """Use the new secret of a rotated key from now on, if the file holds this key."""
        holding = self.holding(key.id)
        if holding:
            self._write(secret)
        return holding

    def reset(self) -> None:
        """Remove the database, its key and its record.

        Raises `LocalError`, and removes nothing, if a file is not a sandbox's, or another process uses it.
        """
        side_files = (self.database.with_name(self.database.name + end) for end in ("-wal", "-shm"))
        files = (self.key_file, self.record_file, self.database, *side_files)
        for path in files:
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise LocalError(f"{path} is not a regular file.", hint=MOVE_HINT)
        ensure_removable(self.database)
        for path in files:
            private_files.remove(path)

    def _issue(self, store: Store) -> Secret:
        with store.database.write():  # of two processes that come here, the second finds the first one's file
            secret = self._read()
            if secret and store.keys.accepts(secret):
                return secret
            secret = _create_key(store)
            self._write(secret)
            return secret

    def _write(self, secret: Secret) -> None:
        private_files.write_private(self.key_file, f"{secret.reveal()}\n".encode())

    def _read(self) -> Secret | None:
        data = private_files.read_private(self.key_file)
        if data is None:
            return None
        value = data.decode("ascii", "replace").strip()
        if not is_well_formed(value):
            raise LocalError(
                f"{self.key_file} holds no key of the sandbox.",
                hint="Remove it; the next use creates a new key.",
            )
        return Secret(value)


def _create_key(store: Store) -> Secret:
    owner = store.owner().id
    for name in (KEY_NAME, *(f"{KEY_NAME} {number}" for number in range(2, 1000))):
        with contextlib.suppress(Problem):  # an active key has that name
            secret = store.keys.create(name, created_by=owner).secret
            assert secret is not None  # noqa: S101 - a key just made has one
            return secret
    raise LocalError("The sandbox has too many keys of its own.", hint=_RESET_HINT)
