"""Signals: Ctrl-C, SIGTERM and a closed terminal as one, and deferred while a secret is on its way."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def treat_as_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt too: a cancelled CI job says as much as Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, signal.default_int_handler)


def kill_group(leader: int) -> None:
    """Kill a process that leads a group, and all that it started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(leader, signal.SIGKILL)


class DeferredSignals:
    """The signals that came while they were held back."""

    def __init__(self, say: Callable[[str], None], at_stake: str) -> None:
        self._say = say
        self._answers = [
            "Interrupted: stopping once this step is done.",
            f"{at_stake} The next signal stops anyway.",
        ]
        self._came = False

    def hear(self, _number: int, _frame: Any) -> None:
        """Answer a signal: the first is told to wait, the second what is at stake; the third is obeyed."""
        self._came = True
        if not self._answers:
            raise KeyboardInterrupt
        answer = self._answers.pop(0)
        try:
            self._say(answer)
        except RuntimeError:  # it came in the middle of another write to stderr: it is said next time
            self._answers.insert(0, answer)

    def obey(self) -> None:
        """Raise KeyboardInterrupt where one came."""
        if self._came:
            raise KeyboardInterrupt


@contextmanager
def deferred(say: Callable[[str], None], at_stake: str) -> Iterator[DeferredSignals]:
    """Let what is inside end, whoever interrupts it. What came meanwhile is in what this yields."""
    import threading

    signals = DeferredSignals(say, at_stake)
    if threading.current_thread() is not threading.main_thread():  # signals reach only that one
        yield signals
        return
    ignored = {number for number in HEARD if signal.getsignal(number) is signal.SIG_IGN}
    before = {number: signal.signal(number, signals.hear) for number in HEARD if number not in ignored}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
