"""Words that both the command line and the data know: to parse a command line, no more is needed."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

API_KEY: Final = "ASTALTY_API_KEY"
BASE_URL: Final = "ASTALTY_BASE_URL"
PROFILE: Final = "ASTALTY_PROFILE"
RECORD_FILE: Final = "ASTALTY_RECORD"
HIDDEN: Final = "[secret]"  # in place of a secret, as the service itself writes it
SANDBOX: Final = "sandbox"  # a profile that is built in: it needs no login, and its name is taken

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")  # that `astalty api` sends


def without_key(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that has no business with the key."""
    return {name: value for name, value in environ.items() if name != API_KEY}


class KeyStatus(StrEnum):
    """`expiring`: rotated, and an earlier secret still works."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    REVOKED = "revoked"


class Access(StrEnum):
    """What a key may do; a service may have more levels than these."""

    READ_ONLY = "read_only"
    FULL_ACCESS = "full_access"


def access_name(access: str | None) -> str:
    """An access level as the web page names it; one that this program doesn't know is shown as it came."""
    if access is None:
        return "unknown"
    return access.replace("_", " ").title() if access in {*Access} else access


class FindingCode(StrEnum):
    """The kinds of finding, as in the output of `keys audit` and in `--fail-on`."""

    OLD = "old"
    UNUSED = "unused"
    NEVER_USED = "never-used"
    IN_GRACE = "in-grace"
    AWAITING_DELETION = "awaiting-deletion"
    NEW_ADDRESS = "new-address"
    SIMILAR_NAME = "similar-name"


class By(StrEnum):
    """What `history stats` groups requests by."""

    STATUS = "status"
    PATH = "path"
    METHOD = "method"
    USER = "user"
    IP = "ip"
    KEY = "key"
    HOUR = "hour"
    DAY = "day"


class ExportFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Surface(StrEnum):
    """Which calls `sandbox serve` offers."""

    DOCUMENTED = "documented"
    FULL = "full"


class KeyStyle(StrEnum):
    """What a secret that the sandbox creates looks like; see `sandbox/secret_format.py`."""

    ASTALTY = "astalty"
    SANCTUM = "sanctum"


class Storage(StrEnum):
    """Where a profile's key is kept."""

    KEYRING = "keyring"
    FILE = "file"
