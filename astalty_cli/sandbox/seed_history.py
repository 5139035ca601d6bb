"""A month of calls for a new sandbox: what integrations ask for, and what goes wrong with them."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPMethod, HTTPStatus
from random import Random
from uuid import UUID

from astalty_cli.api.contract import PARTICIPANTS
from astalty_cli.api.models import ApiRequest, KeyReference, PageMeta, User
from astalty_cli.sandbox.history import LoggedSide, insert_entry
from astalty_cli.sandbox.participants import Participant
from astalty_cli.sandbox.problems import INVALID, NOT_FOUND, SERVER_ERROR, TOO_MANY, UNAUTHENTICATED
from astalty_cli.sandbox.wire import encode

SEEDED_ENTRIES = 600
_DAYS = 30
_STRANGERS = ("192.0.2.199", "203.0.113.250", "172.16.4.9")  # whose keys do not work


@dataclass(frozen=True)
class SeededCaller:
    key: KeyReference
    user: User
    last_four: str
    address: str
    agent: str
    stopped: int  # days before now that the key was revoked; 0: it works


@dataclass(frozen=True)
class _Exchange:
    """A call and its answer; a body of None is no body."""

    method: HTTPMethod
    path: str
    status: int
    answer: object
    sent: object = None


def add_history(
    connection: sqlite3.Connection,
    chance: Random,
    callers: list[SeededCaller],
    people: list[Participant],
    now: datetime,
) -> None:
    active = [caller for caller in callers if caller.agent and not caller.stopped]
    times = sorted(chance.uniform(0, _DAYS * 86_400) for _ in range(SEEDED_ENTRIES))
    for seconds in reversed(times):
        exchange = _exchange(chance, people)
        caller = chance.choices(active, weights=range(len(active), 0, -1))[0]
        _add(connection, chance, exchange, caller, now - timedelta(seconds=seconds))


def new_id(chance: Random) -> str:
    return str(UUID(int=chance.getrandbits(128), version=4))


def _exchange(chance: Random, people: list[Participant]) -> _Exchange:
    kinds = (_list, _show, _goals, _create, _change, _refused, _missing, _stranger, _hasty, _failed)
    kind = chance.choices(kinds, weights=(26, 26, 12, 8, 8, 6, 5, 5, 2, 2))[0]
    return kind(chance, people)


def _list(chance: Random, people: list[Participant]) -> _Exchange:
    size = 5
    last = len(people) // size
    number = chance.randrange(1, last + 1)
    meta = PageMeta(number, last, size, len(people), ["name", "created_at"])
    path = f"{PARTICIPANTS}?page%5Bnumber%5D={number}&page%5Bsize%5D={size}"
    return _Exchange(
        HTTPMethod.GET, path, 200, {"data": people[(number - 1) * size : number * size], "meta": meta}
    )


def _show(chance: Random, people: list[Participant]) -> _Exchange:
    person = chance.choice(people)
    return _Exchange(HTTPMethod.GET, _path_of(person), 200, {"data": person})


def _goals(chance: Random, people: list[Participant]) -> _Exchange:
    meta = PageMeta(1, 1, 25, 0, ["name", "created_at"])
    return _Exchange(
        HTTPMethod.GET, _path_of(chance.choice(people)) + "/goals", 200, {"data": [], "meta": meta}
    )


def _create(chance: Random, people: list[Participant]) -> _Exchange:
    person = chance.choice(people)
    sent = {"first_name": person.first_name, "last_name": person.last_name}
    return _Exchange(HTTPMethod.POST, PARTICIPANTS, 201, {"data": person}, sent)


def _change(chance: Random, people: list[Participant]) -> _Exchange:
    person = chance.choice(people)
    sent = {"preferred_name": person.preferred_name}
    return _Exchange(HTTPMethod.PATCH, _path_of(person), 200, {"data": person}, sent)


def _refused(chance: Random, people: list[Participant]) -> _Exchange:
    errors = {"last_name": ["The last name field is required."]}
    sent = {"first_name": chance.choice(people).first_name}
    return _Exchange(HTTPMethod.POST, PARTICIPANTS, 422, {"message": INVALID, "errors": errors}, sent)


def _missing(chance: Random, _people: list[Participant]) -> _Exchange:
    return _Exchange(HTTPMethod.GET, f"{PARTICIPANTS}/{new_id(chance)}", 404, {"message": NOT_FOUND})


def _stranger(_chance: Random, _people: list[Participant]) -> _Exchange:
    return _Exchange(HTTPMethod.GET, PARTICIPANTS, 401, {"message": UNAUTHENTICATED})


def _hasty(_chance: Random, _people: list[Participant]) -> _Exchange:
    return _Exchange(HTTPMethod.GET, PARTICIPANTS, 429, {"message": TOO_MANY})


def _failed(chance: Random, people: list[Participant]) -> _Exchange:
    return _Exchange(HTTPMethod.GET, _path_of(chance.choice(people)), 500, {"message": SERVER_ERROR})


def _path_of(person: Participant) -> str:
    return f"{PARTICIPANTS}/{person.id}"


def _add(
    connection: sqlite3.Connection, chance: Random, exchange: _Exchange, caller: SeededCaller, at: datetime
) -> None:
    is_stranger = exchange.status == HTTPStatus.UNAUTHORIZED
    last_four = "".join(chance.choices("0123456789abcdef", k=4)) if is_stranger else caller.last_four
    agent = "curl/8.11.0" if is_stranger else caller.agent
    answer_headers = {"Content-Type": "application/json"}
    if exchange.status == HTTPStatus.TOO_MANY_REQUESTS:
        answer_headers["Retry-After"] = str(chance.randrange(1, 60))
    request_headers = {
        "Accept": "application/json",
        "Authorization": f"Bearer …{last_four}",
        "User-Agent": agent,
    }
    if exchange.sent is not None:
        request_headers["Content-Type"] = "application/json"
    entry = ApiRequest(
        id=new_id(chance),
        status=exchange.status,
        method=exchange.method,
        path=exchange.path,
        created_at=at,
        duration_ms=round(chance.lognormvariate(3.6, 0.7), 3),
        ip_address=chance.choice(_STRANGERS) if is_stranger else caller.address,
        user_agent=agent,
        user=None if is_stranger else caller.user,
        api_key=None if is_stranger else caller.key,
    )
    insert_entry(
        connection,
        entry,
        _side(request_headers, exchange.sent),
        _side(answer_headers, exchange.answer),
    )


def _side(headers: dict[str, str], body: object) -> LoggedSide:
    """Nothing made up here is a secret, and to look for one takes longer than all the rest."""
    return LoggedSide(headers=encode(headers).decode(), body=encode(body).decode(), truncated=False)
