"""What can be wrong with a key, a rule a function. They look at what they are given and ask nobody."""

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from astalty_cli.api.models import ApiKey
from astalty_cli.base.durations import format_duration
from astalty_cli.base.times import in_utc, iso
from astalty_cli.base.vocabulary import FindingCode, KeyStatus

_NEARLY_EQUAL = 0.9  # of difflib's ratio, which is 1 for equal names


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Finding(Struct, frozen=True):
    """A row of the audit. `since` is null where the server does not tell since when it is so."""

    severity: Severity
    finding: FindingCode
    key_id: str
    key_name: str
    last_four: str
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
    made, used, ends = key.rotated_at or key.created_at, key.last_used_at, key.previous_expires_at
    if (age := now - made) > limits.max_age:
        severity = Severity.HIGH if age > 2 * limits.max_age else Severity.MEDIUM
        detail = f"The secret is {format_duration(age)} old; the limit is {format_duration(limits.max_age)}."
        yield _finding(key, severity, FindingCode.OLD, detail, made)
    if used is None:
        age = now - key.created_at
        severity = Severity.MEDIUM if age > limits.unused else Severity.LOW
        detail = f"Created {format_duration(age)} ago and never used."
        yield _finding(key, severity, FindingCode.NEVER_USED, detail, key.created_at)
    elif now - used > limits.unused:
        place = f", from {key.last_used_ip}" if key.last_used_ip else ""
        detail = f"Last used {format_duration(now - used)} ago{place}."
        yield _finding(key, Severity.MEDIUM, FindingCode.UNUSED, detail, used)
    if key.status is KeyStatus.EXPIRING:
        until = f"{in_utc(ends):%Y-%m-%d %H:%M} UTC" if ends else "a time that the server does not tell"
        detail = f"Until {until}, an earlier secret works too."
        yield _finding(key, Severity.LOW, FindingCode.IN_GRACE, detail, key.rotated_at)


def new_address(key: ApiKey, address: str, first_use: datetime, baseline: timedelta) -> Finding:
    detail = f"Used from {address}, and never in the {format_duration(baseline)} before."
    return _finding(key, Severity.HIGH, FindingCode.NEW_ADDRESS, detail, first_use)


def similar_names(keys: Iterable[ApiKey]) -> Iterator[Finding]:
    """Pairs of keys that people may take for one another; the younger key of a pair is the one found."""
    by_age = sorted(keys, key=lambda key: (key.created_at, key.id))
    folded = [(key, _folded(key.name)) for key in by_age]
    for (older, old), (younger, young) in itertools.combinations(folded, 2):
        if _alike(old, young):
            detail = f"Like {older.name!r} ({older.id}), which is older."
            yield _finding(younger, Severity.LOW, FindingCode.SIMILAR_NAME, detail, None)


def _finding(
    key: ApiKey, severity: Severity, code: FindingCode, detail: str, since: datetime | None
) -> Finding:
    return Finding(severity, code, key.id, key.name, key.last_four, detail, iso(since) if since else None)


def _folded(name: str) -> str:
    """A name as the eye takes it: its letters and digits, whatever their case and form."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", name).casefold()))


def _alike(one: str, other: str) -> bool:
    """Equal, or nearly so; names that only number things, as "ci 1" and "ci 2", are meant to be alike."""
    if one == other:
        return bool(one)  # of names without any letter or digit nothing is left to compare
    if _without_digits(one) == _without_digits(other):
        return False
    from difflib import SequenceMatcher

    match = SequenceMatcher(None, one, other)
    bounds = (match.real_quick_ratio, match.quick_ratio, match.ratio)  # from the cheapest, each the lower
    return all(ratio() >= _NEARLY_EQUAL for ratio in bounds)


def _without_digits(text: str) -> str:
    return "".join(char for char in text if not char.isdigit())
