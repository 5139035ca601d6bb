"""Somebody at the sandbox's web pages without a browser: signed in, and sending forms as they are shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from astalty_cli.base.vocabulary import Surface
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.pages.app import Pages, with_pages
from astalty_cli.sandbox.store import Store

ADDRESS = "http://127.0.0.1:8787"


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a parser makes of a page: its elements with their attributes, its forms, its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[Form] = []
        self.texts: list[str] = []
        self._links: dict[str, str] = {}
        self._here = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "a":
            self._here = given.get("href") or ""
        if tag == "form":
            self.forms.append(Form(given.get("action") or "", given.get("method") or "get"))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[given.get("name") or ""] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
        if self._here:
            self._links.setdefault(data, self._here)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._here = ""

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def ids(self) -> list[str]:
        """The entries in a list of requests."""
        return [attrs["data-id"] or "" for _, attrs in self.elements if "data-id" in attrs]

    def link(self, text: str) -> str | None:
        """Where the link of this text leads, if there is one."""
        return self._links.get(text)


@dataclass
class Visitor:
    """`links` are the sign-in links that the server's terminal shows, as paths."""

    client: httpx.Client
    links: list[str]
    app: Any
    pages: Pages

    def sign_in(self) -> httpx.Response:
        return self.client.get(self.links[-1])

    def see(self, path: str) -> Page:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return Page(answer.text)

    def form(self, path: str) -> Form:
        """The form of a page that changes something, as it comes."""
        return next(
            form for form in self.see(path).forms if form.method == "post" and form.action != "/sign-out"
        )

    def send(self, form: Form, headers: dict[str, str] | None = None, **entered: str) -> httpx.Response:
        """Send a form as a browser would, or with other `headers`."""
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return self.client.post(form.action, data=form.fields | entered, headers=headers)

    def create(self, name: str, access: str = "read_only") -> httpx.Response:
        return self.send(self.form("/dashboard/keys/create"), name=name, access=access)


@contextmanager
def visitor(store: Store, surface: Surface = Surface.FULL, *, signed_in: bool = True) -> Iterator[Visitor]:
    links: list[str] = []
    pages = Pages(store, links.append)
    app = with_pages(create_app(store, rate_limit=0, surface=surface), pages, store)
    pages.show_link()
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url=ADDRESS) as client:
        someone = Visitor(client, links, app, pages)
        if signed_in:
            assert someone.sign_in().status_code == 303
        yield someone
