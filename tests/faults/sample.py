"""Which part of all runs is played with the tests.

Each state of the package has a sample of its own: in time all is played, and what has passed passes again.
"""

import hashlib
from pathlib import Path
from typing import Final

import astalty_cli

_SOURCES: Final = sorted(Path(astalty_cli.__path__[0]).rglob("*.py"))
SAMPLE: Final = hashlib.sha256(b"".join(path.read_bytes() for path in _SOURCES)).hexdigest()[:8]
