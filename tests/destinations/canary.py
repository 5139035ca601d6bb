"""The secret that the sinks are given, and a key for it."""

from datetime import UTC, datetime

import msgspec

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey, User
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import KeyStatus

SECRET = Secret("astalty_" + ("canary0123456789" * 3)[:46])
OLD = Secret("astalty_" + ("older0123456789" * 4)[:46])
BYTES = SECRET.reveal().encode()

_KEY = ApiKey(
    id="11111111-2222-4333-8444-555555555555",
    name="ci",
    last_four=SECRET.last_four,
    status=KeyStatus.ACTIVE,
    rotation=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    rotated_at=None,
    last_used_at=None,
    last_used_ip=None,
    previous_expires_at=None,
    revoked_at=None,
    created_by=User("11111111-2222-4333-8444-555555555556", "Ana", "ana@example.org"),
)
KEY = Row(_KEY, msgspec.json.encode(_KEY))
