"""Which key is meant: a full id, else the exact name of an active key, else an unambiguous id prefix."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Generic, Protocol, TypeVar

from astalty_cli.api.answers import Row
from astalty_cli.api.contract import is_uuid
from astalty_cli.api.identity import LOCAL, Identified
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import NotFoundError, UsageError
from astalty_cli.base.vocabulary import KeyStatus

_NEAR = 0.7  # of 1; below, the name is none that was mistyped
_COMPARED = 1_000  # names that are looked at for a near match
_MOST_TYPED = 20  # characters that a mistyped name has more, or fewer
_LONGEST = 100  # characters of a name that is compared
_PREFIX = re.compile(rf"[0-9a-f][0-9a-f-]{{3,35}}|{LOCAL}[0-9a-f]*")


class Listed(Identified, Protocol):
    """A row of a list of keys."""

    @property
    def status(self) -> KeyStatus: ...


K = TypeVar("K", bound=Listed)


class KeyList(Protocol[K]):
    """Where keys are looked up: the service, or the record."""

    def all_keys(self) -> Iterable[Row[K]]: ...

    def get_key(self, key_id: str, /) -> Row[K]:
        """Raises NotFoundError."""


class KeyFinder(Generic[K]):
    """Finds the keys that a command's arguments mean, with one listing for all of them."""

    def __init__(self, keys: KeyList[K]) -> None:
        self._list = keys

    def find(self, wanted: str) -> Row[K]:
        """Find the one key that `wanted` means.

        Raises NotFoundError for none, and UsageError, with the candidates, for several.
        """
        if is_uuid(wanted):
            return self._list.get_key(wanted.lower())
        meant = [key for key in self._keys if key.value.id == wanted] or [
            key for key in self._keys if key.value.name == wanted and is_active(key.value)
        ]
        if meant:
            return _only(meant, wanted)
        prefix = wanted.lower()
        started = [key for key in self._keys if key.value.id.startswith(prefix)]
        if started and _PREFIX.fullmatch(prefix):
            return _only(started, wanted)
        from difflib import get_close_matches

        active = (key.value.name for key in self._keys if is_active(key.value))
        alike = (name for name in active if abs(len(name) - len(wanted)) <= _MOST_TYPED)
        near = get_close_matches(wanted[:_LONGEST], islice(alike, _COMPARED), n=1, cutoff=_NEAR)
        raise NotFoundError(
            f"There is no active key named {wanted!r}, and no key whose id starts so."
            + (f" Did you mean {near[0]!r}?" if near else ""),
            hint="See them: astalty keys list (revoked ones, with --status revoked, go by their id)",
        )

    def find_active(self, wanted: str) -> K:
        """As `find`, for what only a key that still works allows. Raises NotFoundError for a revoked one."""
        key = self.find(wanted).value
        if not is_active(key):
            raise NotFoundError(
                f"The key {described(key)} is revoked, and stays so.",
                hint="Create one: astalty keys create NAME",
            )
        return key

    @cached_property
    def _keys(self) -> list[Row[K]]:
        return list(self._list.all_keys())


def is_active(key: Listed) -> bool:
    return key.status is not KeyStatus.REVOKED


def described(key: Identified) -> str:
    """A key in a sentence: a name alone may be made to look like another's."""
    end = f", ends in {key.last_four}" if key.last_four else ""
    return f"{key.name!r} ({key.id}{end})"


def secret_age(key: ApiKey, now: datetime) -> timedelta:
    """How old the newest secret of a key is."""
    return now - (key.rotated_at or key.created_at)


def _only(keys: list[Row[K]], wanted: str) -> Row[K]:
    if len(keys) == 1:
        return keys[0]
    candidates = "\n".join(f"  {described(key.value)}" for key in keys)
    raise UsageError(
        f"{wanted!r} could be any of {len(keys)} keys; nothing was done.",
        hint=f"Give more of the id:\n{candidates}",
    )
