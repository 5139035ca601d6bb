"""The sandbox as a WSGI application: which path is which resource, and what stands before them.

    recorded → routed → authenticated (and rate limited) → authorized → once → routes

Only what is under `/docs` is outside of that: it needs no key and leaves no entry in the history.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

import falcon
from falcon.routing import CompiledRouter

from astalty_cli.api import contract
from astalty_cli.base.vocabulary import Surface
from astalty_cli.sandbox import resources
from astalty_cli.sandbox.exchange import Call, Reply, ask, read_call, send
from astalty_cli.sandbox.idempotency import once
from astalty_cli.sandbox.layers import authenticated, authorized, guarded, recorded, routed
from astalty_cli.sandbox.problems import Problem, no_route
from astalty_cli.sandbox.store import Store
from astalty_cli.sandbox.wire import encode

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    Routes = falcon.App[falcon.Request, falcon.Response]


def create_app(
    store: Store, *, rate_limit: int = contract.RATE_LIMIT, surface: Surface = Surface.FULL
) -> WSGIApplication:
    """Make the API over a store. `rate_limit` is calls a minute for each key; 0 is no limit."""
    router = CompiledRouter()
    routes = _routes(store, surface, router)

    def answer_from_routes(call: Call) -> Reply:
        return ask(routes, call)

    inner = authorized(once(store.database, store.clock, answer_from_routes))
    with_key = authenticated(store.keys, rate_limit, inner)
    public = recorded(store.history, routed(lambda path: router.find(path) is not None, with_key))

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        call = read_call(environ)
        is_public = contract.is_under_prefix(call.path)
        answer = public(call) if is_public else guarded(answer_from_routes, call)
        return send(answer, store.clock(), start_response)

    return application


def _routes(store: Store, surface: Surface, router: CompiledRouter) -> Routes:
    routes = falcon.App(router=router)
    routes.set_error_serializer(_serialize)
    routes.add_error_handler(Problem, _answer_problem)
    routes.add_error_handler(Exception, _pass_on)
    _add_documented(routes, store, surface)
    if surface is Surface.FULL:
        _add_assumed(routes, store)
    for path in (contract.ENDPOINT_DASHBOARD, contract.ENDPOINT_DASHBOARD + "/"):
        routes.add_route(path, resources.EndpointDashboard(surface))
    return routes


def _add_documented(routes: Routes, store: Store, surface: Surface) -> None:
    """Add what a real account offers; only the full sandbox can be written to as well."""
    collection, item = (
        (resources.WritableParticipantCollection, resources.WritableParticipantItem)
        if surface is Surface.FULL
        else (resources.ParticipantCollection, resources.ParticipantItem)
    )
    participant = contract.PARTICIPANTS + "/{participant_id}"
    routes.add_route(contract.PARTICIPANTS, collection(store.participants))
    routes.add_route(participant, item(store.participants))
    routes.add_route(participant + "/goals", resources.GoalCollection(store.participants))
    routes.add_route(contract.USERS, resources.UserCollection(store.users))


def _add_assumed(routes: Routes, store: Store) -> None:
    routes.add_route(contract.API_KEYS, resources.KeyCollection(store.keys))
    routes.add_route(contract.API_KEYS_CURRENT, resources.CurrentKeyItem(store.keys))
    routes.add_route(contract.api_key("{key_id}"), resources.KeyItem(store.keys))
    routes.add_route(contract.rotate("{key_id}"), resources.KeyRotation(store.keys))
    routes.add_route(contract.expire_previous("{key_id}"), resources.KeyExpirePrevious(store.keys))
    routes.add_route(contract.API_REQUESTS, resources.RequestCollection(store.history))
    routes.add_route(contract.api_request("{request_id}"), resources.RequestItem(store.history))
    routes.add_route(contract.OPENAPI, resources.Document())


def _answer_problem(_: falcon.Request, resp: falcon.Response, problem: Exception, _params: object) -> None:
    assert isinstance(problem, Problem)  # noqa: S101 - what this handler was registered for
    resp.status = problem.status
    resp.set_headers(problem.headers)
    resp.data = encode(problem.payload())
    resp.content_type = "application/json"


def _pass_on(_: falcon.Request, _resp: falcon.Response, error: Exception, _params: object) -> NoReturn:
    raise error  # to `guarded`, past `once`, whose transaction it undoes


def _serialize(req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    """Give falcon's own refusals (no such path, no such method) the API's shape."""
    message = error.title or ""
    if isinstance(error, falcon.HTTPNotFound):
        message = no_route(req.path).message
    elif isinstance(error, falcon.HTTPMethodNotAllowed):
        message = f"The {req.method} method is not supported for route {req.path.lstrip('/')}."
    resp.data = encode(Problem(error.status_code, message).payload())
    resp.content_type = "application/json"
