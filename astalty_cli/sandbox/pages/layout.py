"""What all pages have in common: the frame, the way between them, and small pieces of markup."""

import functools
import importlib.resources
from datetime import UTC, datetime
from string import Template

from astalty_cli.api import contract
from astalty_cli.base.times import iso
from astalty_cli.sandbox.dashboard import page as endpoint_dashboard
from astalty_cli.sandbox.dashboard.markup import Html, join, tag
from astalty_cli.sandbox.exchange import Reply
from astalty_cli.sandbox.pages import addresses
from astalty_cli.sandbox.pages.checks import HEADERS
from astalty_cli.sandbox.pages.sessions import Session

_PLACES = (
    ("Request history", addresses.REQUESTS),
    ("Manage Keys", addresses.KEYS),
    ("Endpoints", contract.ENDPOINT_DASHBOARD),
)


def page(
    session: Session | None,
    title: str,
    *content: Html,
    current: str = "",
    notice: str = "",
    status: int = 200,
) -> Reply:
    """A page for a signed-in visitor or, without a session, for anyone."""
    text = Template(_file("frame.html")).substitute(
        title=join(title),
        style=addresses.STYLE,
        script=addresses.SCRIPT,
        navigation=_navigation(session, current) if session else "",
        notice=tag("p", notice, class_="notice", role="status") if notice else "",
        main=join(*content),
    )
    return _reply(status, "text/html; charset=utf-8", text)


def see_other(address: str, **headers: str) -> Reply:
    return Reply(303, {**HEADERS, "Location": address, "Content-Length": "0", **headers}, b"")


def style() -> Reply:
    return _reply(200, "text/css; charset=utf-8", endpoint_dashboard.base_style() + _file("pages.css"))


def script() -> Reply:
    return _reply(200, "text/javascript; charset=utf-8", _file("pages.js"))


def heading(title: str, *beside: Html) -> Html:
    """The title under the way to it in the real web app."""
    way = tag("p", "Settings → Developers → API Dashboard", class_="way")
    return tag("header", tag("div", way, tag("h1", title)), *beside, class_="head")


def link_button(text: str, address: str, *, is_primary: bool = False) -> Html:
    return tag("a", text, href=address, class_="button primary" if is_primary else "button")


def post_form(session: Session, address: str, *content: Html, **attributes: str) -> Html:
    """A form that changes something, which only this session can send."""
    token = hidden("csrf", session.csrf)
    return tag("form", token, *content, method="post", action=address, **attributes)


def hidden(name: str, value: str) -> Html:
    return tag("input", type="hidden", name=name, value=value)


def moment(at: datetime | None, *, otherwise: str = "Never") -> Html:
    if at is None:
        return join(otherwise)
    utc = at.astimezone(UTC)
    return tag("time", f"{utc.day} {utc:%b %Y, %H:%M:%S}", datetime=iso(utc), title=iso(utc))


def copy_block(label: str, content: Html) -> Html:
    """Something to copy, with a button for those who have a script."""
    copy = tag("button", "Copy", type="button", class_="copy", aria_label=f"Copy: {label}", hidden="")
    return tag("figure", tag("figcaption", label, copy), content)


def _navigation(session: Session, current: str) -> Html:
    items = [
        tag("li", tag("a", name, href=address, **({"aria_current": "page"} if address == current else {})))
        for name, address in _PLACES
    ]
    out = tag("button", "Sign out", type="submit", class_="quiet")
    leave = post_form(session, addresses.SIGN_OUT, out, class_="leave")
    return join(tag("nav", tag("ul", *items), aria_label="API Dashboard"), leave)


def _reply(status: int, content_type: str, text: str) -> Reply:
    data = text.encode("utf-8", "replace")
    sizes = {"Content-Type": content_type, "Content-Length": str(len(data))}
    return Reply(status, HEADERS | sizes, data)


@functools.cache
def _file(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text("utf-8")
