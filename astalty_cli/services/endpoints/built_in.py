"""The built-in catalogue: the documented calls, for services that publish no document.

`x-grade` says who a fact comes from: A is Astalty itself, B a third party with access to an account. A test
holds it against docs/reference/api-contract.md.
"""

from collections.abc import Mapping
from typing import Final

from astalty_cli.api import contract
from astalty_cli.openapi import Json
from astalty_cli.services.endpoints.catalogue import Reading
from astalty_cli.services.endpoints.operations import Source

_GRADES: Final = {
    "A": "Documented by Astalty.",
    "B": "Not documented by Astalty; seen by third parties with access to an account.",
}
_TEXT: Final = {"type": "string"}
_UUID: Final = {"type": "string", "format": "uuid"}
_TIME: Final = {"type": ["string", "null"], "format": "date-time"}


def reading(origin: str) -> Reading:
    """Stands in for what `origin` doesn't publish."""
    note = (
        f"{origin} publishes no endpoint catalogue. This is the built-in one: documented calls only; "
        "for more, use --web or --from FILE."
    )
    return Reading(document(), note, Source.BUILT_IN)


def document() -> Json:
    """An OpenAPI document, as a service would publish it."""
    described = (
        _operation("A", "List participants", _listed(_PARTICIPANT), *_LIST, _STATUS),
        _operation("A", "Show a participant", {"data": _PARTICIPANT}, _ID),
        _operation("B", "List a participant's goals", _listed(_GOAL), _ID, *_LIST),
        _operation("B", "List users", _listed(_USER), *_LIST, tag="Users"),
    )
    calls = zip(contract.DOCUMENTED, described, strict=True)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The documented calls of Astalty's API",
            "description": "Built into astalty. The types of the fields are inferred.",
            "version": "1",
        },
        "security": [{"key": []}],
        "paths": {path: {method.lower(): operation} for (method, path), operation in calls},
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _graded(grade: str, schema: Json) -> Json:
    return schema | {"description": _GRADES[grade], "x-grade": grade}


def _record(*, a: Mapping[str, Json], b: Mapping[str, Json]) -> Json:
    fields = {name: _graded("A", schema) for name, schema in a.items()}
    return {"type": "object", "properties": fields | {name: _graded("B", each) for name, each in b.items()}}


def _parameter(name: str, description: str, schema: Json = _TEXT, where: str = "query") -> Json:
    required = {"required": True} if where == "path" else {}
    return {"name": name, "in": where, "description": description, "schema": schema} | required


def _listed(record: Json) -> Json:
    return {"data": {"type": "array", "items": record}, "meta": _META}


def _operation(grade: str, summary: str, answer: Json, *parameters: Json, tag: str = "Participants") -> Json:
    content = {"application/json": {"schema": {"type": "object", "properties": answer}}}
    return {
        "tags": [tag],
        "summary": summary,
        "description": _GRADES[grade],
        "x-grade": grade,
        "parameters": list(parameters),
        "responses": {"200": {"description": "Done.", "content": content}} | _REFUSALS,
    }


_ID: Final = _parameter("id", "The participant's id.", _UUID, "path")
_STATUS: Final = _parameter("filter[status]", "Such as active. Some filters take several, with commas.")
_LIST: Final = (
    _parameter(contract.PAGE_NUMBER, "The page, from 1 on.", {"type": "integer", "minimum": 1}),
    _parameter(
        contract.PAGE_SIZE,
        "Rows on a page.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": contract.MAX_PAGE_SIZE,
            "default": contract.DEFAULT_PAGE_SIZE,
        },
    ),
    _parameter(contract.SORT, "Fields, with commas; - reverses one, as in -created_at,name."),
    _parameter(contract.INCLUDE, "Related records, with commas."),
)
_META: Final = {
    "type": "object",
    "properties": {
        **{name: {"type": "integer"} for name in ("current_page", "last_page", "per_page", "total")},
        "allowed_sorts": {"type": "array", "items": _TEXT},
    },
}
_PARTICIPANT: Final = _record(
    a={"id": _UUID, "name": _TEXT},
    b=dict.fromkeys(("full_name", "first_name", "last_name", "preferred_name", "status"), _TEXT),
)
_GOAL: Final = _record(
    a={},
    b={
        "id": _UUID,
        **dict.fromkeys(
            ("name", "goal_type", "description", "achievement_strategy", "barriers", "status"), _TEXT
        ),
        **dict.fromkeys(("achieved_at", "archived_at", "created_at"), _TIME),
    },
)
_USER: Final = {"type": "object", "description": "Its fields are not known."}
_REFUSALS: Final = {
    "401": {"description": "The key is missing, malformed or revoked."},
    "403": {"description": "The key has no permission for this."},
    "404": {"description": "There is no such record, or the account can't see it."},
    "422": {"description": "A parameter is not valid."},
    "429": {"description": f"More than {contract.RATE_LIMIT} requests a minute with this key."},
}
