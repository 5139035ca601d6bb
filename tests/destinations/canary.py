"""The secret that the destinations are given, and a key for it."""

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.secret import Secret

SECRET = Secret("astalty_" + ("canary0123456789" * 3)[:46])
OLD = Secret("astalty_" + ("older0123456789" * 4)[:46])
BYTES = SECRET.reveal().encode()

_ID = "11111111-2222-4333-8444-555555555555"
KEY = KeyIdentity(_ID, "ci", SECRET.last_four, service_id=_ID)
