"""How to read the parts of an OpenAPI document, 3.0 or 3.1: data from outside, any value may be anything.

What these functions are given, and those of `schemas.py`, `words.py` and `examples.py`, has its references in
place (`references.py`).
"""

import re
from typing import Any, Final

Json = dict[str, Any]

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "trace")  # of a path
_JSON = re.compile(r"[\w.-]+/(?:[\w.+-]+\+)?json(?: *;[ -~]*)?", re.ASCII | re.IGNORECASE)


def mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def listing(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def body(holder: Json) -> tuple[str, Json] | None:
    """The content type and its object that a request body, a response or a parameter has; JSON first."""
    content = mapping(holder.get("content"))
    for name in sorted(content, key=lambda name: (name != "application/json", not is_json(name))):
        return name, mapping(content[name])
    return None


def is_json(content_type: str) -> bool:
    """Whether it is one of a single JSON value, such as application/merge-patch+json."""
    return _JSON.fullmatch(content_type) is not None


def good_response(operation: Json) -> tuple[str, Json] | None:
    """The first answer to a call that went well, with its status; else what is said of any answer."""
    responses = mapping(operation.get("responses"))
    for status in [*sorted(name for name in responses if name.startswith("2")), "default"]:
        if status in responses:
            return status, mapping(responses[status])
    return None


def parameters(operation: Json) -> list[Json]:
    """The parameters that have a name; one of the operation's own stands for that of its path."""
    named = [each for each in listing(operation.get("parameters")) if text(mapping(each).get("name"))]
    return list({(each["name"], text(each.get("in"))): each for each in named}.values())


def schema_of(holder: Json) -> Json:
    """The schema of a parameter, which may be under a content type."""
    inner = body(holder)
    return mapping(inner[1].get("schema")) if inner else mapping(holder.get("schema"))
