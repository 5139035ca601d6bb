"""Every path, parameter and limit of the API, in one place.

Astalty documents its public API, and publishes no endpoint for keys or the request history. Each documented
fact has a grade: A, Astalty's own pages; B, a third party that has access; C, inference. What is assumed
stands apart; when the service publishes its own, this module (and the field names in `models.py`) is what to
edit. The sources are in docs/reference/api-contract.md.
"""

import re
from typing import Final, NamedTuple

# -- documented, A: docs.astalty.com.au, developers, and the user guide --------------------------

DEFAULT_BASE_URL: Final = "https://api.app.astalty.com.au"
ENDPOINT_DASHBOARD: Final = "/docs"  # a web page

PREFIX: Final = "/public/v1"
PARTICIPANTS: Final = f"{PREFIX}/participants"
USERS: Final = f"{PREFIX}/users"  # B

PAGE_NUMBER: Final = "page[number]"
PAGE_SIZE: Final = "page[size]"
DEFAULT_PAGE_SIZE: Final = 25
MAX_PAGE_SIZE: Final = 100
SORT: Final = "sort"
INCLUDE: Final = "include"
RATE_LIMIT: Final = 60  # requests a minute for each key


# The calls of the built-in catalogue. The last two are seen by third parties alone.
DOCUMENTED: Final = (
    ("GET", PARTICIPANTS),
    ("GET", f"{PARTICIPANTS}/{{id}}"),
    ("GET", f"{PARTICIPANTS}/{{id}}/goals"),
    ("GET", USERS),
)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_uuid(text: str) -> bool:
    """Ids are UUIDs."""
    return _UUID.fullmatch(text.lower()) is not None


_UNDER_PREFIX = re.compile(rf"{PREFIX}(?![^/?*])")


def is_under_prefix(path: str) -> bool:
    """Whether a path, or the pattern of one, is of the public API: `/public/v10` is not."""
    return _UNDER_PREFIX.match(path) is not None


def under_prefix(path: str) -> str:
    """Put a path under `/public/v1`, if it does not say so itself; a leading `*` is left alone."""
    return path if is_under_prefix(path) or path.startswith("*") else f"{PREFIX}/{path.lstrip('/')}"


def filter_by(field: str) -> str:
    return f"filter[{field}]"


# -- documented, B: a public integration platform's guide to the same screens ---------------------

WEB_APP: Final = "https://app.astalty.com.au"  # C: the API's host without `api.`
API_DASHBOARD: Final = "Settings → Developers → API Dashboard"  # pages of the web app
MANAGE_KEYS: Final = f"{API_DASHBOARD} → Manage Keys"
REQUEST_HISTORY: Final = f"{API_DASHBOARD} → the request history"


# -- assumed: the API Dashboard's own calls -----------------------------------------------------

API_KEYS: Final = f"{PREFIX}/api-keys"
API_KEYS_CURRENT: Final = f"{API_KEYS}/current"
KEY_SORTS: Final = ("name", "created_at", "last_used_at")

API_REQUESTS: Final = f"{PREFIX}/api-requests"
REQUEST_SORTS: Final = ("created_at", "status", "duration_ms")
INCLUDE_BODIES: Final = "bodies"
MAX_LOGGED_BODY: Final = 64 * 1024  # bytes of a body that the request history keeps

OPENAPI: Final = f"{ENDPOINT_DASHBOARD}/openapi.json"
# Where a catalogue may be: our own guess, then what the two common generators for Laravel use.
CATALOGUES: Final = (OPENAPI, f"{ENDPOINT_DASHBOARD}.openapi", f"{ENDPOINT_DASHBOARD}/api.json")

MAX_GRACE: Final = 604_800  # seconds an earlier secret may be kept alive: seven days
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
IDEMPOTENCY_TTL: Final = 86_400  # seconds an idempotency key is remembered


def api_key(key_id: str) -> str:
    return f"{API_KEYS}/{key_id}"


def rotate(key_id: str) -> str:
    return f"{API_KEYS}/{key_id}/rotate"


def expire_previous(key_id: str) -> str:
    return f"{API_KEYS}/{key_id}/expire-previous"


def api_request(request_id: str) -> str:
    return f"{API_REQUESTS}/{request_id}"


class Assumed(NamedTuple):
    """A call that this program makes, and the command that does not work without it."""

    method: str
    path: str
    command: str


ASSUMED: Final = (
    Assumed("GET", API_KEYS, "keys list"),
    Assumed("POST", API_KEYS, "keys create"),
    Assumed("GET", API_KEYS_CURRENT, "auth status"),
    Assumed("GET", api_key("{id}"), "keys show"),
    Assumed("PATCH", api_key("{id}"), "keys rename"),
    Assumed("POST", rotate("{id}"), "keys rotate"),
    Assumed("POST", expire_previous("{id}"), "keys rotate"),
    Assumed("DELETE", api_key("{id}"), "keys revoke"),
    Assumed("GET", API_REQUESTS, "history list"),
    Assumed("GET", api_request("{id}"), "history show"),
)
