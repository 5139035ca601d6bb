"""The pages for visitors who are not signed in."""

from astalty_cli.sandbox.dashboard.markup import Html, prose, tag
from astalty_cli.sandbox.exchange import Reply
from astalty_cli.sandbox.pages import addresses
from astalty_cli.sandbox.pages.layout import page

_WHERE = "Open the sign-in link that `astalty sandbox serve` shows in its terminal. Each link works once."


def link_needed() -> Reply:
    return _page("Sign in", 403, _WHERE)


def link_used() -> Reply:
    return _page("This link doesn't work", 403, "It was used already, or is not of this server.", _WHERE)


def link_shown() -> Reply:
    return page(
        None, "Sign in", _card("Sign in", "There is a new link in the terminal of the server. Open it.")
    )


def _page(title: str, status: int, *said: str) -> Reply:
    button = tag("button", "Show a new link in the terminal", type="submit", class_="button primary")
    form = tag("form", button, method="post", action=addresses.NEW_LINK, class_="row")
    return page(None, title, _card(title, *said, form), status=status)


def _card(title: str, *content: str) -> Html:
    said = [each if isinstance(each, Html) else tag("p", prose(each)) for each in content]
    return tag("section", tag("h1", title), *said, class_="card")
