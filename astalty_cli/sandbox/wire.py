"""JSON as the API writes it."""

from datetime import datetime
from typing import Any

import msgspec

from astalty_cli.secret import Secret
from astalty_cli.times import iso


def encode(value: object) -> bytes:
    """Encode structs, with times in Laravel's form (msgspec's own leaves out a fraction of zero)."""
    return msgspec.json.encode(_plain(value))


def _plain(value: object) -> Any:
    builtins = msgspec.to_builtins(value, builtin_types=(datetime, msgspec.Raw), enc_hook=_reveal)
    return _with_iso_times(builtins)


def _with_iso_times(value: Any) -> Any:
    if isinstance(value, dict):  # most of it is text, and a page has a thousand of those: no call for them
        return {key: item if type(item) is str else _with_iso_times(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_iso_times(item) for item in value]
    return iso(value) if isinstance(value, datetime) else value


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
