"""Participants and their goals: things to call, so that the history is about something."""

import sqlite3
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import uuid4

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from astalty_cli.api.models import PageMeta, Timestamp, Uuid
from astalty_cli.base.times import Clock, from_iso_or_none, iso
from astalty_cli.sandbox.database import Database
from astalty_cli.sandbox.filters import choice, contains
from astalty_cli.sandbox.listing import Listing, Query, fetch_page
from astalty_cli.sandbox.problems import Problem, not_found

PersonName = Annotated[str, Meta(min_length=1, max_length=100)]
INCLUDE_GOALS = "goals"


class ParticipantStatus(StrEnum):
    ACTIVE = "active"
    PROSPECT = "prospect"
    ARCHIVED = "archived"


class GoalStatus(StrEnum):
    IN_PROGRESS = "in_progress"
    ACHIEVED = "achieved"
    ARCHIVED = "archived"


class GoalType(StrEnum):
    SHORT_TERM = "short_term"
    MEDIUM_TERM = "medium_term"
    LONG_TERM = "long_term"


class Goal(Struct, frozen=True, kw_only=True):
    id: Uuid
    name: str
    goal_type: GoalType
    description: str | None
    achievement_strategy: str | None
    barriers: str | None
    status: GoalStatus
    achieved_at: Timestamp | None
    archived_at: Timestamp | None
    created_at: Timestamp


class Participant(Struct, frozen=True, kw_only=True):
    """A person who is supported; `name` is the full name. `goals` is there only with `include=goals`."""

    id: Uuid
    name: str
    full_name: str
    first_name: str
    last_name: str
    preferred_name: str | None
    status: ParticipantStatus
    created_at: Timestamp
    goals: list[Goal] | UnsetType = UNSET


class CreateParticipant(Struct, frozen=True):
    first_name: PersonName
    last_name: PersonName
    preferred_name: PersonName | None = None
    status: ParticipantStatus = ParticipantStatus.ACTIVE


class UpdateParticipant(Struct, frozen=True):
    """What is left out stays as it is."""

    first_name: PersonName | UnsetType = UNSET
    last_name: PersonName | UnsetType = UNSET
    preferred_name: PersonName | UnsetType | None = UNSET
    status: ParticipantStatus | UnsetType = UNSET


PARTICIPANTS = Listing(
    filters={"full_name": contains("full_name"), "status": choice("status", ParticipantStatus)},
    sorts={"name": "full_name", "created_at": "created_at"},
    default_sort="name",
    includes=(INCLUDE_GOALS,),
)
GOALS = Listing(
    filters={"status": choice("status", GoalStatus)},
    sorts={"name": "name", "created_at": "created_at"},
    default_sort="created_at",
)


class Participants:
    """The participants of the account. Its refusals are the API's own: they raise `Problem`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(self, query: Query) -> tuple[list[Participant], PageMeta]:
        with self._database.read() as connection:
            rows, meta = fetch_page(connection, "SELECT * FROM participants", [], query, PARTICIPANTS)
            people = [_participant(row) for row in rows]
            if INCLUDE_GOALS in query.includes:
                people = [_with_goals(connection, person) for person in people]
        return people, meta

    def get(self, participant_id: str, includes: frozenset[str] = frozenset()) -> Participant:
        """Raises `Problem` (404)."""
        with self._database.read() as connection:
            person = _get(connection, participant_id)
            return _with_goals(connection, person) if INCLUDE_GOALS in includes else person

    def goals(self, participant_id: str, query: Query) -> tuple[list[Goal], PageMeta]:
        """Raises `Problem` (404) for an unknown participant."""
        source = "SELECT * FROM goals WHERE participant_id = ?"
        with self._database.read() as connection:
            _get(connection, participant_id)
            rows, meta = fetch_page(connection, source, [participant_id], query, GOALS)
        return [_goal(row) for row in rows], meta

    def create(self, new: CreateParticipant) -> Participant:
        person = Participant(
            id=str(uuid4()),
            name=f"{new.first_name} {new.last_name}",
            full_name=f"{new.first_name} {new.last_name}",
            first_name=new.first_name,
            last_name=new.last_name,
            preferred_name=new.preferred_name,
            status=new.status,
            created_at=self._clock(),
        )
        with self._database.write() as connection:
            insert_participant(connection, person)
        return person

    def update(self, participant_id: str, changes: UpdateParticipant) -> Participant:
        """Raises `Problem`: 404, and 403 for an archived participant, which nobody may change."""
        given = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
        with self._database.write() as connection:
            old = _get(connection, participant_id)
            if old.status is ParticipantStatus.ARCHIVED:
                raise Problem(403, "An archived participant may not be changed.")
            person = msgspec.structs.replace(old, **given)
            name = f"{person.first_name} {person.last_name}"
            person = msgspec.structs.replace(person, name=name, full_name=name)
            insert_participant(connection, person)
        return person


def insert_participant(connection: sqlite3.Connection, person: Participant) -> None:
    """Write a participant, in place of an earlier state if there is one."""
    connection.execute(
        "INSERT OR REPLACE INTO participants VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            person.id,
            person.first_name,
            person.last_name,
            person.full_name,
            person.preferred_name,
            person.status.value,
            iso(person.created_at),
        ),
    )


def _get(connection: sqlite3.Connection, participant_id: str) -> Participant:
    row = connection.execute("SELECT * FROM participants WHERE id = ?", (participant_id,)).fetchone()
    if row is None:
        raise not_found()
    return _participant(row)


def _with_goals(connection: sqlite3.Connection, person: Participant) -> Participant:
    rows = connection.execute(
        "SELECT * FROM goals WHERE participant_id = ? ORDER BY created_at, id", (person.id,)
    ).fetchall()
    return msgspec.structs.replace(person, goals=[_goal(row) for row in rows])


def _participant(row: sqlite3.Row) -> Participant:
    return Participant(
        id=row["id"],
        name=row["full_name"],
        full_name=row["full_name"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        preferred_name=row["preferred_name"],
        status=ParticipantStatus(row["status"]),
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _goal(row: sqlite3.Row) -> Goal:
    return Goal(
        id=row["id"],
        name=row["name"],
        goal_type=GoalType(row["goal_type"]),
        description=row["description"],
        achievement_strategy=row["achievement_strategy"],
        barriers=row["barriers"],
        status=GoalStatus(row["status"]),
        achieved_at=from_iso_or_none(row["achieved_at"]),
        archived_at=from_iso_or_none(row["archived_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
    )
