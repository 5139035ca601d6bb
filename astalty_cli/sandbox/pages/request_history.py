"""The request history: its list, and the page of an entry."""

from urllib.parse import urlencode

import msgspec

from astalty_cli.api import contract
from astalty_cli.api.models import ApiKey, ApiRequest, Exchange
from astalty_cli.sandbox.dashboard.markup import Html, join, tag
from astalty_cli.sandbox.exchange import Reply
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.pages import addresses, entries, json_view
from astalty_cli.sandbox.pages.entries import Page, Place
from astalty_cli.sandbox.pages.layout import copy_block, heading, link_button, moment, page
from astalty_cli.sandbox.pages.request_filters import RequestFilters, read_filters
from astalty_cli.sandbox.pages.visit import Visit
from astalty_cli.sandbox.store import Store

_TITLE = "Request history"
_NOTHING = Page([], None, None, None)


def show_list(visit: Visit) -> Reply:
    filters = read_filters(visit.query)
    after, before = visit.query.get("after"), visit.query.get("before")
    database = visit.store.database
    if filters.complaints:
        found = _NOTHING
    elif after is not None:
        found = entries.newer(database, filters.conditions, Place.parse(after))
    else:
        found = entries.older(database, filters.conditions, Place.parse(before) if before else None)
    is_live = not (after or before or filters.complaints)
    live = tag("button", "Live", type="button", id="live", class_="button", aria_pressed="true", hidden="")
    return page(
        visit.session,
        _TITLE,
        heading(_TITLE, live if is_live else join()),
        filters.form(_keys(visit.store)),
        _table(found.entries) if found.entries or is_live else join(),
        _below(found, filters),
        current=addresses.REQUESTS,
        status=422 if filters.complaints else 200,
    )


def show_entry(visit: Visit, request_id: str) -> Reply:
    """Raises `Problem` (404)."""
    found = visit.store.history.get(request_id)
    assert found.request is not None  # noqa: S101 - a single entry has its bodies
    assert found.response is not None  # noqa: S101
    title = tag("code", _method(found.method), " ", found.path)
    back = tag("p", tag("a", "← Request history", href=addresses.REQUESTS), class_="way")
    return page(
        visit.session,
        f"{found.status} {found.method} {found.path}",
        tag("header", tag("div", back, tag("h1", title, class_="path")), class_="head"),
        _facts(found),
        tag("div", _side("Request", found.request), _side("Response", found.response), class_="sides"),
        current=addresses.REQUESTS,
    )


# -- the list ------------------------------------------------------------------------------------


def _table(rows: list[ApiRequest]) -> Html:
    names = (
        ("Status", ""),
        ("Request", ""),
        ("API key", "wide"),
        ("Duration", "wide number"),
        ("Time (UTC)", ""),
    )
    head = tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in names))
    return tag(
        "table",
        tag("caption", "Requests, newest first", class_="unseen"),
        tag("thead", head),
        tag("tbody", *map(_row, rows), id="requests"),
        class_="list",
    )


def _row(entry: ApiRequest) -> Html:
    link = tag("a", _method(entry.method), " ", _path(entry.path), href=addresses.entry(entry.id))
    key = entry.api_key.name if entry.api_key else tag("span", "No key", class_="quiet")
    return tag(
        "tr",
        tag("td", _status(entry.status)),
        tag("td", link, class_="request"),
        tag("td", key, class_="wide"),
        tag("td", _duration(entry), class_="wide number"),
        tag("td", moment(entry.created_at), class_="time"),
        data_id=entry.id,
    )


def _below(found: Page, filters: RequestFilters) -> Html:
    def link(text: str, **where: str) -> Html:
        address = urlencode({**filters.values, **where})
        return link_button(text, f"{addresses.REQUESTS}?{address}" if address else addresses.REQUESTS)

    said = _said(found, filters)
    newer, older = (
        "Keep looking" if place and place == found.stopped_at else name
        for name, place in (("Newer", found.newer), ("Older", found.older))
    )
    links = [
        link("Newest") if found.newer else join(),
        link(newer, after=str(found.newer)) if found.newer else join(),
        link(older, before=str(found.older)) if found.older else join(),
        link("Oldest", after=str(entries.THE_OLDEST)) if found.older else join(),
    ]
    return join(said, tag("nav", *links, class_="row", aria_label="Pages of the list"))


def _said(found: Page, filters: RequestFilters) -> Html:
    if filters.complaints:
        text = "Correct the marked filters to see requests."
    elif found.stopped_at:
        text = _looked_at(found.stopped_at)
    elif not found.entries:
        text = "No request matches these filters." if filters.values else "No requests yet."
    else:
        return join()
    return tag("p", text, class_="said", id="nothing")


def _looked_at(place: Place) -> str:
    until = place.created_at[:16].replace("T", " ")
    return f"Looked at {entries.LOOKED_AT:,} requests, as far as {until} UTC."


def _keys(store: Store) -> list[ApiKey]:
    """The newest ones: as many as a list of choices can bear."""
    query = parse_query(f"{contract.PAGE_SIZE}={contract.MAX_PAGE_SIZE}", KEYS)
    return store.keys.page(query)[0]


# -- an entry ------------------------------------------------------------------------------------


def _facts(entry: ApiRequest) -> Html:
    user, key = entry.user, entry.api_key
    facts: list[tuple[str, str | None]] = [
        ("Status", _status(entry.status)),
        ("ID", tag("code", entry.id)),
        ("Time", join(moment(entry.created_at), " UTC")),
        ("IP Address", tag("code", entry.ip_address) if entry.ip_address else None),
        ("User", user.name if user else None),
        ("User ID", tag("code", user.id) if user else None),
        ("Email", user.email if user else None),
        ("API key", key.name if key else None),
        ("Duration", _duration(entry)),
        ("User agent", entry.user_agent),
    ]
    pairs = [
        tag("div", tag("dt", name), tag("dd", value or tag("span", "None", class_="quiet")))
        for name, value in facts
    ]
    return tag("dl", *pairs, class_="facts")


def _side(name: str, exchange: Exchange) -> Html:
    headers: dict[str, str] = msgspec.json.decode(exchange.headers)
    lines = [join(tag("dt", each), tag("dd", str(value))) for each, value in headers.items()]
    listed = tag("dl", *lines, class_="headers") if lines else tag("p", "None", class_="quiet")
    count = tag("span", str(len(headers)), class_="quiet")
    return tag(
        "section",
        tag("h2", name),
        tag("details", tag("summary", "Headers ", count), listed, class_="fold", open=""),
        _body(name, exchange),
        aria_label=name,
    )


def _body(name: str, exchange: Exchange) -> Html:
    if bytes(exchange.body) == b"null":
        return tag("p", f"No {name.lower()} body.", class_="said")
    cut = tag("p", "Only the first 64 KiB were kept.", class_="said") if exchange.truncated else join()
    return join(copy_block(f"{name} body", json_view.view(exchange.body)), cut)


# -- pieces --------------------------------------------------------------------------------------


def _status(status: int) -> Html:
    return tag("span", str(status), class_=f"pill s{status // 100}")


def _method(method: str) -> Html:
    return tag("span", method, class_=f"method {method.lower()}" if method.isalpha() else "method")


def _path(path: str) -> Html:
    under = path.removeprefix(contract.PREFIX)
    prefix = tag("span", contract.PREFIX, class_="quiet wide") if under != path else join()
    return tag("code", prefix, under)


def _duration(entry: ApiRequest) -> str:
    return f"{entry.duration_ms:,.1f} ms"
