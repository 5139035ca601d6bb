"""Extras: what is installed only where somebody asked for it."""

import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PARTS: Final = {"sandbox": ("falcon", "waitress"), "archive": ("duckdb",)}


def is_installed(extra: str) -> bool:
    return all(map(find_spec, PARTS[extra]))


def install_command(extra: str) -> str:
    """How this very installation gets an extra: pipx and uv each leave a file in what they make.

    Elsewhere it is by the Python that runs this: the `pip` on the PATH may be another one's.
    """
    wanted = f"'astalty-cli[{extra}]'"
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return f"pipx inject astalty-cli {wanted}"
    if (environment / "uv-receipt.toml").exists():
        return f"uv tool install {wanted}"
    return f"{shlex.quote(sys.executable)} -m pip install {wanted}"
