"""What the API takes and returns, as structs: the client decodes with them, the sandbox is built on them.

Field names are the API's own. `api/contract.py` says which of it is documented and which assumed.
`IssuedKey` is the only type with a secret in it, so nothing that renders another type can leak one.
"""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from astalty_cli.api.contract import MAX_GRACE
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Access, KeyStatus

Uuid = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Timestamp = Annotated[datetime, Meta(tz=True)]
KeyName = Annotated[str, Meta(min_length=1, max_length=100)]
AccessLevel = Annotated[str, Meta(extra_json_schema={"enum": list(Access)})]  # others are kept and shown
Grace = Annotated[int, Meta(ge=0, le=MAX_GRACE)]  # seconds
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]  # what any reader of JSON can count to
Rotation = Count
AnyRotation = Annotated[int, Meta(ge=0)]  # to compare with: one that no key has is a conflict, not invalid


class User(Struct, frozen=True):
    id: Uuid
    name: str
    email: str


class Account(Struct, frozen=True):
    id: Uuid
    name: str


class KeyReference(Struct, frozen=True):
    id: Uuid
    name: str


class ApiKey(Struct, frozen=True, kw_only=True):
    """An API key without its secret. `last_four` is of the newest secret; `rotation` counts from 0.

    `access` is None if the service doesn't tell it.
    """

    id: Uuid
    name: str
    last_four: str
    status: KeyStatus
    access: AccessLevel | None = None
    rotation: Rotation
    created_at: Timestamp
    rotated_at: Timestamp | None
    last_used_at: Timestamp | None
    last_used_ip: str | None
    previous_expires_at: Timestamp | None
    revoked_at: Timestamp | None
    created_by: User


class IssuedKey(ApiKey, frozen=True, kw_only=True, omit_defaults=True):
    """The answer of the two calls that create a secret; a replayed one says so instead of repeating it."""

    secret: Secret | None = None
    secret_already_shown: bool = False


class CurrentKey(ApiKey, frozen=True, kw_only=True):
    """The key that made the call, with its account."""

    account: Account


class Exchange(Struct, frozen=True):
    """One side of a logged request. `body` stays undecoded: one that is spoilt spoils nothing else."""

    headers: Raw
    body: Raw
    truncated: bool


class ApiRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of the request history. `created_at` is when the answer was finished."""

    id: Uuid
    status: int
    method: str
    path: str
    created_at: Timestamp
    duration_ms: float
    ip_address: str | None
    user_agent: str | None
    user: User | None
    api_key: KeyReference | None
    request: Exchange | None = None
    response: Exchange | None = None


class PageMeta(Struct, frozen=True):
    current_page: Count
    last_page: Count
    per_page: Count
    total: Count
    allowed_sorts: list[str] = []


class CreateKey(Struct, frozen=True):
    """Without `access`, the service decides."""

    name: KeyName
    access: Access | UnsetType = UNSET


class RenameKey(Struct, frozen=True):
    name: KeyName


class RotateKey(Struct, frozen=True, omit_defaults=True):
    """With `if_rotation`, the call does nothing (409) unless the key's rotation is still that one."""

    grace_seconds: Grace
    if_rotation: AnyRotation | None = None


class ExpirePrevious(Struct, frozen=True, omit_defaults=True):
    """Shortens, never lengthens, the life of every earlier secret of a key."""

    within_seconds: Grace
    if_rotation: AnyRotation | None = None
