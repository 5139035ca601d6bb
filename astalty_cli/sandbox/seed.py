"""What a new sandbox is filled with: an account, its keys, its people; `seed_history` adds a month of calls.

All of it is made up: names of trees and birds, `.example` addresses, networks reserved for documentation.
The same moment gives the same content, but for the hashes of secrets: those are chance, and nobody has
the secrets.
"""

import secrets
import sqlite3
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from astalty_cli.api.models import KeyReference, User
from astalty_cli.base.times import iso
from astalty_cli.base.vocabulary import Access
from astalty_cli.sandbox.participants import (
    GoalStatus,
    GoalType,
    Participant,
    ParticipantStatus,
    insert_participant,
)
from astalty_cli.sandbox.seed_history import SeededCaller, add_history, new_id

_SAME_EACH_TIME = 20261123
_PARTICIPANTS = 60
_ACCOUNT = "Wattle & Wren Supports (sandbox)"
_TEAM = ("Lachlan Paperbark", "Matilda Quandong", "Bindi Saltbush")
_FIRST_NAMES = (
    "Acacia Banksia Boronia Callistemon Correa Dianella Grevillea Hakea Jarrah Karri Melaleuca Telopea"
)
_LAST_NAMES = "Bowerbird Brolga Currawong Fairywren Galah Honeyeater Kookaburra Lorikeet Magpie Pardalote"
_PREFERRED = (None, None, None, "Ace", "Bo", "Dee", "Kit", "Zé", "小鸟")
_GOALS = (
    (
        "Catch the bus to the library",
        "Practise the route with a support worker, then alone",
        "Timetables in small print",
    ),
    ("Cook two meals a week", "Picture recipes, one new dish a fortnight", None),
    ("Join the community garden", "Visit on a quiet day first", "Crowds and noise"),
    ("Save for a bicycle", "A jar, a chart, a talk each Friday", None),
)


@dataclass(frozen=True)
class _Key:
    """A key to be: `age`, `rotations`, `last_used` and `revoked` are days before now, `grace` is days."""

    name: str
    age: int
    rotations: tuple[int, ...]
    last_used: float | None
    address: str
    agent: str
    revoked: int | None = None
    grace: float = 0
    access: Access = Access.FULL_ACCESS


_KEYS = (
    _Key(
        "Rostering sync",
        400,
        (310, 200, 95),
        0.01,
        "203.0.113.24",
        "roster-sync/4.2 (+https://roster.example)",
    ),
    _Key("Payroll export", 260, (80,), 0.3, "198.51.100.7", "python-httpx/0.28.1"),
    _Key("Website enquiry form", 190, (), 0.02, "203.0.113.88", "enquiry-form/1.0"),
    _Key("Reports (Power BI)", 120, (2,), 0.1, "192.0.2.61", "Microsoft.Data.Mashup", grace=4.5),
    _Key("CI smoke tests", 45, (), 0.5, "10.20.0.14", "curl/8.11.0"),
    _Key("Never used", 30, (), None, "", "", access=Access.READ_ONLY),
    _Key("Old CRM bridge", 700, (500, 380), 41, "198.51.100.200", "crm-bridge/0.9", revoked=40),
)


def seed(connection: sqlite3.Connection, now: datetime) -> None:
    """Fill an empty database."""
    chance = Random(_SAME_EACH_TIME)  # noqa: S311 - nothing secret comes of it
    connection.execute("INSERT INTO account VALUES (?, ?)", (new_id(chance), _ACCOUNT))
    owner = _add_user(
        connection, User(new_id(chance), "Marnie Bluegum", "marnie@wattle-and-wren.example"), "owner"
    )
    admin = _add_user(
        connection, User(new_id(chance), "Tobias Ironbark", "tobias@wattle-and-wren.example"), "admin"
    )
    callers = [
        _add_key(connection, chance, key, admin if number % 3 == 1 else owner, now)
        for number, key in enumerate(_KEYS)
    ]
    people = [_add_participant(connection, chance, number, now) for number in range(_PARTICIPANTS)]
    add_history(connection, chance, callers, people, now)
    for name in _TEAM:
        address = f"{name.split()[0].lower()}@wattle-and-wren.example"
        _add_user(connection, User(new_id(chance), name, address), "member")


