"""HTML as values. Text is escaped on its way in, so none can be forgotten."""

import re
from html import escape

_CODE = re.compile("`([^`]+)`")
_VOID = {"br", "input"}


class Html(str):
    """Markup. Whatever is not of this type is text."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str) -> Html:
    """An element: `tag("a", "Home", href="/", class_="quiet")`. An underscore within a name is a hyphen."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Html(f"<{name}{written}>" + ("" if name in _VOID else f"{join(*content)}</{name}>"))


def join(*content: str) -> Html:
    return Html("".join(each if isinstance(each, Html) else escape(each) for each in content))


def prose(text: str) -> Html:
    """A sentence of the document, whose backticks mark code."""
    pieces = _CODE.split(text)
    return join(*(tag("code", piece) if place % 2 else piece for place, piece in enumerate(pieces)))
