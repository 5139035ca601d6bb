"""Where each page is, and what its address may have in it."""

from typing import Final

ROOT: Final = "/"
SIGN_IN: Final = "/sign-in"
NEW_LINK: Final = "/sign-in/new-link"
SIGN_OUT: Final = "/sign-out"
STYLE: Final = "/dashboard/style.css"
SCRIPT: Final = "/dashboard/script.js"
REQUESTS: Final = "/dashboard/requests"
KEYS: Final = "/dashboard/keys"
CREATE_KEY: Final = "/dashboard/keys/create"

_OURS = ("/dashboard/", "/sign-in/")


def is_page(path: str) -> bool:
    """Whether the pages answer this path; the API answers all others."""
    return path.startswith(_OURS) or path in {ROOT, SIGN_OUT}


def sign_in(token: str) -> str:
    return f"{SIGN_IN}/{token}"


def entry(request_id: str) -> str:
    return f"{REQUESTS}/{request_id}"


def delete_key(key_id: str) -> str:
    return f"{KEYS}/{key_id}/delete"
