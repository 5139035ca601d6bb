"""How often Python looks for reference cycles to collect."""

import gc
from typing import Final

_NORMAL: Final = gc.get_threshold()
_RARELY: Final = 100_000  # objects created before cycles are looked for


def collect_rarely() -> None:
    """Most commands end before there is a cycle to collect; looking for some took a fifth of their time."""
    gc.set_threshold(_RARELY)


def collect_normally() -> None:
    """For a command that may take long, whose memory would grow with what it reads."""
    gc.set_threshold(*_NORMAL)


def freeze_if_rare() -> None:
    """Look for no cycles in what a short command leaves behind.

    One that took long may hold what has to be ended, as duckdb does.
    """
    if gc.get_threshold()[0] == _RARELY:
        gc.freeze()
