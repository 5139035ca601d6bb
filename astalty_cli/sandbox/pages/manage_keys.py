"""Manage Keys: the list, Create API Key, and Delete."""

from urllib.parse import urlencode

from astalty_cli.api import contract
from astalty_cli.api.models import ApiKey, CreateKey, IssuedKey, PageMeta
from astalty_cli.base.vocabulary import Access, KeyStatus, access_name
from astalty_cli.sandbox.dashboard.markup import Html, join, tag
from astalty_cli.sandbox.exchange import Reply
from astalty_cli.sandbox.field_rules import complaints
from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.pages import addresses
from astalty_cli.sandbox.pages.layout import (
    heading,
    hidden,
    link_button,
    moment,
    page,
    post_form,
    see_other,
)
from astalty_cli.sandbox.pages.visit import Visit
from astalty_cli.sandbox.problems import Problem

_LIVING = f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}"
_ACCESS = (
    (Access.READ_ONLY, "Can read. Enough for reports, exports and most checks."),
    (Access.FULL_ACCESS, "Can do everything the account owner can."),
)


def show_list(visit: Visit) -> Reply:
    shows_deleted = visit.query.get("show") == "deleted"
    status = KeyStatus.REVOKED if shows_deleted else _LIVING
    asked = {contract.filter_by("status"): status, contract.PAGE_NUMBER: visit.query.get("page", "1")}
    keys, meta = visit.store.keys.page(parse_query(urlencode(asked), KEYS))
    kinds = tag(
        "nav",
        _kind("In use", addresses.KEYS, is_current=not shows_deleted),
        _kind("Deleted", f"{addresses.KEYS}?show=deleted", is_current=shows_deleted),
        class_="kinds",
        aria_label="Which keys",
    )
    nothing = "No deleted keys." if shows_deleted else "No keys yet."
    return page(
        visit.session,
        "Manage Keys",
        heading("Manage Keys", link_button("Create API Key", addresses.CREATE_KEY, is_primary=True)),
        kinds,
        _table(keys, shows_deleted=shows_deleted) if keys else tag("p", nothing, class_="said"),
        _pages(meta, {"show": "deleted"} if shows_deleted else {}),
        current=addresses.KEYS,
        notice=visit.session.take_notice(),
    )


def show_form(visit: Visit) -> Reply:
    return _form(visit, visit.session.new_form())


def create(visit: Visit) -> Reply:
    """Create a key. No other answer ever has the secret, and the same form again creates nothing."""
    form = visit.form.get("form", "")
    if not visit.session.use(form):
        return _sent_already(visit)
    entered = {"name": visit.form.get("name", "").strip(), "access": visit.form.get("access", "")}
    if wrong := complaints(entered, CreateKey):
        wrong |= {"access": ["Choose an access level."]} if "access" in wrong else {}
        visit.session.reopen(form)
        return _form(visit, form, wrong)
    try:
        access = Access(entered["access"])
        key = visit.store.keys.create(entered["name"], visit.store.owner().id, access)
    except Problem as problem:
        visit.session.reopen(form)
        return _form(visit, form, problem.errors)
    return _created(visit, key)


def ask_to_delete(visit: Visit, key_id: str) -> Reply:
    """Raises `Problem` (404)."""
    key = _living(visit, key_id)
    delete = tag("button", "Delete key", type="submit", class_="button danger")
    used = join("It was last used on ", moment(key.last_used_at), " UTC.") if key.last_used_at else join()
    return page(
        visit.session,
        f"Delete {key.name}?",
        tag(
            "section",
            heading("Delete this API key?"),
            tag("p", tag("strong", key.name), f" · {access_name(key.access)} · ends in {key.last_four}"),
            tag("p", "Programs that use it stop working at once. A deleted key can't be restored. ", used),
            post_form(
                visit.session, addresses.delete_key(key_id),
                delete, link_button("Cancel", addresses.KEYS), class_="row",
            ),
            class_="card",
        ),
        current=addresses.KEYS,
    )  # fmt: skip


def delete(visit: Visit, key_id: str) -> Reply:
    """Raises `Problem` (404)."""
    key = _living(visit, key_id)
    visit.store.keys.revoke(key_id)
    visit.session.notice = f"Deleted the key “{key.name}” (ends in {key.last_four})."
    return see_other(addresses.KEYS)


# -- the list ------------------------------------------------------------------------------------


def _table(keys: list[ApiKey], *, shows_deleted: bool) -> Html:
    last = "Deleted" if shows_deleted else "Actions"
    names = (
        ("Name", ""), ("Access Level", "wide"), ("Ends in", ""), ("Created (UTC)", "wide"),
        ("Last used (UTC)", "wide"), ("Status", "wide"), (last, ""),
    )  # fmt: skip
    return tag(
        "table",
        tag("caption", "API keys, newest first", class_="unseen"),
        tag("thead", tag("tr", *(tag("th", name, scope="col", class_=kind) for name, kind in names))),
        tag("tbody", *map(_row, keys)),
        class_="list keys",
    )


