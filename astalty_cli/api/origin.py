"""The one place a key may go: a scheme, a host and a port."""

import ipaddress
import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from astalty_cli.api.contract import DEFAULT_BASE_URL
from astalty_cli.base.errors import UsageError
from astalty_cli.base.hiding import contains_secret

_PORTS: Final = {"https": 443, "http": 80}
_MAX_HOST: Final = 253  # characters, of which a label has at most 63
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


class _Kind(NamedTuple):
    """What a URL is for, as messages name it, and what to do about one that can't be used."""

    name: str
    verb: str
    hint: str


_BASE_URL: Final = _Kind("base URL", "use", f"Such as {DEFAULT_BASE_URL}")
_CATALOGUE: Final = _Kind("catalogue URL", "read", "Save the document to a file, and name the file.")


class _Address(NamedTuple):
    origin: str
    parts: SplitResult


def origin(url: str) -> str:
    """Reduce a base URL to `scheme://host[:port]`, the one place a key may go.

    Raises UsageError for anything but https (http on loopback), and for a URL that says more than an
    origin: a path, a user, a query.
    """
    found, parts = _parsed(url, _BASE_URL)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad_url(url, _BASE_URL, "it must end after the host: /public/v1 is added by astalty")
    return found


def document_address(url: str) -> tuple[str, str]:
    """The origin of a document that needs no key, and the rest of its URL.

    Raises UsageError for anything but https (http on loopback), and for a URL with a user name or a secret.
    """
    found, parts = _parsed(url, _CATALOGUE)
    query = f"?{parts.query}" if parts.query else ""
    return found, (parts.path or "/") + query


def _parsed(url: str, kind: _Kind) -> _Address:
    if "@" in url:  # first of all, so that no message repeats a password
        raise UsageError(f"A {kind.name} holds no user name and no password.", hint=kind.hint)
    if contains_secret(url):
        raise UsageError(f"The {kind.name} seems to contain a secret.", hint=kind.hint)
    try:
        parts = urlsplit(url)
        host, port = _host(parts), parts.port
    except ValueError:
        raise _bad_url(url, kind, "it is not a URL") from None
    if parts.scheme not in _PORTS or not host:
        raise _bad_url(url, kind, "it does not start with https:// and a host")
    if not (url.isascii() and url.isprintable()) or set(host) & set(" %\\@"):
        raise _bad_url(url, kind, "it is not plain ASCII")
    if not is_host(host):
        raise _bad_url(url, kind, "its host is not a host name or an IP address")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_url(url, kind, "plain http is for this machine only")
    shown = f"[{host}]" if ":" in host else host
    port_text = f":{port}" if port not in {None, _PORTS[parts.scheme]} else ""
    return _Address(f"{parts.scheme}://{shown}{port_text}", parts)


def _host(parts: SplitResult) -> str:
    """Raises ValueError for anything but an IPv6 address in brackets."""
    host = (parts.hostname or "").rstrip(".")
    if "[" in parts.netloc and ":" not in host:
        raise ValueError("no IPv6 address")
    return host


def is_host(host: str) -> bool:
    """Whether it is an IP address, or a name that can be looked up. A name does not end in a number."""
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        labels = host.split(".")
        is_name = len(host) <= _MAX_HOST and all(_LABEL.fullmatch(label) for label in labels)
        return is_name and not _NUMBER.fullmatch(labels[-1])


def _bad_url(url: str, kind: _Kind, why: str) -> UsageError:
    shown = url.partition("?")[0]  # a query may hold a token
    return UsageError(f"Cannot {kind.verb} the {kind.name} {shown!r}: {why}.", hint=kind.hint)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
