"""Who is signed in to the pages: one-time links, the sessions that they begin, and the tokens of forms.

All of it is in memory alone and ends with the server. Of links and cookies only hashes are kept.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from astalty_cli.base.times import Clock

_LIFETIME = timedelta(hours=12)
_SESSIONS = 32  # signed in at once; one more signs out the oldest
_FORMS = 64  # open at once in a session


@dataclass
class Session:
    """One browser that is signed in. `csrf` is in each of its forms."""

    ends_at: datetime
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    notice: str = ""  # for the next page that it sees
    _forms: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def owns(self, csrf: str) -> bool:
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())

    def new_form(self) -> str:
        """A token for a form that may be sent once."""
        token = secrets.token_urlsafe(24)
        self.reopen(token)
        return token

    def reopen(self, form: str) -> None:
        """Let a form be sent again, since nothing came of it."""
        self._forms[form] = None
        while len(self._forms) > _FORMS:
            self._forms.popitem(last=False)

    def use(self, form: str) -> bool:
        """Tell whether this form may be sent now; it may not be again."""
        try:
            del self._forms[form]
        except KeyError:
            return False
        return True

    def end(self) -> None:
        self.ends_at = datetime.min.replace(tzinfo=UTC)

    def take_notice(self) -> str:
        notice, self.notice = self.notice, ""
        return notice


class Sessions:
    """Safe for several threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._link: bytes | None = None
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def new_link(self) -> str:
        """Make the token of a sign-in link. It works once, and the one before it no longer."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._link = _hash(token)
        return token

    def sign_in(self, link: str) -> str | None:
        """Use up a link: return the value of the cookie, or None for a link that does not work."""
        with self._lock:
            if self._link is None or not hmac.compare_digest(self._link, _hash(link)):
                return None
            self._link = None
            cookie = secrets.token_urlsafe(32)
            self._sessions[_hash(cookie)] = Session(self._clock() + _LIFETIME)
            while len(self._sessions) > _SESSIONS:
                self._sessions.popitem(last=False)
            return cookie

    def find(self, cookie: str) -> Session | None:
        with self._lock:
            session = self._sessions.get(_hash(cookie))
            if session is not None and session.ends_at <= self._clock():
                del self._sessions[_hash(cookie)]
                return None
            return session


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
