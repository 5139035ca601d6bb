"""The record's keys in the form of the service's: what a list of keys is made of if the service has none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from astalty_cli.api.answers import Row
from astalty_cli.api.models import User
from astalty_cli.base.errors import NotFoundError
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import KeyStatus
from astalty_cli.config.record import UNKNOWN, Accuracy, Ending, RecordedKey, RecordFile


class RecordedRow(Struct, frozen=True, kw_only=True):
    """The service's fields of a key, then those that only the record has. Null is unknown.

    `accepted` is what the service said just now, if it was asked.
    """

    id: str
    name: str
    last_four: str | None
    status: KeyStatus
    rotation: int | None = None
    created_at: datetime | None
    rotated_at: datetime | None
    last_used_at: datetime | None = None
    last_used_ip: str | None = None
    previous_expires_at: datetime | None
    revoked_at: datetime | None
    created_by: User | None = None
    access: str | None
    created: Accuracy
    last_verified_at: datetime | None
    accepted: bool | None = None
    destinations: list[str]
    owner: str | None
    purpose: str | None
    page_name: str | None
    ended_by: Ending | None
    previous_ended_by: Ending | None


@dataclass(frozen=True)
class RecordedKeys:
    """The keys of one origin, looked up as at the service. `accepted` is by id, for those that were asked."""

    file: RecordFile
    origin: str
    accepted: dict[str, bool | None]

    def all_keys(self, *, status: str | None = None, sort: str | None = None) -> Iterator[Row[RecordedRow]]:
        now = utc_now()
        rows = [self._row(key, now) for key in self.file.read() if key.origin == self.origin]
        if status is not None:
            rows = [row for row in rows if row.status in status.split(",")]
        for field in reversed((sort or "name").split(",")):
            rows = _sorted(rows, field.removeprefix("-"), descending=field.startswith("-"))
        for row in rows:
            yield Row(row, msgspec.json.encode(row))

    def get_key(self, key_id: str, /) -> Row[RecordedRow]:
        for row in self.all_keys():
            if row.value.id == key_id:
                return row
        raise NotFoundError(
            f"The record has no key {key_id}.",
            hint="See them: astalty keys list --status active,expiring,revoked",
        )

    def _row(self, key: RecordedKey, now: datetime) -> RecordedRow:
        return RecordedRow(
            id=key.id,
            name=key.name,
            last_four=key.last_four or None,
            status=status_of(key, now),
            created_at=key.created_at,
            rotated_at=key.rotated_at,
            previous_expires_at=key.previous_expires_at,
            revoked_at=key.ended_at,
            access=None if key.access == UNKNOWN else key.access,
            created=key.created,
            last_verified_at=key.last_verified_at,
            accepted=self.accepted.get(key.id),
            destinations=key.destinations,
            owner=key.owner,
            purpose=key.purpose,
            page_name=key.page_name,
            ended_by=key.ended_by,
            previous_ended_by=key.previous_ended_by,
        )


def status_of(key: RecordedKey, now: datetime) -> KeyStatus:
    """An earlier secret that a person has to delete counts until that is verified, due or not."""
    if key.ended_at:
        return KeyStatus.REVOKED
    ends = key.previous_expires_at
    still_works = ends is not None and (key.service_id is None or ends > now)
    return KeyStatus.EXPIRING if still_works else KeyStatus.ACTIVE


def _sorted(rows: list[RecordedRow], field: str, *, descending: bool) -> list[RecordedRow]:
    """What is not known comes last either way."""
    known = [row for row in rows if getattr(row, field) is not None]
    unknown = [row for row in rows if getattr(row, field) is None]
    return [*sorted(known, key=lambda row: getattr(row, field), reverse=descending), *unknown]
