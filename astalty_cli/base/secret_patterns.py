"""How a secret is recognised: by its own shape, or by the name of what holds it."""

import base64
import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_plus

from astalty_cli.base.vocabulary import HIDDEN as HIDDEN_SECRET

SANDBOX_SECRET: Final = r"astalty_[0-9A-Za-z]{46}"  # noqa: S105 - a pattern
HIDDEN = "[redacted]"
_SHOWN_ANYWAY = {HIDDEN, HIDDEN_SECRET}  # a marker replaces what has been hidden already
# Which secret was used, as the service logs it; PHP spells the ellipsis as an escape.
_LAST_FOUR = re.compile(r"""["']?Bearer (?:…|\\u2026)[0-9A-Za-z]{4}["']?""")

# Minimal lengths below the real ones: a body is cut anywhere, and half a secret is one too.
_BY_PREFIX = (
    r"astalty_[0-9A-Za-z]{12,}",
    r"gh[posur]_[0-9A-Za-z]{16,}",
    r"github_pat_\w{16,}",
    r"glpat-[\w-]{16,}",
    r"(?:AKIA|ASIA)[0-9A-Z]{12,}",
    r"AIza[\w-]{24,}",
    r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{10,}",
    r"whsec_[0-9A-Za-z+/=]{16,}",
    r"xox[a-z]-[0-9A-Za-z-]{8,}",
    r"npm_[0-9A-Za-z]{24,}",
    r"pypi-[\w-]{16,}",
    r"eyJ[\w-]{5,4000}+\.[\w.-]*+",  # bounded, since one may begin anywhere in another
)
_PRIVATE_KEY = r"-----{} [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,40}}-----"
_PEM = rf"{_PRIVATE_KEY.format('BEGIN')}(?s:.*?)(?:{_PRIVATE_KEY.format('END')}|\Z)"
# What is in a group comes before the secret and is kept.
_IN_URL = r"""(://[^/\s?#:@"'<>\\]*+:)[^/\s?#"'<>]+(?=@)"""
_BLANK = r"(?:\s|%20|\+)++"
_PROSE = r"(?:authentication|authorization|credentials?|tokens?|scheme)(?![\w.~+/=|-])|realm="
_BEARER = rf"(\b(?i:bearer){_BLANK})(?!{_PROSE})[\w.~+/=|%-]{{8,}}"
# A number, a bar and a random text, as Laravel's common package makes them; the end of a text may be a cut.
_BAR = (
    r"(?:\||%(?:25)*+7[cC]|&(?:amp;)*+(?:#0*+124|#[xX]0*+7[cC]|vert|verbar|VerticalLine);|\\{1,16}u007[cC])"
)
_NUMBERED = rf"(?<![0-9])[0-9]++{_BAR}(?:[0-9A-Za-z]{{30,}}|[0-9A-Za-z]{{8,}}\Z)"
_SHAPES = re.compile(
    "|".join(
        (SANDBOX_SECRET, rf"(?<![0-9A-Za-z])(?:{'|'.join(_BY_PREFIX)})", _NUMBERED, _PEM, _IN_URL, _BEARER)
    )
)
_BASIC = re.compile(rf"(\b(?i:basic){_BLANK})([0-9A-Za-z+/_-]{{6,}}=*)")

_TOKEN = re.compile(rf"{SANDBOX_SECRET}|(?<![0-9])[0-9]++{_BAR}[0-9A-Za-z]{{30,}}+".encode())
# One of these is in every such text.
_TOKEN_SIGNS = (b"astalty_", b"|", b"%7", b"%25", b"u007", b"&#", b"&amp;", b"&v", b"&V")

# A name and its value as JSON, forms, queries, headers and assignments have them, quoted or not.
_PAIR = re.compile(
    rb"(?<![\w%.\-\[\]$])(?P<name>[\w%.\-\[\]$]++)(?:\\*+[\"'])?[ \t]{0,8}+[:=]"
    rb">?[ \t]{0,8}+(?P<quote>\\*+[\"'])?(?:(?i:bearer|basic|token)[ +]++)?"
)
_QUERY_PAIR = re.compile(rb"[?&](?P<name>[^=&?\"\\\s]{1,64}+)=")
_BARE_VALUE = re.compile(rb"(?:[^\s\"'\\,;&<>{}()\[\]=:]|\\{1,16}(?:/|u[0-9a-fA-F]{4}))++=*+")
_QUOTED_VALUE = {
    b'"': re.compile(rb'(?:[^"\\\n]|\\.)*+'),
    b"'": re.compile(rb"(?:[^'\\\n]|\\.)*+"),
}
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SHORTEST_RANDOM = 20  # characters
_LONGEST_NAME = 64
_LONG_WORD = re.compile(r"[0-9A-Za-z_|]{40,}")
_RANDOM_WORD = re.compile(r"[0-9A-Za-z]{32,}")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CREDENTIAL = re.compile(
    r"(?:.* )?(?:"
    r"\w*(?:password|passwd|passphrase|passcode|secret|token|apikey)s?"
    r"|pwd|authorization|cookies?|csrf|xsrf|session|\w*sess(?:ion)?id|signature|otp|totp|pin|jwt|credentials?"
    r"|(?:private|secret|access)keys?|(?:api|private|access|signing|encryption|master) keys?"
    r")(?: .*)?"
)
_MAY_BE_ONE = {"key", "keys", "auth", "bearer"}  # what is called so may be a credential, or anything
# A last word that says something of a credential, and is none: `token_count`, `api_key_id`.
_ABOUT = re.compile(
    r"(?!.*\bsession id$).* (?:counts?|limit|length|size|types?|names?|id|ids|at|in|on|ttl|expiry|expires"
    r"|date|used|usage|remaining|required|enabled|shown|algorithm|version)"
)


