"""The config file: named profiles, in TOML, under the user's config folder.

It holds no secret. Read with tomllib; written with tomlkit, so that a user's comments survive.
"""

import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.base.hiding import contains_secret
from astalty_cli.base.vocabulary import Storage

_LONGEST_PROFILE = 4096  # bytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class Profile(Struct, frozen=True, omit_defaults=True):
    """An account by name. `base_url` is also the one origin its stored key may go to.

    `catalogue` is only set by hand: a file or a URL in place of what the service publishes.
    """

    base_url: str
    storage: Storage | None = None
    key_id: str | None = None
    last_four: str | None = None
    account: str | None = None
    catalogue: str | None = None


class Config(Struct, frozen=True):
    default_profile: str | None = None
    profiles: dict[str, Profile] = {}


def checked_name(name: str) -> str:
    """Return a name that may be a profile's. Raises UsageError."""
    if contains_secret(name):
        raise UsageError(
            "The name of a profile seems to contain a secret.",
            hint="Choose another name.",
        )
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            f"{name!r} cannot be the name of a profile.",
            hint="Use letters, digits, dots, dashes and underscores, 64 at the most.",
        )
    return name


_Change = Callable[[MutableMapping[str, Any]], object]


class ConfigFile:
    """The file at `folder`/config.toml. Each change is read, made and written under a lock."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"

    def read(self) -> Config:
        """Raises LocalError if the file is not what it should be; it is then left alone."""
        return self._parsed(self._text())

    def check(self, name: str) -> None:
        """Try to save a profile of this name, and leave the file as it is. Raises LocalError."""
        trial = Profile("https://example.com", Storage.KEYRING, "id", "last", "account")
        private_files.private_folder(self.path.parent)
        text = self._changed(self._text(), _saving(name, trial))
        private_files.ensure_writable(self.path, len(text) + _LONGEST_PROFILE)

    def save(self, name: str, profile: Profile, *, as_default: bool = False) -> None:
        self._change(_saving(name, profile, as_default=as_default))

    def remove(self, name: str) -> None:
        def change(document: MutableMapping[str, Any]) -> None:
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
        from astalty_cli.config import toml_edit

        try:
            return msgspec.convert(toml_edit.load(text), Config)
        except ValueError as error:  # of which msgspec.ValidationError is one
            raise self._broken(str(error)) from error

    def _broken(self, problem: str) -> LocalError:
        return LocalError(
            f"The config file {self.path} is not usable: {problem}.",
            hint="Fix it or move it away; nothing was changed.",
        )

    def _change(self, change: _Change) -> None:
        private_files.private_folder(self.path.parent)
        with locks.exclusive(self.path.with_suffix(".lock")):
            private_files.write_private(self.path, self._changed(self._text(), change))

    def _changed(self, text: str, change: _Change) -> bytes:
        """The text with the change made, and nothing else: tomlkit may nest a table in another one.

        Raises LocalError if it cannot be made so.
        """
        import tomllib

        import tomlkit

        self._parsed(text)
        wanted = tomllib.loads(text)
        change(wanted)
        try:
            document = tomlkit.parse(text)
            change(document)
            written = tomlkit.dumps(document)
            if _tables(tomllib.loads(written)) == _tables(wanted):
                return written.encode()
        except Exception:  # noqa: BLE001, S110 - whatever the library makes of a text that is right
            pass
        raise LocalError(
            f"The config file {self.path} cannot be changed as it is written; it was left alone.",
            hint="Give each profile a table of its own, such as [profiles.work], and try again.",
        )


def _tables(config: dict[str, Any]) -> dict[str, Any]:
    """A table that has become empty is as good as none."""
    return {name: value for name, value in config.items() if value != {}}


def _saving(name: str, profile: Profile, *, as_default: bool = False) -> _Change:
    """What the user set by hand stays as long as the profile is for the same address."""

    def change(document: MutableMapping[str, Any]) -> None:
        profiles = document.setdefault("profiles", {})
        old, new = profiles.get(name, {}), msgspec.to_builtins(profile)
        if "catalogue" in old and old.get("base_url", "").rstrip("/") == profile.base_url:
            new.setdefault("catalogue", old["catalogue"])
        profiles[name] = new
        if as_default:
            document["default_profile"] = name

    return change
