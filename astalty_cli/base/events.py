"""What long work reports while it runs: services hand these to a callable, a front end shows them."""

from collections.abc import Callable
from typing import NamedTuple


class PageRead(NamedTuple):
    """So many things have been read, of so many as far as is known, in pages of that size."""

    done: int
    expected: int
    page_size: int

    @property
    def pages(self) -> tuple[int, int]:
        """The same in pages; one that is begun counts."""
        return -(-self.done // self.page_size), -(-self.expected // self.page_size)


class Message(NamedTuple):
    """Something that people should know, in words."""

    text: str


class WarningMessage(NamedTuple):
    """As a message, but it has to be heard at once."""

    text: str


Event = PageRead | Message | WarningMessage
OnEvent = Callable[[Event], None]


def ignore(_: Event) -> None:
    """For work that nobody watches."""
