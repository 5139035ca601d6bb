"""The site that `python -m tests.support.site` builds: all pages, working links, nothing from outside."""

import json
import re
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support import site
from tests.support.pages import DOCS, PAGES

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


class Page(HTMLParser):
    """What a page loads, where it leads, and the names in it that can be led to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if LOADED.get(tag) in given:
            self.loads.append(given[LOADED[tag]])
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])
        self.names |= {given[name] for name in ("id", "name") if name in given}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "site"
    try:
        site.build(folder)
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stderr)
    return folder


def pages(built: Path) -> Iterator[Page]:
    for path in built.rglob("*.html"):
        yield Page(path)


def test_every_page_is_there(built: Path) -> None:
    for page in PAGES:
        path = page.relative_to(DOCS)
        assert (built / ("index.html" if path.name == "README.md" else path.with_suffix(".html"))).exists()


def test_every_page_is_in_the_navigation() -> None:
    config = (DOCS / site.CONFIG).read_text("utf-8")
    assert [page for page in PAGES if f'"{page.relative_to(DOCS)}"' not in config] == []


def test_the_browser_loads_nothing_from_outside(built: Path) -> None:
    for page in pages(built):
        assert page.loads
        for address in page.loads:
            parts = urlsplit(address)
            assert not parts.scheme, f"{page.path.name}: {address}"
            assert not parts.netloc, f"{page.path.name}: {address}"
            start = built if parts.path.startswith("/") else page.path.parent
            assert (start / parts.path.lstrip("/")).exists(), f"{page.path.name}: {address}"
    for style in built.rglob("*.css"):
        assert not re.search(r"@import|url\([\"']?(?:https?:)?//", style.read_text("utf-8")), style.name


def test_links_lead_somewhere(built: Path) -> None:
    found = {page.path.resolve(): page for page in pages(built)}
    for page in found.values():
        for link in page.leads:
            parts = urlsplit(link)
            if parts.scheme or parts.path.startswith("/"):
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target in found, f"{page.path.name}: {link}"
            assert not parts.fragment or unquote(parts.fragment) in found[target].names, (
                f"{page.path.name}: {link}"
            )


def test_search_knows_the_pages(built: Path) -> None:
    index = json.loads((built / "search.json").read_text("utf-8"))
    places = {item["location"].partition("#")[0] for item in index["items"]}
    assert {
        f"{page.relative_to(DOCS).with_suffix('.html')}" for page in PAGES if page.name != "README.md"
    } <= places
