"""The one place a key may go: a scheme, a host and a port."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from astalty_cli.api.contract import DEFAULT_BASE_URL
from astalty_cli.base.errors import UsageError
from astalty_cli.base.hiding import contains_secret

_EXAMPLE = f"Such as {DEFAULT_BASE_URL}"
_PORTS: Final = {"https": 443, "http": 80}
_MAX_HOST: Final = 253  # characters, of which a label has at most 63
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def origin(url: str) -> str:
    """Reduce a base URL to `scheme://host[:port]`, the one place a key may go.

    Raises UsageError for anything but https (http on loopback), and for a URL that says more than an
    origin: a path, a user, a query.
    """
    if "@" in url:  # first of all, so that no message repeats a password
        raise UsageError("A base URL holds no user name and no password.", hint=_EXAMPLE)
    if contains_secret(url):
        raise UsageError("The base URL seems to contain a secret.", hint=_EXAMPLE)
    try:
        parts = urlsplit(url)
        host, port = _host(parts), parts.port
    except ValueError:
        raise _bad_url(url, "it is not a URL") from None
    if parts.scheme not in _PORTS or not host:
        raise _bad_url(url, "it does not start with https:// and a host")
    if not _is_plain(url, host):
        raise _bad_url(url, "its host is not plain ASCII")
    if not is_host(host):
        raise _bad_url(url, "its host is not a host name or an IP address")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad_url(url, "it must end after the host: /public/v1 is added by astalty")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_url(url, "a key is never sent over plain http, except on this machine")
    return _spelled(parts.scheme, host, port)


def document_address(url: str) -> tuple[str, str]:
    """The origin of a document that needs no key, and the rest of its URL.

    Raises UsageError for anything but https (http on loopback), and for a URL with a user name.
    """
    shown = url.partition("?")[0]  # a query may hold a token
    if "@" in shown:
        raise UsageError(
            "The URL of a catalogue holds no user name and no password.",
            hint="Save the document to a file, and name the file.",
        )
    if contains_secret(url):
        raise UsageError("The base URL seems to contain a secret.", hint=_EXAMPLE)
    try:
        parts = urlsplit(url)
        host, port = _host(parts), parts.port
    except ValueError:
        raise _bad_document(shown, "it is not a URL") from None
    if parts.scheme not in _PORTS or not host:
        raise _bad_document(shown, "it does not start with https:// and a host")
    if not _is_plain(url, host):
        raise _bad_document(shown, "it is not plain ASCII")
    if not is_host(host):
        raise _bad_document(shown, "its host is not a host name or an IP address")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_document(shown, "plain http is only for this machine")
    query = f"?{parts.query}" if parts.query else ""
    return _spelled(parts.scheme, host, port), (parts.path or "/") + query


def _host(parts: SplitResult) -> str:
    """Raises ValueError for anything but an IPv6 address in brackets."""
    host = (parts.hostname or "").rstrip(".")
    if "[" in parts.netloc and ":" not in host:
        raise ValueError("no IPv6 address")
    return host


def _is_plain(url: str, host: str) -> bool:
    return url.isascii() and url.isprintable() and not set(host) & set(" %\\@")


def is_host(host: str) -> bool:
    """Whether it is an IP address, or a name that can be looked up. A name does not end in a number."""
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        labels = host.split(".")
        is_name = len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)
        return is_name and not _NUMBER.fullmatch(labels[-1])


def _spelled(scheme: str, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port not in {None, _PORTS[scheme]} else "")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bad_document(url: str, why: str) -> UsageError:
    return UsageError(f"Cannot read the catalogue {url!r}: {why}.", hint="Use https, or save it to a file.")


def _bad_url(url: str, why: str) -> UsageError:
    return UsageError(f"Cannot use the base URL {url!r}: {why}.", hint=_EXAMPLE)
