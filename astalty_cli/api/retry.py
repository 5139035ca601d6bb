"""When a call may be made again, and after how long. Decisions only; `http.py` makes the calls."""

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

RETRIED_STATUSES: Final = frozenset({429, 502, 503, 504})
MAX_TRIES: Final = 4
_MAX_BACKOFF = 8.0  # seconds
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)


def wait_before_retry(tries: int, asked: float | None) -> float:
    """Seconds to wait after the `tries`th attempt: what the server asked for, else backoff with jitter."""
    backoff = min(0.4 * 2**tries, _MAX_BACKOFF) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
    return asked if asked is not None else backoff


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a `Retry-After` header, in seconds or as a date; None if it is junk or absent."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value[:100])
        return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
    except (ValueError, OverflowError):
        return None
