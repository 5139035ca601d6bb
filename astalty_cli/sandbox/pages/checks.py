"""The checks that each request to the pages must pass first, and the headers of each answer."""

import re
from http.cookies import CookieError, SimpleCookie

from astalty_cli.api.origin import is_loopback
from astalty_cli.sandbox.exchange import Call

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src data:",  # the icon
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)
HEADERS = {
    "Content-Security-Policy": "; ".join(_POLICY),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[0-9A-Za-z.-]{1,253})(?::(?P<port>[0-9]{1,5}))?")


def is_ours(call: Call) -> bool:
    """Whether `Host` is this machine and this port: any other name may be another site's (DNS rebinding)."""
    host = _HOST.fullmatch(call.headers.get("Host", ""))
    if host is None or not is_loopback(host["name"].strip("[]").lower()):
        return False
    return (host["port"] or "80") == _port(call)


def is_from_our_page(call: Call) -> bool:
    """Whether a form of ours was sent.

    Browsers say so in `Sec-Fetch-Site`. Under the policy `no-referrer` their `Origin` is `null`, which alone
    is no proof. Whoever sends neither is no browser, and has no business here.
    """
    origin, site = call.headers.get("Origin"), call.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin" and origin in {None, "null", _origin(call)}
    return origin == _origin(call)


def is_ahead_of_its_user(call: Call) -> bool:
    """Whether a browser only prefetches the page."""
    return any("prefetch" in call.headers.get(name, "") for name in ("Sec-Purpose", "Purpose"))


def read_cookie(call: Call) -> str:
    try:
        cookies = SimpleCookie(call.headers.get("Cookie", ""))
    except CookieError:
        return ""
    found = cookies.get(_cookie_name(call))
    return found.value if found else ""


def set_cookie(call: Call, value: str) -> str:
    """The header's value. It lasts as long as the browser does; `Secure` would keep it from plain http."""
    return f"{_cookie_name(call)}={value}; Path=/; HttpOnly; SameSite=Strict"


def drop_cookie(call: Call) -> str:
    return set_cookie(call, "") + "; Max-Age=0"


def _cookie_name(call: Call) -> str:
    """Cookies are shared by all ports, so the name has the port."""
    return f"astalty-{_port(call)}"


def _origin(call: Call) -> str:
    return f"http://{call.headers.get('Host', '')}"


def _port(call: Call) -> str:
    return str(call.environ.get("SERVER_PORT", ""))
