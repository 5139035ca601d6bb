"""Extras: optional dependencies, which may not be installed."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from astalty_cli.base.shell_words import quoted

PARTS: Final = {"sandbox": ("falcon", "waitress"), "archive": ("duckdb",)}


def is_installed(extra: str) -> bool:
    return all(map(find_spec, PARTS[extra]))


def install_command(extra: str) -> str:
    """How this very installation gets the parts of an extra: pipx and uv each leave a file in what they make.

    Elsewhere it is by the Python that runs this: the `pip` on the PATH may be another one's. The parts are
    named and not the package, whose name on the index is nobody's yet.
    """
    parts, python, environment = " ".join(PARTS[extra]), quoted(sys.executable), Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return f"pipx inject astalty-cli {parts}"
    if (environment / "uv-receipt.toml").exists():
        return f"uv pip install --python {python} {parts}"
    return f"{python} -m pip install {parts}"
