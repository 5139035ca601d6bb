"""Signals that end a program, deferred while a secret is on its way; and no core file to hold it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)  # each says as much as Ctrl-C
# By default these would end or stop the process in the middle of a hand-over.
_DEFERRED = (*ENDING, signal.SIGABRT, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP)


_core_limits: list[int] = []  # that held before


def disable_core_files() -> None:
    """Keep what is in memory from the disk, however the process ends."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    _core_limits.append(soft)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def restore_core_limit() -> None:
    """For a program of the user's that takes this one's place."""
    import resource

    if _core_limits:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (_core_limits[-1], hard))


def treat_as_ctrl_c() -> None:
    """Let other ends raise KeyboardInterrupt too: a cancelled CI job says as much as Ctrl-C."""
    for number in ENDING[1:]:
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
        self._is_to_stop = False

    def hear(self, number: int, _frame: Any) -> None:
        """Answer a signal: the first has to wait, the second is warned of the risk, the third is obeyed.

        Ctrl-Z has to wait in any case: it is no end.
        """
        if number == signal.SIGTSTP:
            self._is_to_stop = True
            return
        self._came = True
        if not self._answers:
            raise KeyboardInterrupt
        answer = self._answers.pop(0)
        try:
            self._say(answer)
        except RuntimeError:  # it came in the middle of another write to stderr: it is said next time
            self._answers.insert(0, answer)

    def stop(self) -> None:
        """Stop where Ctrl-Z came, and return when the process is continued."""
        if self._is_to_stop:
            signal.raise_signal(signal.SIGTSTP)

    def obey(self) -> None:
        """Raise KeyboardInterrupt if one came."""
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
    ignored = {number for number in _DEFERRED if signal.getsignal(number) is signal.SIG_IGN}
    before = {number: signal.signal(number, signals.hear) for number in _DEFERRED if number not in ignored}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals.stop()
