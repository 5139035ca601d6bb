"""JSON as the API writes it."""

import re
from datetime import datetime
from typing import Any

import msgspec

from astalty_cli.base.secret import Secret
from astalty_cli.base.times import iso

_WHOLE_SECOND = re.compile(rb'T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"')


def encode(value: object) -> bytes:
    """Encode structs, with times in Laravel's form (msgspec's own leaves out a fraction of zero)."""
    encoded = msgspec.json.encode(value, enc_hook=_reveal)
    if _WHOLE_SECOND.search(encoded):  # rare, and the other way takes four times as long
        return msgspec.json.encode(_plain(value))
    return encoded


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
