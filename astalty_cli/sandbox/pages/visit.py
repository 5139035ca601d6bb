"""One request to a page, by a visitor who is signed in."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from astalty_cli.sandbox.exchange import Call, Reply
from astalty_cli.sandbox.pages.sessions import Session
from astalty_cli.sandbox.store import Store


@dataclass
class Visit:
    call: Call
    store: Store
    session: Session

    @cached_property
    def query(self) -> dict[str, str]:
        return _pairs(self.call.query)

    @cached_property
    def form(self) -> dict[str, str]:
        return _pairs(self.call.body.decode("latin-1"))


View = Callable[..., Reply]  # of a visit and the variable parts of the path


def _pairs(text: str) -> dict[str, str]:
    """A name that is there twice: the last one counts."""
    return dict(parse_qsl(text, keep_blank_values=True, encoding="utf-8", errors="replace"))
