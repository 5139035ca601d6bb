"""The terminal that somebody sits at, wherever stdin, stdout and stderr lead."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def controlling_terminal() -> Iterator[TextIO]:
    """Open it for writing. Raises OSError if there is none."""
    # Not open(…, "w"): in a container without the device that would make a file of this name.
    handle = os.open("/dev/tty", os.O_WRONLY)
    with os.fdopen(handle, "w", encoding="utf-8") as terminal:
        if not terminal.isatty():
            raise OSError("/dev/tty is not a terminal")
        yield terminal