@lru_cache(4096)
def is_credential(name: str) -> bool:
    """Whether what goes by this name is a secret: by its words, in any spelling of a compound."""
    words = " ".join(_WORD.findall(name)).lower()
    return bool(_CREDENTIAL.fullmatch(words)) and not _ABOUT.fullmatch(words)


def may_stay(name: str, value: str) -> bool:
    """Whether a credential's value is none: a marker, or the last four of the secret that made a call."""
    bare = value.strip("\\\"'")
    if bare in _SHOWN_ANYWAY or bare.startswith(HIDDEN):
        return True
    return name.lower() == "authorization" and bool(_LAST_FOUR.fullmatch(value.strip("[] \n")))


def without_shapes(text: str) -> str:
    """Put the marker wherever something looks like a secret, whatever it is called."""
    text = _SHAPES.sub(lambda match: (match[match.lastindex] if match.lastindex else "") + HIDDEN, text)
    return _BASIC.sub(_without_credentials, text)


def _without_credentials(match: re.Match[str]) -> str:
    encoded = match[2].rstrip("=")
    padded = encoded.replace("-", "+").replace("_", "/") + "A" * (-len(encoded) % 4)
    user, colon, _ = base64.b64decode(padded).partition(b":")
    says_who = user.decode("utf-8", "surrogateescape").isprintable()  # a word of prose decodes to noise
    return match[1] + HIDDEN if colon and says_who else match[0]


# -- what any text that is printed, logged or stored is looked through for -----------------------------


def without_tokens(data: bytes) -> bytes:
    """Without what has the shape of a key."""
    if not any(sign in data for sign in _TOKEN_SIGNS) or not _TOKEN.search(data):
        return data
    return _TOKEN.sub(HIDDEN_SECRET.encode(), data)


def without_credentials(data: bytes) -> bytes:
    """Without long random texts by a name that says credential."""
    return _without_values(data, _PAIR)


def without_queried(data: bytes) -> bytes:
    """As `without_credentials`, of the query strings in it alone."""
    return _without_values(data, _QUERY_PAIR) if b"?" in data else data


def _without_values(data: bytes, pairs: re.Pattern[bytes]) -> bytes:
    """Without a list of all the pairs, of which there may be millions."""
    shown, done = bytearray(), 0
    for pair in pairs.finditer(data):
        if pair.start() < done or not _names_a_secret(pair["name"][-_LONGEST_NAME:]):
            continue
        pattern = _QUOTED_VALUE.get(pair.groupdict().get("quote") or b"", _BARE_VALUE)
        value = pattern.match(data, pair.end())
        if value and _is_random(value[0].decode("latin-1")):
            shown += data[done : value.start()] + HIDDEN_SECRET.encode()
            done = value.end()
    return bytes(shown + data[done:]) if done else data


@lru_cache(4096)
def _names_a_secret(name: bytes) -> bool:
    plain = unquote_plus(name.decode("latin-1"))
    return is_credential(plain) or " ".join(_WORD.findall(plain)).lower() in _MAY_BE_ONE


def _is_random(value: str) -> bool:
    """Whether it may be a secret: long, of one piece, with digits and letters, and no id."""
    return (
        len(value) >= _SHORTEST_RANDOM
        and not any(char.isspace() for char in value)
        and any(char.isdigit() for char in value)
        and any(char.isalpha() for char in value)
        and not _UUID.fullmatch(value)
    )


def without_long_words(text: str) -> str:
    """With what could be a key cut down to its last four characters."""
    return _LONG_WORD.sub(lambda match: _last_four(match[0]), text)


def _last_four(word: str) -> str:
    # A name of words has no digits, and a UUID has dashes.
    could_be_a_key = any(char.isdigit() for char in word) and any(char.isalpha() for char in word)
    return f"…{word[-4:]}" if could_be_a_key else word


def has_random_word(text: str) -> bool:
    """Whether a word in it mixes capitals, small letters and digits as no hash and no name does."""
    return any(
        re.search("[0-9]", word) and re.search("[a-z]", word) and re.search("[A-Z]", word)
        for word in _RANDOM_WORD.findall(text)
    )
