"""The record: a TOML file of the keys that this machine, or a team, knows.

It holds no secret and no hash of one, so that a team can keep it in a repository.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from astalty_cli.api.identity import LOCAL
from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.config import toml_edit

_MAX_KEYS: Final = 1000
_TABLES: Final = "keys"
_HEADER: Final = """\
# Keys of Astalty accounts, as `astalty keys` knows them. It holds no secret and no hash of one.
# It may be edited by hand: comments stay.

"""

UNKNOWN: Final = "unknown"  # the access level, if neither the service nor the user gave one

Level = Annotated[str, Meta(min_length=1, max_length=40)]  # one of `Access`, or another that a service has
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]
LastFour = Annotated[str, Meta(max_length=4)]
Text = Annotated[str, Meta(min_length=1, max_length=300)]
Moment = Annotated[datetime, Meta(tz=True)]


class Accuracy(StrEnum):
    """How well a time is known. `given`: the service or a person has said it."""

    GIVEN = "given"
    APPROXIMATE = "approximate"
    UNKNOWN = "unknown"


class Ending(StrEnum):
    """How it was verified that a key has ended. `stated`: a person has said so."""

    REVOKED = "revoked"
    REJECTED = "rejected"
    STATED = "stated"


class RecordedKey(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key of one origin. `page_name` is its name on the web page, if that is known.

    `previous_expires_at` is when the key's earlier secret ends, or is due for deletion; `previous_ended_by`
    is how it is known that it is deleted.
    """

    name: Name
    origin: Text
    id: Id
    access: Level = UNKNOWN
    last_four: LastFour = ""
    page_name: Text | None = None
    owner: Text | None = None
    purpose: Text | None = None
    created_at: Moment | None = None
    created: Accuracy = Accuracy.UNKNOWN
    rotated_at: Moment | None = None
    previous_expires_at: Moment | None = None
    previous_ended_by: Ending | None = None
    last_verified_at: Moment | None = None
    destinations: Annotated[list[Text], Meta(max_length=20)] = []
    ended_at: Moment | None = None
    ended_by: Ending | None = None

    @property
    def service_id(self) -> str | None:
        """The id that the service knows it by, if it has told one."""
        return None if self.id.startswith(LOCAL) else self.id


class _Content(Struct):
    keys: Annotated[list[RecordedKey], Meta(max_length=_MAX_KEYS)] = []


def new_id() -> str:
    """An id for a key of which the service has told none."""
    return LOCAL + os.urandom(6).hex()


class RecordFile:
    """The file at `path`, of all origins. `is_own`: in this program's own folder, which is created."""

    def __init__(self, path: Path, *, is_own: bool) -> None:
        self.path = path
        self._is_own = is_own

    def read(self) -> list[RecordedKey]:
        """Raises LocalError if the file is not what it should be; it is then left alone."""
        return self._parsed(self._text())

    def change(self, edit: Callable[[list[RecordedKey]], None]) -> None:
        """Let `edit` replace keys in the list of all keys and append to it, alone among our processes.

        Raises LocalError, and what `edit` raises; the file is then as it was.
        """
        with self._locked():
            text = self._text()
            before = self._parsed(text)
            after = list(before)
            edit(after)
            if after != before:
                self._write(text, before, after)

    def _write(self, text: str, before: list[RecordedKey], after: list[RecordedKey]) -> None:
        def change(tables: toml_edit.Tables) -> None:
            for table, old, new in zip(tables, before, after, strict=False):
                _update(table, _fields(old), _fields(new))
            for new in after[len(before) :]:
                toml_edit.append(tables, _fields(new))

        written = toml_edit.with_tables_changed(text or _HEADER, _TABLES, change)
        if written is None or len(written.encode()) > toml_edit.MAX_BYTES or self._parsed(written) != after:
            raise LocalError(
                f"The record {self.path} cannot be changed as it is written; it was left alone.",
                hint="Give each key a table [[keys]] of its own, and remove old ones if it is very long.",
            )
        private_files.replace_shared(self.path, written.encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._is_own:
            private_files.private_folder(self.path.parent)
        with private_files.locked(self.path):
            yield

    def _text(self) -> str:
        data = private_files.read_shared(self.path, toml_edit.MAX_BYTES) or b""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise self._damaged("it is not UTF-8 text") from error

    def _parsed(self, text: str) -> list[RecordedKey]:
        if not text:
            return []
        try:
            keys = msgspec.convert(toml_edit.load(text), _Content).keys
        except ValueError as error:  # of which msgspec.ValidationError is one
            raise self._damaged(str(error)) from error
        self._ensure_unique(keys)
        return keys

    def _ensure_unique(self, keys: list[RecordedKey]) -> None:
        seen = set()
        for key in keys:
            named = [("id", key.id), *([] if key.ended_at else [("name", key.name)])]
            for what, value in named:
                if (key.origin, what, value) in seen:
                    raise self._damaged(f"two keys of {key.origin} have the {what} {value!r}")
                seen.add((key.origin, what, value))

    def _damaged(self, problem: str) -> LocalError:
        return LocalError(
            f"The record {self.path} is not usable: {problem}.",
            hint="Fix it or move it away; nothing was changed.",
        )


def _fields(key: RecordedKey) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(key, builtin_types=(datetime,))
    return fields


def _update(table: toml_edit.Table, old: dict[str, Any], new: dict[str, Any]) -> None:
    for name in old.keys() - new.keys():
        del table[name]
    for name, value in new.items():
        if name not in old or old[name] != value:
            toml_edit.put(table, name, value)
