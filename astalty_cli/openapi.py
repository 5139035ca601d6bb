"""How to read the parts of an OpenAPI document, 3.0 or 3.1: data from outside, any value may be anything.

What these functions are given has its references in place (`services/endpoints/references.py`).
"""

from typing import Any, Final

Json = dict[str, Any]

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "trace")  # of a path
UNRESOLVED: Final = "x-unresolved"  # stands, with the reason, where a reference was left as it is
_FOLDED = 8  # levels of allOf within allOf


def mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def listing(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    return value if isinstance(value, str) else ""


def body(holder: Json) -> tuple[str, Json] | None:
    """The content type and its object that a request body, a response or a parameter has; JSON first."""
    content = mapping(holder.get("content"))
    for name in sorted(content, key=lambda name: (name != "application/json", "json" not in name)):
        return name, mapping(content[name])
    return None


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


def folded(schema: Json, levels: int = _FOLDED) -> Json:
    """The schema with what its allOf say: all properties and required names; else its own word is last."""
    parts = [folded(mapping(each), levels - 1) for each in listing(schema.get("allOf"))] if levels else []
    if not parts:
        return schema
    whole: Json = {}
    for part in [*parts, {name: value for name, value in schema.items() if name != "allOf"}]:
        properties = mapping(whole.get("properties")) | mapping(part.get("properties"))
        required = [*listing(whole.get("required")), *listing(part.get("required"))]
        whole |= part | {"properties": properties, "required": required}
    return whole


def required_names(schema: Json) -> set[str]:
    return {name for name in listing(schema.get("required")) if isinstance(name, str)}


def types(schema: Json) -> list[str]:
    """The names of the types that a value may have, `null` last, also where only its members tell."""
    said = schema.get("type")
    names = [name for name in (said if isinstance(said, list) else [said]) if isinstance(name, str)]
    if not names and "properties" in schema:
        names = ["object"]
    if not names and "items" in schema:
        names = ["array"]
    if schema.get("nullable") is True:
        names.append("null")
    return sorted(dict.fromkeys(names), key=lambda name: name == "null")


def options(schema: Json) -> list[Json]:
    """The schemas of which one holds (oneOf, anyOf); empty where there is no choice."""
    return [mapping(each) for word in ("oneOf", "anyOf") for each in listing(schema.get(word))]


def is_null(schema: Json) -> bool:
    return types(schema) == ["null"]
