"""When a long read may make its next call, so that it never runs into the rate limit.

The limit is of a key, whoever uses it: so what the long reads of all processes of this machine have
called lies in one small file for each key. A few calls a minute are left to others: a rotation must not
wait behind an export.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

import msgspec

from astalty_cli.api.contract import RATE_LIMIT
from astalty_cli.base import locks
from astalty_cli.base.errors import LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS

SPAN: Final = 60.0  # seconds that a limit is for
LEFT_TO_OTHERS: Final = 3  # calls of each span
_AT_ONCE = 20  # calls of a span before they are spread over it: 2,000 entries come without delay
_PATIENCE = 1.0  # seconds for the lock, which others have for a moment
_MOST_KEPT = 300  # calls; a larger limit is kept by the second instead of by the minute


class _State(msgspec.Struct):
    """Times are of the machine's monotonic clock, which all its processes share."""

    limit: int = RATE_LIMIT
    calls: list[float] = []  # the latest, in order; some may be still to come
    hold: float = 0.0  # no call before it
    remaining: int = -1  # as the service said last
    began: float = 0.0  # since when the service has been counting, as far as one can tell


class Pacer:
    """Gives out the times of calls. Where the file cannot be kept, it paces this process alone."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._own = _State()
        self._heard: tuple[int | None, int | None] = (None, None)

    def reserve(self, patience: float = float("inf")) -> float:
        """Take the next call that is free; return the seconds until it may be made.

        Where these are more than `patience`, none is taken.
        """
        with self._state() as state:
            now = self._clock()
            calls, span = _per_span(state.limit)
            state.calls = [each for each in state.calls if now - span < each < now + 10 * SPAN]
            at = _next(state, now, calls, span)
            if at - now <= patience:
                state.calls.append(at)
        return at - now

    def heed(self, status: int, headers: Mapping[str, str], retry_after: float | None) -> None:
        """Learn from an answer what the limit is, and what is left of it."""
        limit, remaining = (_count(headers, f"x-ratelimit-{name}") for name in ("limit", "remaining"))
        if status != 429 and (limit, remaining) in {(None, None), self._heard}:
            return
        self._heard = (limit, None)  # a remainder is news each time
        with self._state() as state:
            now = self._clock()
            state.limit = limit or state.limit
            if status == 429:
                state.hold = max(state.hold, now + (retry_after or 0.0))
            elif remaining is not None:
                if remaining > state.remaining or not 0 <= now - state.began < SPAN:
                    state.began = now
                state.remaining = remaining
                if remaining <= LEFT_TO_OTHERS < state.limit:
                    state.hold = max(state.hold, state.began + SPAN)

    @contextmanager
    def _state(self) -> Iterator[_State]:
        """The state, for this process alone; kept in the process if the file cannot be."""
        with self._locked() as file:
            state = self._own if file is None else _read(file) or self._own
            yield state
            self._own = state
            if file is not None:
                _write(file, state)

    @contextmanager
    def _locked(self) -> Iterator[int | None]:
        try:
            file = locks.acquire(self._path, wait=_PATIENCE)
        except LocalError:
            file = None
        with file or nullcontext():
            yield None if file is None else file.fileno()


def _read(file: int) -> _State | None:
    try:
        return msgspec.json.decode(os.read(file, os.fstat(file).st_size), type=_State)
    except (OSError, *JSON_DECODE_ERRORS):  # new, or cut by a full disk
        return None


def _write(file: int, state: _State) -> None:
    data = msgspec.json.encode(state)
    with suppress(OSError):
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, data)
        os.ftruncate(file, len(data))


def _per_span(limit: int) -> tuple[int, float]:
    calls = max(1, limit - LEFT_TO_OTHERS)
    return (calls, SPAN) if calls <= _MOST_KEPT else (_MOST_KEPT, SPAN * _MOST_KEPT / calls)


def _next(state: _State, now: float, calls: int, span: float) -> float:
    """The first moment that keeps to `calls` in any `span`, to even steps, and to what the service said."""
    made = state.calls
    at = max(now, state.hold) if state.hold < now + 10 * SPAN else now
    if len(made) >= calls:
        at = max(at, made[-calls] + span)
    recent = [each for each in made if each > at - span]
    if len(recent) >= min(_AT_ONCE, calls):
        spread = (recent[0] + span - made[-1]) / max(1, calls - len(recent) + 1)
        at = max(at, made[-1] + max(span / calls, spread))
    return at


def _count(headers: Mapping[str, str], name: str) -> int | None:
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and 0 < len(value) < 12 else None
