"""Looking over all keys that still work: the rules are in `findings.py`, what asks the server is here.

What the server's data cannot tell becomes a note, never a finding.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey
from astalty_cli.base.durations import format_duration
from astalty_cli.base.errors import NotOfferedError
from astalty_cli.base.times import iso, local, usable_clock, utc_now
from astalty_cli.base.vocabulary import Access, FindingCode, KeyStatus
from astalty_cli.services.history.listing import HistoryReader, oldest
from astalty_cli.services.history.reading import LATE
from astalty_cli.services.keys.awaiting_deletion import AwaitedDeletion
from astalty_cli.services.keys.findings import (
    Dated,
    Finding,
    Limits,
    Severity,
    SimilarNames,
    new_address,
    not_deleted,
    of_key,
    of_secrets,
)
from astalty_cli.services.keys.recorded import RecordedKeys

_LATELY = timedelta(days=1)  # the uses whose addresses are compared with those before
_NOT_COMPARED = "There are too many names, or too long ones, to compare all of them."

FirstUses = dict[str, datetime]  # by address


class AuditReport(NamedTuple):
    """The findings, the most severe first; notes for people: what is unknown, and advice; the keys."""

    findings: list[Finding]
    notes: list[str]
    keys: Sequence[Dated]


@dataclass
class Audit:
    """One look at the account. `deletions` are keys that are to be deleted on the web page."""

    client: Client
    limits: Limits
    deletions: Sequence[AwaitedDeletion] = ()
    notes: list[str] = field(default_factory=list)

    def run(self) -> AuditReport:
        now = self._now()
        status = f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}"
        keys = [key.value for key in self.client.all_keys(status=status)]
        found = [finding for key in keys for finding in of_key(key, self.limits, now)]
        names = SimilarNames(keys)
        found += names.findings()
        if not names.complete:
            self.notes.append(_NOT_COMPARED)
        found += self._new_addresses(keys, now)
        found += [not_deleted(each, utc_now()) for each in self.deletions]
        self._recommend_read_only(keys)
        return AuditReport(most_severe_first(found), self.notes, keys)

    def _recommend_read_only(self, keys: list[ApiKey]) -> None:
        full = sum(key.access == Access.FULL_ACCESS for key in keys)
        if full:
            self.notes.append(
                f"{full} of {len(keys)} keys have Full Access. If reading is enough for one, replace it: "
                "astalty keys create NAME --access read-only"
            )

    def _now(self) -> datetime:
        """The server's clock: all other times are its own, and this machine's may be wrong."""
        return usable_clock(self.client.current_key().value.last_used_at) or utc_now()

    def _new_addresses(self, keys: list[ApiKey], now: datetime) -> list[Finding]:
        addresses = _Addresses(self.client, now, self.limits.baseline)
        try:
            found = list(addresses.new(keys))
        except NotOfferedError:
            self.notes.append("This server has no request history: addresses were not compared.")
            return []
        self.notes += addresses.notes
        return found


def of_record(
    recorded: RecordedKeys, limits: Limits, deletions: Sequence[AwaitedDeletion] = ()
) -> AuditReport:
    """What the record knows; nothing says when a key was used. A key that waits to be deleted is no grace."""
    status, now = f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}", utc_now()
    keys = [row.value for row in recorded.all_keys(status=status)]
    waiting = {each.id for each in deletions}
    found = [
        finding
        for key in keys
        for finding in of_secrets(key, limits, now)
        if finding.finding is not FindingCode.IN_GRACE or key.id not in waiting
    ]
    found += [not_deleted(each, now) for each in deletions]
    notes = ["The record doesn't know when or from where keys were used, so that was not checked."]
    if unknown := [key.name for key in keys if not (key.rotated_at or key.created_at)]:
        notes.append(
            f"Of unknown age: {', '.join(map(repr, unknown))}. Add created_at to them in the record."
        )
    names = SimilarNames(keys)
    found += names.findings()
    return AuditReport(most_severe_first(found), notes if names.complete else [*notes, _NOT_COMPARED], keys)


def most_severe_first(findings: list[Finding]) -> list[Finding]:
    order = list(Severity)
    return sorted(findings, key=lambda each: (order.index(each.severity), each.key_name, each.key_id))


@dataclass
class _Addresses:
    """From where keys were used in the day before `now`, against the `baseline` before that day."""

    client: Client
    now: datetime
    baseline: timedelta
    notes: list[str] = field(default_factory=list)

    def new(self, keys: list[ApiKey]) -> Iterator[Finding]:
        """A finding for each address from which a key was not used before."""
        lately = self._lately()
        for key in keys:
            if key.id in lately:
                yield from self._compared(key, lately[key.id])
        self._look_how_far_back_it_goes()

    @property
    def _day(self) -> datetime:
        return self.now - _LATELY

    @property
    def _start(self) -> datetime:
        return self._day - self.baseline

    def _lately(self) -> dict[str, FirstUses]:
        """By key. The time ends before this command's own calls, and before what may not be seen yet."""
        uses: dict[str, FirstUses] = defaultdict(dict)
        window = {"created_from": iso(self._day), "created_to": iso(self.now - LATE)}
        for row in HistoryReader(self.client, window, None, None, settled=True).entries():
            entry = row.value
            if entry.api_key and entry.ip_address:
                uses[entry.api_key.id][entry.ip_address] = entry.created_at  # in the end, the first use
        return uses

    def _compared(self, key: ApiKey, first_uses: FirstUses) -> list[Finding]:
        if key.created_at < self._day:
            unseen = [address for address in first_uses if not self._seen(key, address)]
            if len(unseen) < len(first_uses) or self._seen(key):
                return [new_address(key, each, first_uses[each], self.baseline) for each in unseen]
        self.notes.append(
            f"No use of {key.name!r} in the {format_duration(self.baseline)} before: "
            "its addresses cannot be compared."
        )
        return []

    def _seen(self, key: ApiKey, address: str | None = None) -> bool:
        """Whether the key was used in the baseline, from this address or from any."""
        filters = {
            "api_key_id": key.id,
            "ip_address": address,
            "created_from": iso(self._start),
            "created_to": iso(self._day),
        }
        return self.client.list_requests(1, 1, filters=filters).meta.total > 0

    def _look_how_far_back_it_goes(self) -> None:
        begins = oldest(self.client) or self.now
        if begins > self._start:
            self.notes.append(
                f"The request history reaches back only to {local(begins)}: "
                "an address may look new only because older history is gone."
            )
