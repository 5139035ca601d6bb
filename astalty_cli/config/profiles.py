"""The config file: named profiles, in TOML, under the user's config folder.

It holds no secret. Read with tomllib; written with tomlkit, so that a user's comments survive.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.base.vocabulary import Storage

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Profile(Struct, frozen=True, omit_defaults=True):
    """An account by name. `base_url` is also the one origin its stored key may go to."""

    base_url: str
    storage: Storage | None = None
    key_id: str | None = None
    last_four: str | None = None
    account: str | None = None


class Config(Struct, frozen=True):
    default_profile: str | None = None
    profiles: dict[str, Profile] = {}


def checked_name(name: str) -> str:
    """Return a name that may be a profile's. Raises UsageError."""
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be the name of a profile.",
            hint="Use letters, digits, dots, dashes and underscores, 64 at the most.",
        )
    return name


class ConfigFile:
    """The file at `folder`/config.toml. Each change is read, made and written under a lock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"

    def read(self) -> Config:
        """Raises LocalError where the file is not what it should be; it is then left alone."""
        return self._parsed(self._text())

    def save(self, name: str, profile: Profile, *, as_default: bool = False) -> None:
        def change(document: dict[str, Any]) -> None:
            document.setdefault("profiles", {})[name] = msgspec.to_builtins(profile)
            if as_default:
                document["default_profile"] = name

        self._change(change)

    def remove(self, name: str) -> None:
        def change(document: dict[str, Any]) -> None:
            document.get("profiles", {}).pop(name, None)
            if document.get("default_profile") == name:
                del document["default_profile"]

        self._change(change)

    def set_default(self, name: str) -> None:
        self._change(lambda document: document.update(default_profile=name))

    def _text(self) -> str:
        data = private_files.read_private(self.path) or b""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise self._broken("it is not UTF-8 text") from error

    def _parsed(self, text: str) -> Config:
        if not text:
            return Config()
        import tomllib

        try:
            return msgspec.convert(tomllib.loads(text), Config)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise self._broken(str(error)) from error

    def _broken(self, problem: str) -> LocalError:
        return LocalError(
            f"The config file {self.path} is not usable: {problem}.",
            hint="Mend it or move it away; nothing was changed.",
        )

    def _change(self, change: Any) -> None:
        import tomlkit

        private_files.private_folder(self.path.parent)
        with locks.exclusive(self.path.with_suffix(".lock")):
            text = self._text()
            self._parsed(text)
            document = tomlkit.parse(text)
            change(document)
            private_files.write_private(self.path, tomlkit.dumps(document).encode())
