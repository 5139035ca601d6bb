"""What the account and its request history say of a secret that has leaked.

Which keys were created or rotated with it, and, if the secret is dead already, which key it was of.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from astalty_cli.api import contract
from astalty_cli.api.answers import Page
from astalty_cli.api.client import Client
from astalty_cli.api.models import ApiKey, ApiRequest
from astalty_cli.base.errors import AstaltyError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.times import iso, local
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.services.history.listing import HistoryReader, oldest
from astalty_cli.services.history.reading import LATE, HistoryQuery, downwards
from astalty_cli.services.keys.delivery import failure_text
from astalty_cli.services.keys.finder import is_active

_MOST = 1000  # calls that make or rotate keys which are looked at, the newest
_LAST_FOUR = re.compile(r"[0-9A-Za-z_-]{4}$")
_ROTATE = re.compile(re.escape(contract.API_KEYS) + r"/([^/]+)/rotate")


class KeyEventKind(StrEnum):
    MADE = "made"
    ROTATED = "rotated"


class KeyEvent(Struct, frozen=True, kw_only=True):
    """A key was created or rotated with another, or with itself.

    `by` is the id of the key that made the call, and `ends_in` of its secret, if the history tells;
    `key_id` is None if it does not tell which key was created. `rotation` is what the answer says.
    """

    how: KeyEventKind
    at: datetime
    ip_address: str | None
    by: str
    ends_in: str
    key_id: str | None
    rotation: int | None
    entry_id: str


# -- what the history holds ----------------------------------------------------------------------


@dataclass
class HistoryEvidence:
    """The request history from `start` on. `missing` says, for people, what could not be told."""

    client: Client
    start: datetime
    missing: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Let the time pass in which the history comes to show what was called last."""
        self.client.pause(LATE.total_seconds(), "the history's last entries")

    def recent(self, key_id: str, until: datetime) -> Page[ApiRequest]:
        """The newest calls with a key before `until`, as many as one page holds."""
        filters = {"api_key_id": key_id, "created_from": iso(self.start), "created_to": iso(until)}
        return self.client.list_requests(1, contract.MAX_PAGE_SIZE, filters=filters, sort="-created_at")

    def entries(self, key_ids: Iterable[str]) -> list[ApiRequest]:
        """All calls with these keys; of what cannot be read to its end, what was read."""
        found: list[ApiRequest] = []
        with self.record_failure("The request history was not read to its end"):
            for key_id in key_ids:
                filters = {"api_key_id": key_id, "created_from": iso(self.start)}
                reader = HistoryReader(self.client, filters, None, None, settled=True)
                found.extend(row.value for row in reader.entries())
        return found

    def events(self) -> list[KeyEvent]:
        """Each time that a key of the account was created or rotated, the earliest first."""
        filters = {
            "method": "POST",
            "path": contract.API_KEYS,
            "status": "201",
            "created_from": iso(self.start),
        }
        found: list[KeyEvent] = []
        for page in downwards(HistoryQuery(self.client, filters, bodies=True), settled=True):
            found.extend(event for row in page.rows if (event := _event(row.value)))
            if len(found) >= _MOST and page.meta.total > _MOST:
                self.missing.append(
                    f"Of {page.meta.total} calls that created or rotated keys, the newest {_MOST} were read."
                )
                break
        return sorted(found, key=lambda event: (event.at, event.entry_id))

    def keys(self) -> dict[str, ApiKey]:
        """All keys of the account, revoked ones too, by their ids."""
        return {row.value.id: row.value for row in self.client.all_keys(status=",".join(KeyStatus))}

    def look_how_far_back_it_goes(self) -> None:
        """Note where the history is younger than `start`. Raises NotOfferedError if there is none."""
        begins = oldest(self.client)
        if begins is not None and begins > self.start:
            self.missing.append(f"The request history reaches back only to {local(begins)}.")

    @contextmanager
    def record_failure(self, what: str) -> Iterator[None]:
        """Note what cannot be read, and go on: what was done already is not undone by it."""
        try:
            yield
        except (AstaltyError, KeyboardInterrupt) as error:
            self.missing.append(f"{what}: {failure_text(error)}")


class _Made(Struct):
    id: str | None = None
    rotation: int | None = None


class _Body(Struct):
    data: _Made


