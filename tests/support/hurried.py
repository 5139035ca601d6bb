"""The command by a clock that waits in no time (`clock.py`), to be run on a terminal."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from astalty_cli.__main__ import entry
from tests.support import clock

if __name__ == "__main__":
    clock.wait_by(clock.Clock())
    entry()
