"""The page as a whole: its template with the document filled in, and what it may load (nothing)."""

import base64
import functools
import hashlib
import importlib.resources
from string import Template

import msgspec

from astalty_cli.api import contract
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.vocabulary import Surface
from astalty_cli.openapi import Json
from astalty_cli.openapi.references import References
from astalty_cli.sandbox.dashboard.endpoint import Endpoint
from astalty_cli.sandbox.dashboard.markup import Html, join, prose, tag
from astalty_cli.sandbox.dashboard.samples import with_samples
from astalty_cli.sandbox.openapi import document


def page(base_url: str, surface: Surface) -> bytes:
    """The page, for a sandbox that is reached at `base_url`, of the calls that it offers."""
    address = join(quoted(base_url))
    return Template(_file("page.html")).substitute(_catalogue(surface), base_url=address).encode()


def headers() -> dict[str, str]:
    """What keeps the page to itself: it runs its own script and style, and loads nothing."""
    return {
        "Content-Security-Policy": _policy(_style(), _file("page.js")),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


@functools.cache
def _catalogue(surface: Surface) -> dict[str, str]:
    """What of the page is the same at every address."""
    openapi: Json = with_samples(msgspec.json.decode(document(surface)))
    endpoints = [
        Endpoint(method.upper(), path, References(openapi).resolved(operation))
        for path, operations in openapi["paths"].items()
        for method, operation in operations.items()
    ]
    groups = {
        each["name"]: (
            each["description"],
            [one for one in endpoints if each["name"] in one.operation["tags"]],
        )
        for each in openapi["tags"]
    }
    link = tag("a", "an OpenAPI document", href=contract.OPENAPI)
    return {
        "title": join(openapi["info"]["title"]),
        "version": join(openapi["info"]["version"]),
        "description": prose(openapi["info"]["description"]),
        "also": join(" Also as ", link, ".") if surface is Surface.FULL else "",
        "count": f"{len(endpoints)}",
        "contents": join(*(_contents(name, held) for name, (_, held) in groups.items())),
        "groups": join(*(_group(name, text, held) for name, (text, held) in groups.items())),
        "style": _style(),
        "script": _file("page.js"),
    }


def _contents(name: str, endpoints: list[Endpoint]) -> Html:
    entries = tag("ul", *(each.entry for each in endpoints))
    return tag("section", tag("h2", tag("a", name, href=f"#{_anchor(name)}")), entries)


def _group(name: str, text: str, endpoints: list[Endpoint]) -> Html:
    head = tag("header", tag("h2", name, id=_anchor(name)), tag("p", prose(text)))
    listed = tag("div", *(each.section for each in endpoints), class_="list")
    return tag("section", head, listed, class_="group")


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "img-src data:",  # the icon
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def base_style() -> str:
    """What all pages of the sandbox share: colours, type, buttons and blocks to copy."""
    return _file("base.css")


def _style() -> str:
    return base_style() + "\n" + _file("page.css")


@functools.cache
def _file(name: str) -> str:
    return importlib.resources.files(__package__).joinpath(name).read_text("utf-8")
