"""How a secret is recognised: by its own shape, or by the name of what holds it."""

import base64
import re
from functools import lru_cache

from astalty_cli.api import contract

HIDDEN = "[redacted]"
_SHOWN_ANYWAY = {HIDDEN, "[secret]"}  # what a marker stands for has been hidden already
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
# What is in a group stands before the secret and is kept.
_IN_URL = r"""(://[^/\s?#:@"'<>\\]*+:)[^/\s?#"'<>]+(?=@)"""
_BLANK = r"(?:\s|%20|\+)++"
_PROSE = r"(?:authentication|authorization|credentials?|tokens?|scheme)(?![\w.~+/=|-])|realm="
_BEARER = rf"(\b(?i:bearer){_BLANK})(?!{_PROSE})[\w.~+/=|%-]{{8,}}"
_SHAPES = re.compile(
    "|".join([contract.SECRET_SHAPE, rf"(?<![0-9A-Za-z])(?:{'|'.join(_BY_PREFIX)})", _PEM, _IN_URL, _BEARER])
)
_BASIC = re.compile(rf"(\b(?i:basic){_BLANK})([0-9A-Za-z+/_-]{{6,}}=*)")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CREDENTIAL = re.compile(
    r"(?:.* )?(?:"
    r"\w*(?:password|passwd|passphrase|passcode|secret|token|apikey)s?"
    r"|pwd|authorization|cookies?|csrf|xsrf|session|\w*sess(?:ion)?id|signature|otp|totp|pin|jwt|credentials?"
    r"|(?:private|secret|access)keys?|(?:api|private|access|signing|encryption|master) keys?"
    r")(?: .*)?"
)
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
