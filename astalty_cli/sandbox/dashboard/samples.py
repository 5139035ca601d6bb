"""What stands in an example: made up, as the account of the sandbox is."""

from astalty_cli.openapi import Json

# A property, where needed with the schema that it is in -> a value.
_SAMPLES: Json = {
    "id": "0780b8cf-5503-4265-8f66-fa84183439be",
    "secret": "astalty_…",
    "name": "ci-deploy",
    "User.name": "Marnie Bluegum",
    "Account.name": "Wattle & Wren Supports",
    "Participant.name": "Acacia Bowerbird",
    "Goal.name": "Take the bus to the library",
    "email": "marnie@wattle-and-wren.example",
    "last_four": "FAJ1",
    "last_used_ip": "192.0.2.44",
    "ip_address": "192.0.2.44",
    "grace_seconds": 86_400,
    "within_seconds": 3_600,
    "if_rotation": 2,
    "rotation": 2,
    "ApiRequest.status": 200,
    "previous_expires_at": None,
    "revoked_at": None,
    "achieved_at": None,
    "archived_at": None,
    "method": "GET",
    "path": "/public/v1/participants?page[size]=5",
    "duration_ms": 12.4,
    "user_agent": "rostering-sync/4.2",
    "headers": {"Accept": "application/json"},
    "body": None,
    "truncated": False,
    "full_name": "Acacia Bowerbird",
    "first_name": "Acacia",
    "last_name": "Bowerbird",
    "preferred_name": "Cass",
    "description": "On her own, there and back, once a week.",
    "achievement_strategy": "Travel together at first, then one stop apart.",
    "barriers": "Timetables change without notice.",
    "current_page": 1,
    "last_page": 3,
    "per_page": 25,
    "total": 60,
    "allowed_sorts": ["name", "created_at"],
}


def with_samples(document: Json) -> Json:
    """The document, where each property that has a sample gives it as its example."""
    for title, schema in document["components"]["schemas"].items():
        for name, member in schema.get("properties", {}).items():
            for known in (name, f"{title}.{name}"):
                if known in _SAMPLES:
                    member["examples"] = [_SAMPLES[known]]
    return document
