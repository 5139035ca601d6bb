"""The pages in front of the API: what is checked before each of them, and which path is which page.

host → public → signed in → (for a POST) sent by a form of ours → the page
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from astalty_cli.sandbox.dashboard.markup import tag
from astalty_cli.sandbox.exchange import Call, Reply, read_call, send
from astalty_cli.sandbox.pages import addresses, checks, layout, manage_keys, request_history, sign_in
from astalty_cli.sandbox.pages.layout import link_button, page, see_other
from astalty_cli.sandbox.pages.sessions import Session, Sessions
from astalty_cli.sandbox.pages.visit import View, Visit
from astalty_cli.sandbox.problems import Problem
from astalty_cli.sandbox.store import Store

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_LARGEST_FORM = 16 * 1024  # bytes
_log = logging.getLogger(__name__)


def _to_history(_: Visit) -> Reply:
    return see_other(addresses.REQUESTS)


def _sign_out(visit: Visit) -> Reply:
    visit.session.end()
    return see_other(addresses.ROOT, **{"Set-Cookie": checks.drop_cookie(visit.call)})


_VIEWS: Mapping[str, Mapping[str, View]] = {
    addresses.ROOT: {"GET": _to_history},
    addresses.REQUESTS: {"GET": request_history.show_list},
    addresses.entry(_ID): {"GET": request_history.show_entry},
    addresses.KEYS: {"GET": manage_keys.show_list},
    addresses.CREATE_KEY: {"GET": manage_keys.show_form, "POST": manage_keys.create},
    addresses.delete_key(_ID): {"GET": manage_keys.ask_to_delete, "POST": manage_keys.delete},
    addresses.SIGN_OUT: {"POST": _sign_out},
}
_PUBLIC: Mapping[str, Callable[[], Reply]] = {addresses.STYLE: layout.style, addresses.SCRIPT: layout.script}


class Pages:
    """`show` gets the address of each new sign-in link, and prints it on the server's terminal."""

    def __init__(self, store: Store, show: Callable[[str], None]) -> None:
        self._store = store
        self._show = show
        self._sessions = Sessions(store.clock)

    def show_link(self) -> None:
        """Make a new sign-in link, which ends the one before it, and show it."""
        self._show(addresses.sign_in(self._sessions.new_link()))

    def answer(self, call: Call) -> Reply:
        """Answer one request. No failure gets out: the server would log its address, which may be a link."""
        try:
            answer = self._answer(call)
        except Problem as problem:
            answer = _refusal(problem.status, problem.message)
        except Exception as error:  # noqa: BLE001 - a server outlives its bugs
            _log.error("The sandbox failed at a page: %s", type(error).__name__)
            answer = _refusal(500, "The sandbox failed at this page.")
        return Reply(answer.status, answer.headers, b"" if call.method == "HEAD" else answer.body)

    def _answer(self, call: Call) -> Reply:
        if not checks.is_ours(call):
            raise Problem(403, "Open the sandbox at the address that `astalty sandbox serve` shows.")
        if call.method in {"GET", "HEAD"} and call.path in _PUBLIC:
            return _PUBLIC[call.path]()
        if call.method == "POST":
            _check_form(call)
        if call.path.startswith(addresses.SIGN_IN):
            return self._sign_in(call)
        session = self._sessions.find(checks.read_cookie(call))
        if session is None:
            return sign_in.link_needed()
        visit = Visit(call, self._store, session)
        if call.method == "POST" and not session.owns(visit.form.get("csrf", "")):
            raise Problem(403, "This form is not of your session. Open its page again.")
        return _visited(visit)

    def _sign_in(self, call: Call) -> Reply:
        if call.path == addresses.NEW_LINK and call.method == "POST":
            self.show_link()
            return sign_in.link_shown()
        if call.method != "GET" or checks.is_ahead_of_its_user(call):
            raise Problem(403, "Open the link in a browser.")
        cookie = self._sessions.sign_in(call.path.removeprefix(addresses.sign_in("")))
        if cookie is None:
            return sign_in.link_used()
        return see_other(addresses.ROOT, **{"Set-Cookie": checks.set_cookie(call, cookie)})


def with_pages(app: WSGIApplication, pages: Pages, store: Store) -> WSGIApplication:
    """The API, with the pages at the addresses that are theirs."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not addresses.is_page(environ.get("PATH_INFO", "")):
            return app(environ, start_response)
        return send(pages.answer(read_call(environ)), store.clock(), start_response)

    return application


def _check_form(call: Call) -> None:
    if not checks.is_from_our_page(call):
        raise Problem(403, "This form was sent from another site.")
    if len(call.body) > _LARGEST_FORM:
        raise Problem(413, "This form is too large.")


def _visited(visit: Visit) -> Reply:
    for pattern, views in _VIEWS.items():
        if found := re.fullmatch(pattern, visit.call.path):
            view = views.get("GET" if visit.call.method == "HEAD" else visit.call.method)
            if view is None:
                answer = _refusal(405, "This page can't be asked for in this way.", visit.session)
                answer.headers["Allow"] = ", ".join(views)
                return answer
            try:
                return view(visit, *found.groups())
            except Problem as problem:
                return _refusal(problem.status, problem.message, visit.session)
    return _refusal(404, "There is no such page.", visit.session)


def _refusal(status: int, said: str, session: Session | None = None) -> Reply:
    home = link_button("API Dashboard", addresses.ROOT, is_primary=True)
    row = tag("div", home, class_="row")
    return page(session, said, tag("section", tag("h1", said), row, class_="card"), status=status)
