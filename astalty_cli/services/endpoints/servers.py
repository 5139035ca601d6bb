"""Where the calls of an OpenAPI document are: what a server's URL says before each path."""

import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from astalty_cli.openapi import Json, listing, mapping, text

_PORTS: Final = {"https": 443, "http": 80}
_LONGEST: Final = 200  # characters of a URL, which may be that of each of many calls
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def base_path(document: Json, operation: Json) -> str:
    """What is before the path of a call; the host of the URL is not asked about."""
    path = _url(operation if _has_servers(operation) else document).path
    usable = path.startswith("/") and "{" not in path and len(path) <= _LONGEST
    return path.rstrip("/") if usable else ""


def is_elsewhere(document: Json, operation: Json, address: str) -> bool:
    """Whether a call has a server of its own at another origin: the key is not for that."""
    return _origin(operation, address) not in {_origin(document, address), _origin({}, address)}


def _origin(holder: Json, address: str) -> tuple[str, str | None, int | None]:
    """Where its server is, seen from the address in force: scheme, host and port."""
    parts = urlsplit(urljoin(address, _url(holder).geturl()))
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _has_servers(holder: Json) -> bool:
    return listing(holder.get("servers")) != []


def _url(holder: Json) -> SplitResult:
    """That of the first server, with its variables at their defaults."""
    server = mapping(listing(holder.get("servers"))[0]) if _has_servers(holder) else {}
    variables = mapping(server.get("variables"))

    def usual(variable: re.Match[str]) -> str:
        return text(mapping(variables.get(variable[1])).get("default"))[:_LONGEST] or variable[0]

    try:
        url = urlsplit(_VARIABLE.sub(usual, text(server.get("url"))[:_LONGEST]))
        _ = url.port  # which raises for what is none
    except ValueError:
        return urlsplit("")
    return url
