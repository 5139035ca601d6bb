"""What can be wrong with a key, a rule a function. They look at what they are given and ask nobody."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from astalty_cli.api.identity import Identified
from astalty_cli.api.models import ApiKey
from astalty_cli.base.durations import format_duration
from astalty_cli.base.times import in_utc, iso
from astalty_cli.base.vocabulary import FindingCode, KeyStatus
from astalty_cli.services.keys.awaiting_deletion import AwaitedDeletion
from astalty_cli.services.keys.finder import Listed

_UNKNOWN = datetime.max.replace(tzinfo=UTC)
_FORGOTTEN = timedelta(days=7)  # after the date when a key was due for deletion
_NEARLY_EQUAL = 0.9  # of the characters of two names are common to both, in the same order
_MOST_NAMES = 2_000  # that each name is compared with, the oldest
_LONGEST_NAME = 200  # characters of a name that is compared; the service allows 100
_MOST_COMPARED = 50_000  # pairs of names that are made of nearly the same characters


class Dated(Listed, Protocol):
    """A key with the times of its secrets; None is unknown, or never."""

    @property
    def created_at(self) -> datetime | None: ...

    @property
    def rotated_at(self) -> datetime | None: ...

    @property
    def previous_expires_at(self) -> datetime | None: ...


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Finding(Struct, frozen=True):
    """A row of the audit. `since` is null if the server does not say since when."""

    severity: Severity
    finding: FindingCode
    key_id: str
    key_name: str
    last_four: str | None
    detail: str
    since: str | None


@dataclass(frozen=True)
class Limits:
    """What a key may be: how old, how long unused, and for how long back its addresses are known ones."""

    max_age: timedelta
    unused: timedelta
    baseline: timedelta


def of_key(key: ApiKey, limits: Limits, now: datetime) -> Iterator[Finding]:
    """What the key alone shows."""
    used = key.last_used_at
    yield from of_secrets(key, limits, now)
    if used is None:
        age = now - key.created_at
        severity = Severity.MEDIUM if age > limits.unused else Severity.LOW
        detail = f"Created {format_duration(age)} ago and never used."
        yield _finding(key, severity, FindingCode.NEVER_USED, detail, key.created_at)
    elif now - used > limits.unused:
        place = f", from {key.last_used_ip}" if key.last_used_ip else ""
        detail = f"Last used {format_duration(now - used)} ago{place}."
        yield _finding(key, Severity.MEDIUM, FindingCode.UNUSED, detail, used)


def of_secrets(key: Dated, limits: Limits, now: datetime) -> Iterator[Finding]:
    """What the times of its secrets show; unknown ones show nothing."""
    made, ends = key.rotated_at or key.created_at, key.previous_expires_at
    if made and (age := now - made) > limits.max_age:
        severity = Severity.HIGH if age > 2 * limits.max_age else Severity.MEDIUM
        detail = f"The secret is {format_duration(age)} old; the limit is {format_duration(limits.max_age)}."
        yield _finding(key, severity, FindingCode.OLD, detail, made)
    if key.status is KeyStatus.EXPIRING:
        until = f"{in_utc(ends):%Y-%m-%d %H:%M} UTC" if ends else "a time that the server does not tell"
        detail = f"Until {until}, an earlier secret works too."
        yield _finding(key, Severity.LOW, FindingCode.IN_GRACE, detail, key.rotated_at)


def not_deleted(key: AwaitedDeletion, now: datetime) -> Finding:
    """Of a key that is to be deleted on the web page."""
    severity = Severity.LOW
    if key.is_due(now):
        severity = Severity.HIGH if now - key.due_at >= _FORGOTTEN else Severity.MEDIUM
    on_page = f" ({key.page_name!r} on the web page)" if key.page_name else ""
    which = f"{'The old key' if key.is_old else 'It'}{on_page}"
    lost = "" if key.can_verify else " Nothing can verify it any more."
    is_due = "was" if key.is_due(now) else "is"
    detail = f"{which} {is_due} due for deletion on {in_utc(key.due_at):%Y-%m-%d %H:%M} UTC.{lost}"
    return _finding(key, severity, FindingCode.AWAITING_DELETION, detail, key.due_at)


def new_address(key: ApiKey, address: str, first_use: datetime, baseline: timedelta) -> Finding:
    detail = f"Used from {address}, and never in the {format_duration(baseline)} before."
    return _finding(key, Severity.HIGH, FindingCode.NEW_ADDRESS, detail, first_use)


class SimilarNames:
    """Keys that people may take for another one: each is found once, with the oldest key that it is like.

    Equal names are all found. Nearly equal ones need a comparison of each pair: `complete` is False where
    there are too many names for that.
    """

    def __init__(self, keys: Iterable[Dated]) -> None:
        self._by_age = sorted(
            keys, key=lambda key: (key.created_at is None, key.created_at or _UNKNOWN, key.id)
        )
        self._names: dict[str, tuple[Dated, _Name]] = {}  # as they were folded, of the oldest key
        self._bits: dict[tuple[str, int], int] = {}
        self._compared = 0
        self.complete = True

    def findings(self) -> Iterator[Finding]:
        for key in self._by_age:
            name = _Name(_folded(key.name), self._bits)
            if older := self._like(name):
                which = ", which is older" if key.created_at else ""
                detail = f"Like {older.name!r} ({older.id}){which}."
                yield _finding(key, Severity.LOW, FindingCode.SIMILAR_NAME, detail, None)
            self._names.setdefault(name.text, (key, name))

    def _like(self, name: "_Name") -> Dated | None:
        if not name.text:  # of names without any letter or digit nothing is left to compare
            return None
        if name.text in self._names:
            return self._names[name.text][0]
        if len(self._names) > _MOST_NAMES or len(name.text) > _LONGEST_NAME:
            self.complete = False
            return None
        return next((key for key, other in self._names.values() if self._nearly_equal(name, other)), None)

    def _nearly_equal(self, one: "_Name", other: "_Name") -> bool:
        least = _NEARLY_EQUAL * (len(one.text) + len(other.text)) / 2
        if (one.letters & other.letters).bit_count() < least or one.undigited == other.undigited:
            return False
        self._compared += 1
        if self._compared > _MOST_COMPARED:
            self.complete = False
            return False
        return _common(one.text, other.text) >= least


def _finding(
    key: Identified, severity: Severity, code: FindingCode, detail: str, since: datetime | None
) -> Finding:
    return Finding(severity, code, key.id, key.name, key.last_four, detail, iso(since) if since else None)


def _folded(name: str) -> str:
    """A name as the eye takes it: its letters and digits, whatever their case and form."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


class _Name:
    """A folded name. `letters` has a bit for each of its characters: the first `a`, the second `a`.

    Names that are equal but for their digits only number things, as "ci 1" and "ci 2".
    """

    def __init__(self, text: str, bits: dict[tuple[str, int], int]) -> None:
        self.text = text
        self.undigited = "".join(char for char in text if not char.isdigit())
        self.letters = 0
        if len(text) <= _LONGEST_NAME:
            seen: Counter[str] = Counter()
            for char in text:
                seen[char] += 1
                self.letters |= 1 << bits.setdefault((char, seen[char]), len(bits))


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common, in the same order (bits stand for those of `one`)."""
    places: dict[str, int] = {}
    for index, char in enumerate(one):
        places[char] = places.get(char, 0) | 1 << index
    row = whole = (1 << len(one)) - 1
    for char in other:
        matched = row & places.get(char, 0)
        row = ((row + matched) | (row - matched)) & whole
    return len(one) - row.bit_count()
