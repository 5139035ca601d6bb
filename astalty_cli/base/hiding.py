"""What must never be printed, stored, logged or used as a name: one gate for every way out.

Secrets have no shape that could be relied on. So what is hidden is every secret that this process has seen,
in each spelling of it (`secret_spellings.py`), and by rule what looks like one (`secret_patterns.py`); both
are loaded when there is a text.
"""

import re
from collections.abc import Callable
from typing import Final

SHORTEST: Final = 16  # characters; what is shorter may be part of any text

_LONG_WORD = re.compile(rb"[!-~]{16,}")

_seen: dict[str, None] = {}  # in the order in which they were
_more_secrets: list[Callable[[], object]] = []  # at most one


def see(secret: str) -> None:
    """Hide this secret from now on, its longest word, and what is behind its `|`, which may do alone."""
    if len(secret) >= SHORTEST and secret.isascii():
        _seen[secret] = None


def see_later(load: Callable[[], object]) -> None:
    """Call this before a text is looked at that may hold a secret; it calls `see` for those on the disk."""
    _more_secrets[:] = [load]


def hide_seen(data: bytes, *, also: str = "") -> bytes:
    """The text without the secrets that were seen; as it came, if there are none in it."""
    known = [*_seen, *([also] if len(also) >= SHORTEST and also not in _seen else [])]
    if not known:
        return data
    from astalty_cli.base.secret_spellings import parts, without

    return without([part for secret in known for part in parts(secret) if len(part) >= SHORTEST], data)


def hide(text: str) -> str:
    """The text without a secret: those that were seen, and what looks like one."""
    data = text.encode("utf-8", "surrogatepass")
    shown = hide_bytes(data)
    return text if shown == data else shown.decode("utf-8", "surrogatepass")


def hide_bytes(data: bytes, *, also: str = "") -> bytes:
    """As `hide`; JSON stays JSON. `also` is a secret to hide this time only."""
    if not _LONG_WORD.search(data):
        return data
    from astalty_cli.base.secret_patterns import without_credentials, without_tokens
    from astalty_cli.base.secret_spellings import unescaped

    while _more_secrets:
        _more_secrets.pop()()
    shown = without_credentials(without_tokens(hide_seen(data, also=also)))
    plain = unescaped(shown)
    if plain is None:
        return shown
    hidden = without_credentials(without_tokens(plain))
    return shown if hidden == plain else hidden


def hide_listed(data: bytes) -> bytes:
    """Less than `hide_bytes`, and fast: what has the shape of a key, and credentials in query strings."""
    from astalty_cli.base.secret_patterns import without_queried, without_tokens

    return without_queried(without_tokens(data))


def hide_value(name: str, value: str) -> str:
    """As `hide`, for a value that goes by a name, such as that of a header."""
    from astalty_cli.base.vocabulary import HIDDEN

    start = f"{name}: "
    shown = hide(start + value)
    return shown.removeprefix(start) if shown.startswith(start) else HIDDEN


def hide_typed(text: str) -> str:
    """As `hide`, for what may repeat what was typed: a key typed in the wrong place is not echoed.

    Of what could be one, the last four characters stay.
    """
    from astalty_cli.base.secret_patterns import without_long_words

    return without_long_words(hide(text)) if len(text) >= SHORTEST else text


def contains_secret(text: str) -> bool:
    """Whether a text that others can read, such as a name, must be refused."""
    if not _LONG_WORD.search(text.encode("utf-8", "surrogatepass")):
        return False
    from astalty_cli.base.secret_patterns import has_random_word

    return hide(text) != text or has_random_word(text)
