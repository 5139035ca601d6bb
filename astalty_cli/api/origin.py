"""The one place a key may go: a scheme, a host and a port."""

import ipaddress
from urllib.parse import urlsplit

from astalty_cli.api.contract import DEFAULT_BASE_URL
from astalty_cli.base.errors import UsageError

_EXAMPLE = f"Such as {DEFAULT_BASE_URL}"


def origin(url: str) -> str:
    """Reduce a base URL to `scheme://host[:port]`, the one place a key may go.

    Raises UsageError for anything but https (http on loopback), and for a URL that says more than an
    origin: a path, a user, a query.
    """
    if "@" in url:  # first of all, so that no message repeats a password
        raise UsageError("A base URL holds no user name and no password.", hint=_EXAMPLE)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise _bad_url(url, "it is not a URL") from None
    if parts.scheme not in {"https", "http"} or not host:
        raise _bad_url(url, "it does not start with https:// and a host")
    if not (url.isascii() and url.isprintable()) or set(host) & set(" %\\@"):
        raise _bad_url(url, "its host is not plain ASCII")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad_url(url, "it must end after the host: /public/v1 is added by astalty")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_url(url, "a key is never sent over plain http, except on this machine")
    shown = f"[{host}]" if ":" in host else host
    default = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in {None, default} else "")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bad_url(url: str, why: str) -> UsageError:
    return UsageError(f"Cannot use the base URL {url!r}: {why}.", hint=_EXAMPLE)
