"""What every call under `/public/v1` passes on its way in: history, route, key, rate limit, access level."""

import logging
import math
import time
from collections.abc import Callable

from astalty_cli.base.hiding import hide
from astalty_cli.base.vocabulary import Access
from astalty_cli.sandbox.exchange import Call, Handler, Reply, bearer, problem_answer
from astalty_cli.sandbox.history import History
from astalty_cli.sandbox.keys import Caller, Keys
from astalty_cli.sandbox.problems import (
    SERVER_ERROR,
    TOO_MANY,
    UNAUTHENTICATED,
    UNAUTHORIZED,
    Problem,
    no_route,
)

_NO_LIMIT = 1_000_000  # what is told instead of none: a client that paces itself by it need not wait
_READING = frozenset({"GET", "HEAD"})
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # in a command's process nobody asked for a log


def recorded(history: History, handler: Handler) -> Handler:
    """Write each call into the history, whatever becomes of it, before its answer leaves.

    So a kill at any moment loses no entry of an answered call. An entry that cannot be written never
    costs the caller the answer. Any failure within becomes a 500 here, in the API's shape.
    """

    def handle(call: Call) -> Reply:
        started = time.perf_counter()
        answer = guarded(handler, call)
        try:
            history.add(call, answer, (time.perf_counter() - started) * 1000)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is made and must leave
            _log.error("The sandbox could not write its request history: %s", type(error).__name__)
        return answer

    return handle


def routed(exists: Callable[[str], bool], handler: Handler) -> Handler:
    """Refuse a path that nothing answers, before the key is looked at."""

    def handle(call: Call) -> Reply:
        if not exists(call.path):
            raise no_route(call.path)
        return handler(call)

    return handle


def guarded(handler: Handler, call: Call) -> Reply:
    """Call the handler; a problem that it raises, or a failure of ours, becomes the answer."""
    try:
        return handler(call)
    except Problem as problem:
        return problem_answer(problem)
    except Exception as error:  # noqa: BLE001 - a server outlives its bugs
        _log.error("The sandbox failed at %s: %s", hide(call.method), type(error).__name__)
        return problem_answer(Problem(500, SERVER_ERROR))


def authenticated(keys: Keys, rate_limit: int, handler: Handler) -> Handler:
    """Let only callers with a working key through, and each key `rate_limit` times a minute (0: any)."""

    def handle(call: Call) -> Reply:
        caller = keys.authenticate(bearer(call), call.ip_address, rate_limit)
        if caller is None:
            raise Problem(401, UNAUTHENTICATED)
        call.caller = caller
        limits = {"X-RateLimit-Limit": str(rate_limit or _NO_LIMIT)}
        if caller.remaining is not None:
            limits["X-RateLimit-Remaining"] = str(max(0, caller.remaining))
        if caller.remaining == -1:
            raise Problem(429, TOO_MANY, headers=limits | _retry_after(caller))
        answer = guarded(handler, call)
        return Reply(answer.status, answer.headers | limits, answer.body)

    return handle


def authorized(handler: Handler) -> Handler:
    """Let a Read Only key read, and nothing else."""

    def handle(call: Call) -> Reply:
        assert call.caller is not None  # noqa: S101 - `authenticated` stands before this
        if call.caller.access is Access.READ_ONLY and call.method not in _READING:
            raise Problem(403, UNAUTHORIZED)
        return handler(call)

    return handle


def _retry_after(caller: Caller) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil(caller.window_ends_in)))}
