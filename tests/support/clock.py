"""A clock by which the service is waited for in no time: each wait moves it on."""

import time
from collections.abc import Callable
from typing import Any

from astalty_cli.api.http import Http
from astalty_cli.api.pacing import Pacer
from astalty_cli.services.history.tail import Tail
from astalty_cli.services.keys.operation import LocalContext, OperationContext

_SLEEP, _MONOTONIC = time.sleep, time.monotonic
_WAITING = (
    Http.__init__,
    LocalContext.__init__,
    OperationContext.__init__,
    Pacer.__init__,
    Tail.__init__,
)


class Clock:
    """The monotonic clock, ahead by all that was waited. Threads wait for each other in real time."""

    def __init__(self) -> None:
        self.waited = 0.0
        self._monotonic, self._counter = time.monotonic, time.perf_counter

    def sleep(self, seconds: float) -> None:
        self.waited += max(0.0, seconds)

    def monotonic(self) -> float:
        return self._monotonic() + self.waited

    def perf_counter(self) -> float:
        return self._counter() + self.waited


def wait_by(clock: Clock, swap: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let what this process asks of the service go by this clock: back-off, pace, polls and time limits.

    A wait for other processes, such as for a lock, stays real.
    """
    swap(time, "monotonic", clock.monotonic)
    for function in _WAITING:
        defaults, named = function.__defaults__ or (), function.__kwdefaults__ or {}
        bound = [each for each in (*defaults, *named.values()) if each in (_SLEEP, _MONOTONIC)]
        assert bound, f"{function.__qualname__} would really wait"
        swap(function, "__defaults__", tuple(_by(clock, each) for each in defaults))
        swap(function, "__kwdefaults__", {name: _by(clock, each) for name, each in named.items()})


def _by(clock: Clock, default: object) -> object:
    """A function of time that is a default was bound when its function was made."""
    if default is _SLEEP:
        return clock.sleep
    return clock.monotonic if default is _MONOTONIC else default