def _add_user(connection: sqlite3.Connection, user: User, role: str) -> User:
    connection.execute("INSERT INTO users VALUES (?, ?, ?, ?)", (user.id, user.name, user.email, role))
    return user


def _add_key(
    connection: sqlite3.Connection, chance: Random, key: _Key, creator: User, now: datetime
) -> SeededCaller:
    key_id = new_id(chance)
    made = now - timedelta(days=key.age, minutes=chance.randrange(600))
    connection.execute(
        "INSERT INTO api_keys (id, name, rotation, created_at, created_by, rotated_at, last_used_at,"
        " last_used_ip, revoked_at, access) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key_id,
            key.name,
            len(key.rotations),
            iso(made),
            creator.id,
            _days_before(now, key.rotations[-1]) if key.rotations else None,
            _days_before(now, key.last_used),
            key.address if key.last_used is not None else None,
            _days_before(now, key.revoked),
            key.access.value,
        ),
    )
    last_four = ""
    for rotation in range(len(key.rotations) + 1):
        last_four = "".join(chance.choices(string.ascii_letters + string.digits, k=4))
        ends = (
            None if rotation == len(key.rotations) else _days_before(now, key.rotations[rotation] - key.grace)
        )
        connection.execute(
            "INSERT INTO key_secrets (hash, key_id, rotation, last_four, expires_at) VALUES (?, ?, ?, ?, ?)",
            (secrets.token_bytes(32), key_id, rotation, last_four, ends),
        )
    return SeededCaller(
        KeyReference(key_id, key.name), creator, last_four, key.address, key.agent, key.revoked or 0
    )


def _add_participant(
    connection: sqlite3.Connection, chance: Random, number: int, now: datetime
) -> Participant:
    first_names, last_names = _FIRST_NAMES.split(), _LAST_NAMES.split()
    first, last = (
        first_names[number % len(first_names)],
        last_names[(number * 7 + number // 12) % len(last_names)],
    )
    person = Participant(
        id=new_id(chance),
        name=f"{first} {last}",
        full_name=f"{first} {last}",
        first_name=first,
        last_name=last,
        preferred_name=chance.choice(_PREFERRED),
        status=chance.choices(list(ParticipantStatus), weights=(8, 2, 1))[0],
        created_at=now - timedelta(days=chance.randrange(31, 900), seconds=chance.randrange(86_400)),
    )
    insert_participant(connection, person)
    for name, strategy, barriers in chance.sample(_GOALS, k=chance.randrange(len(_GOALS))):
        _add_goal(connection, chance, person, (name, strategy, barriers), now)
    return person


def _add_goal(
    connection: sqlite3.Connection,
    chance: Random,
    person: Participant,
    words: tuple[str, str, str | None],
    now: datetime,
) -> None:
    status = chance.choices(list(GoalStatus), weights=(6, 3, 1))[0]
    name, strategy, barriers = words
    connection.execute(
        "INSERT INTO goals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new_id(chance),
            person.id,
            name,
            chance.choice(list(GoalType)).value,
            f"{person.first_name} would like this by next summer.",
            strategy,
            barriers,
            status.value,
            _days_before(now, chance.randrange(1, 30)) if status is GoalStatus.ACHIEVED else None,
            _days_before(now, chance.randrange(1, 30)) if status is GoalStatus.ARCHIVED else None,
            iso(person.created_at + timedelta(hours=2)),
        ),
    )


def _days_before(now: datetime, days: float | None) -> str | None:
    return None if days is None else iso(now - timedelta(days=days))
