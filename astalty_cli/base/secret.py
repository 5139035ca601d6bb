"""A secret that cannot be shown by accident."""

from typing import NamedTuple, NoReturn, Self

from astalty_cli.base import hiding
from astalty_cli.base.vocabulary import Storage

MAX_LENGTH = 4096


class Secret:
    """The value of an API key. `reveal()` is the only way to read it.

    It is masked in `repr`, `str` and `format`, and refuses to be pickled, so that a log line, a
    traceback or a copied object never carries it. Its last four characters may be shown.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a text that can be a key: one line of printable ASCII without spaces.

        It is hidden from now on. Raises ValueError, without the text in it, for what would break a header, a
        line or a terminal.
        """
        secret = cls(text)
        if not secret.is_well_formed:
            raise ValueError("a key is one line of printable ASCII without spaces")
        hiding.see(text)
        return secret

    @property
    def is_well_formed(self) -> bool:
        """Whether it can be a key at all: what a file holds may be anything."""
        text = self._value
        return text.isascii() and text.isprintable() and " " not in text and 0 < len(text) <= MAX_LENGTH

    def reveal(self) -> str:
        """Return the clear value: for the `Authorization` header and for a destination, and nothing else."""
        return self._value

    @property
    def last_four(self) -> str:
        """The last four characters, or nothing if the value is too short to spare them."""
        return self._value[-4:] if len(self._value) >= hiding.SHORTEST else ""

    def __repr__(self) -> str:
        return f"Secret(…{self.last_four})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled or copied")


class HeldSecret(NamedTuple):
    """A secret that this machine holds for its own use: by whom, where, and of which key if that is known."""

    holder: str
    storage: Storage
    key_id: str | None
    secret: Secret