def _row(key: ApiKey) -> Html:
    delete = tag(
        "a", "Delete", href=addresses.delete_key(key.id), aria_label=f"Delete {key.name}", class_="delete"
    )
    return tag(
        "tr",
        tag("th", key.name, tag("span", access_name(key.access), class_="narrow quiet"), scope="row"),
        tag("td", access_name(key.access), class_="wide"),
        tag("td", tag("code", f"…{key.last_four}")),
        tag("td", moment(key.created_at), class_="wide time"),
        tag("td", moment(key.last_used_at), class_="wide time"),
        tag("td", _status(key), class_="wide"),
        tag("td", moment(key.revoked_at) if key.revoked_at else delete, class_="time"),
    )


def _status(key: ApiKey) -> Html:
    name = "Deleted" if key.status is KeyStatus.REVOKED else key.status.title()
    about = {
        "title": f"An earlier secret works until {key.previous_expires_at:%d %b %Y, %H:%M} UTC"
    } if key.previous_expires_at else {}  # fmt: skip
    return tag("span", name, class_=f"pill {key.status}", **about)


def _kind(name: str, address: str, *, is_current: bool) -> Html:
    return tag("a", name, href=address, **({"aria_current": "page"} if is_current else {}))


def _pages(meta: PageMeta, query: dict[str, str]) -> Html:
    def link(text: str, number: int) -> Html:
        if not 1 <= number <= meta.last_page:
            return join()
        return link_button(text, f"{addresses.KEYS}?{urlencode({**query, 'page': number})}")

    links = join(link("Newer", meta.current_page - 1), link("Older", meta.current_page + 1))
    return tag("nav", links, class_="row", aria_label="Pages of the list") if links else join()


def _living(visit: Visit, key_id: str) -> ApiKey:
    key = visit.store.keys.get(key_id)
    if key.status is KeyStatus.REVOKED:
        raise Problem(404, "This key was deleted already.")
    return key


# -- Create API Key ------------------------------------------------------------------------------


def _form(visit: Visit, form: str, wrong: dict[str, list[str]] | None = None) -> Reply:
    wrong = wrong or {}
    name = tag(
        "input", name="name", id="name", value=visit.form.get("name", ""), autocomplete="off",
        required="", maxlength="100", autofocus="", **_described("name", wrong),
    )  # fmt: skip
    chosen = visit.form.get("access", "")
    choices = [_choice(access, about, is_chosen=access == chosen) for access, about in _ACCESS]
    legend = tag("legend", "Access Level")
    create = tag("button", "Create API Key", type="submit", class_="button primary")
    return page(
        visit.session,
        "Create API Key",
        tag(
            "section",
            heading("Create API Key"),
            post_form(
                visit.session,
                addresses.CREATE_KEY,
                hidden("form", form),
                tag(
                    "div", tag("label", "Name", for_="name"), name, _complaint("name", wrong), class_="field"
                ),
                tag("fieldset", legend, *choices, _complaint("access", wrong), **_described("access", wrong)),
                tag("div", create, link_button("Cancel", addresses.KEYS), class_="row"),
            ),
            class_="card",
        ),
        current=addresses.KEYS,
        status=422 if wrong else 200,
    )


def _choice(access: Access, about: str, *, is_chosen: bool) -> Html:
    checked = {"checked": ""} if is_chosen else {}
    box = tag(
        "input", type="radio", name="access", value=access, id=access, required="",
        aria_describedby=f"{access}-about", **checked,
    )  # fmt: skip
    label = tag("label", access_name(access), for_=access)
    return tag("div", box, tag("div", label, tag("p", about, id=f"{access}-about")), class_="choice")


def _described(name: str, wrong: dict[str, list[str]]) -> dict[str, str]:
    if name not in wrong:
        return {}
    described = {"aria_describedby": f"{name}-wrong"}
    return described if name == "access" else described | {"aria_invalid": "true"}


def _complaint(name: str, wrong: dict[str, list[str]]) -> Html:
    return tag("p", *wrong[name], class_="wrong", id=f"{name}-wrong") if name in wrong else join()


def _created(visit: Visit, key: IssuedKey) -> Reply:
    assert key.secret is not None  # noqa: S101 - a key just made has one
    secret = tag("pre", tag("code", key.secret.reveal(), id="secret"))
    copy = tag("button", "Copy to clipboard", type="button", class_="button primary copy", hidden="")
    return page(
        visit.session,
        "API Key Created",
        tag(
            "section",
            heading("API Key Created"),
            tag("p", tag("strong", key.name), f" · {access_name(key.access)}"),
            tag(
                "p",
                "Copy the key now and keep it somewhere safe. You won't be able to see it again.",
                class_="warning",
            ),
            tag("figure", secret),
            tag("div", copy, link_button("Done", addresses.KEYS), class_="row"),
            class_="card created",
        ),
        current=addresses.KEYS,
    )


def _sent_already(visit: Visit) -> Reply:
    return page(
        visit.session,
        "This form was sent already",
        tag(
            "section",
            heading("This form was sent already"),
            tag(
                "p", "No other key was created. A key's secret is shown once, right after the key is created."
            ),
            tag("p", "If you did not copy it, delete that key and create a new one."),
            tag("div", link_button("Manage Keys", addresses.KEYS, is_primary=True), class_="row"),
            class_="card",
        ),
        current=addresses.KEYS,
        status=409,
    )
