"""Where the calls of an OpenAPI document are: what a server's URL says before each path."""

import re
from urllib.parse import SplitResult, urlsplit

from astalty_cli.openapi import Json, listing, mapping, text

_VARIABLE = re.compile(r"\{([^{}]*)\}")


def base_path(document: Json, operation: Json) -> str:
    """What is before the path of a call; the host of the URL is not asked about."""
    path = _url(operation if _has_servers(operation) else document).path
    return path.rstrip("/") if path.startswith("/") and "{" not in path else ""


def is_elsewhere(document: Json, operation: Json) -> bool:
    """Whether a call has a server of its own at another origin than the others: the key is not for that."""
    own = _url(operation)
    return own.netloc != "" and own[:2] != _url(document)[:2]


def _has_servers(holder: Json) -> bool:
    return listing(holder.get("servers")) != []


def _url(holder: Json) -> SplitResult:
    """That of the first server, with its variables at their defaults."""
    server = mapping(listing(holder.get("servers"))[0]) if _has_servers(holder) else {}
    variables = mapping(server.get("variables"))

    def usual(variable: re.Match[str]) -> str:
        return text(mapping(variables.get(variable[1])).get("default")) or variable[0]

    try:
        return urlsplit(_VARIABLE.sub(usual, text(server.get("url"))))
    except ValueError:
        return urlsplit("")
