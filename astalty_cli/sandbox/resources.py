"""The API's calls, one class for each path."""

from collections.abc import Sequence

from falcon import Request, Response

from astalty_cli.api.models import CreateKey, ExpirePrevious, PageMeta, RenameKey, RotateKey
from astalty_cli.base.vocabulary import Access, Surface
from astalty_cli.sandbox.exchange import call_of
from astalty_cli.sandbox.history import REQUESTS, History
from astalty_cli.sandbox.keys import KEYS, Caller, Keys
from astalty_cli.sandbox.listing import parse_includes, parse_query
from astalty_cli.sandbox.participants import (
    GOALS,
    PARTICIPANTS,
    CreateParticipant,
    Participants,
    UpdateParticipant,
)
from astalty_cli.sandbox.request_body import read_body
from astalty_cli.sandbox.users import USERS, Users
from astalty_cli.sandbox.wire import encode


class KeyCollection:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def on_get(self, req: Request, resp: Response) -> None:
        _reply_page(resp, *self._keys.page(parse_query(req.query_string, KEYS)))

    def on_post(self, req: Request, resp: Response) -> None:
        new = read_body(call_of(req.env), CreateKey)
        access = new.access or Access.FULL_ACCESS
        _reply(resp, self._keys.create(new.name, _caller(req).user.id, access), status=201)


class KeyItem:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def on_get(self, _: Request, resp: Response, key_id: str) -> None:
        _reply(resp, self._keys.get(key_id))

    def on_patch(self, req: Request, resp: Response, key_id: str) -> None:
        _reply(resp, self._keys.rename(key_id, read_body(call_of(req.env), RenameKey).name))

    def on_delete(self, _: Request, resp: Response, key_id: str) -> None:
        self._keys.revoke(key_id)
        resp.status = 204


class KeyRotation:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def on_post(self, req: Request, resp: Response, key_id: str) -> None:
        asked = read_body(call_of(req.env), RotateKey)
        _reply(resp, self._keys.rotate(key_id, asked.grace_seconds, asked.if_rotation), status=201)


class KeyExpirePrevious:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def on_post(self, req: Request, resp: Response, key_id: str) -> None:
        asked = read_body(call_of(req.env), ExpirePrevious)
        _reply(resp, self._keys.expire_previous(key_id, asked.within_seconds, asked.if_rotation))


class CurrentKeyItem:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def on_get(self, req: Request, resp: Response) -> None:
        _reply(resp, self._keys.current(_caller(req).key.id))


class RequestCollection:
    def __init__(self, history: History) -> None:
        self._history = history

    def on_get(self, req: Request, resp: Response) -> None:
        _reply_page(resp, *self._history.page(parse_query(req.query_string, REQUESTS)))


class RequestItem:
    def __init__(self, history: History) -> None:
        self._history = history

    def on_get(self, req: Request, resp: Response, request_id: str) -> None:
        parse_includes(req.query_string, REQUESTS.includes)  # bodies are there anyway; others are unknown
        _reply(resp, self._history.get(request_id))


class ParticipantCollection:
    def __init__(self, participants: Participants) -> None:
        self._participants = participants

    def on_get(self, req: Request, resp: Response) -> None:
        _reply_page(resp, *self._participants.page(parse_query(req.query_string, PARTICIPANTS)))


class WritableParticipantCollection(ParticipantCollection):
    def on_post(self, req: Request, resp: Response) -> None:
        new = read_body(call_of(req.env), CreateParticipant)
        _reply(resp, self._participants.create(new), status=201)


class ParticipantItem:
    def __init__(self, participants: Participants) -> None:
        self._participants = participants

    def on_get(self, req: Request, resp: Response, participant_id: str) -> None:
        includes = parse_includes(req.query_string, PARTICIPANTS.includes)
        _reply(resp, self._participants.get(participant_id, includes))


class WritableParticipantItem(ParticipantItem):
    def on_patch(self, req: Request, resp: Response, participant_id: str) -> None:
        changes = read_body(call_of(req.env), UpdateParticipant)
        _reply(resp, self._participants.update(participant_id, changes))


class GoalCollection:
    def __init__(self, participants: Participants) -> None:
        self._participants = participants

    def on_get(self, req: Request, resp: Response, participant_id: str) -> None:
        query = parse_query(req.query_string, GOALS)
        _reply_page(resp, *self._participants.goals(participant_id, query))


class UserCollection:
    def __init__(self, users: Users) -> None:
        self._users = users

    def on_get(self, req: Request, resp: Response) -> None:
        _reply_page(resp, *self._users.page(parse_query(req.query_string, USERS)))


class Document:
    """The OpenAPI document: made at the first call, since hardly anyone asks for it."""

    def on_get(self, req: Request, resp: Response) -> None:
        from astalty_cli.sandbox.openapi import document, etag

        resp.etag = etag()
        if {"*", etag()} & set(req.if_none_match or ()):
            resp.status = 304
            return
        resp.data = document()
        resp.content_type = "application/json"


class EndpointDashboard:
    """The document as a web page, made when somebody looks."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface

    def on_get(self, req: Request, resp: Response) -> None:
        from astalty_cli.sandbox.dashboard.page import headers, page

        resp.data = page(req.prefix, self._surface)
        resp.set_headers(headers())
        resp.content_type = "text/html; charset=utf-8"

    on_head = on_get


def _caller(req: Request) -> Caller:
    caller = call_of(req.env).caller
    assert caller is not None  # noqa: S101 - authentication comes before any resource
    return caller


def _reply(resp: Response, data: object, *, status: int = 200) -> None:
    resp.status = status
    resp.data = encode({"data": data})
    resp.content_type = "application/json"


def _reply_page(resp: Response, rows: Sequence[object], meta: PageMeta) -> None:
    resp.data = encode({"data": rows, "meta": meta})
    resp.content_type = "application/json"