def _event(entry: ApiRequest) -> KeyEvent | None:
    path = entry.path.partition("?")[0].rstrip("/")
    rotated, made = _ROTATE.fullmatch(path), _answered(entry)
    if entry.api_key is None or not (rotated or path == contract.API_KEYS):
        return None
    return KeyEvent(
        how=KeyEventKind.ROTATED if rotated else KeyEventKind.MADE,
        at=entry.created_at,
        ip_address=entry.ip_address,
        by=entry.api_key.id,
        ends_in=_ends_in(entry),
        key_id=rotated[1].lower() if rotated else made.id,
        rotation=made.rotation,
        entry_id=entry.id,
    )


def _answered(entry: ApiRequest) -> _Made:
    try:
        return msgspec.json.decode(entry.response.body if entry.response else b"", type=_Body).data
    except JSON_DECODE_ERRORS:
        return _Made()


def _ends_in(entry: ApiRequest) -> str:
    try:
        headers = msgspec.json.decode(entry.request.headers if entry.request else b"", type=dict[str, Any])
    except JSON_DECODE_ERRORS:
        return ""
    value = next((value for name, value in headers.items() if name.lower() == "authorization"), "")
    match = _LAST_FOUR.search(str(value[0] if isinstance(value, list) and value else value))
    return match[0] if match else ""


def following(events: Sequence[KeyEvent], key_ids: Iterable[str]) -> list[KeyEvent]:
    """What was done with these keys, then with the keys that they created or rotated from then on, and so on.

    Several may bear the same time, in any order, so it is looked at until nothing more is found.
    """
    reached = dict.fromkeys(key_ids, datetime.min.replace(tzinfo=UTC))
    while True:
        found = [event for event in events if event.by in reached and reached[event.by] <= event.at]
        more = {event.key_id: event.at for event in reversed(found) if event.key_id} | reached
        if more == reached:
            return found
        reached = more


@dataclass(frozen=True)
class Consequences:
    """Of some keys: their calls, and what followed from them. `keys` are all of the account, as they are."""

    entries: list[ApiRequest]
    events: list[KeyEvent]
    keys: Mapping[str, ApiKey]


def consequences(evidence: HistoryEvidence, key_id: str, rotation: int | None = None) -> Consequences:
    """What followed from a key, without its calls; what cannot be read is in `evidence.missing`.

    `rotation` of the key is left out: it is our own.
    """
    events: list[KeyEvent] = []
    keys: dict[str, ApiKey] = {}
    with evidence.record_failure("Which keys were created or rotated could not be read"):
        events = following(evidence.events(), [key_id])
        keys = evidence.keys()
    if rotation is not None:
        events = [event for event in events if (event.key_id, event.rotation) != (key_id, rotation)]
    with evidence.record_failure("How far back the request history goes was not read"):
        evidence.look_how_far_back_it_goes()
    return Consequences([], events, keys)


# -- a secret that is dead already ---------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """A key that a dead secret may have been of.

    `by_ending`: its newest secret ends so. `rotated` is how it was rotated with the leaked one.
    """

    key: ApiKey
    by_ending: bool
    rotated: KeyEvent | None


def matches(last_four: str, keys: Collection[ApiKey], events: Iterable[KeyEvent]) -> list[Match]:
    """The keys whose newest secret ends so, and those that were used with one that did."""
    used = [event for event in events if last_four and event.ends_in == last_four]
    rotated = {event.by: event for event in reversed(used) if event.key_id == event.by}
    users = {event.by for event in used}
    alike = {key.id for key in keys if last_four and key.last_four == last_four}
    return [Match(key, key.id in alike, rotated.get(key.id)) for key in keys if key.id in users | alike]


def suspects(found: Iterable[Match], events: Iterable[KeyEvent], keys: Mapping[str, ApiKey]) -> list[ApiKey]:
    """The active keys to revoke: those that a matching key created or rotated, and what those did.

    A matching key itself is one where it was rotated with the leaked secret: its newest is the thief's.
    """
    matching = {match.key.id: match for match in found}
    reached = [event.key_id for event in events if event.key_id and event.key_id not in matching]
    reached += [key_id for key_id, match in matching.items() if match.rotated]
    return [keys[key_id] for key_id in dict.fromkeys(reached) if key_id in keys and is_active(keys[key_id])]
