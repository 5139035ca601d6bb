"""Extras: what is installed only where somebody asked for it."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PARTS: Final = {"sandbox": ("falcon", "waitress"), "archive": ("duckdb",)}


def is_installed(extra: str) -> bool:
    return all(map(find_spec, PARTS[extra]))


def install_command(extra: str) -> str:
    """How this very installation gets an extra: pipx and uv each leave a file in what they make."""
    wanted = f"'astalty-cli[{extra}]'"
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return f"pipx inject astalty-cli {wanted}"
    if (environment / "uv-receipt.toml").exists():
        return f"uv tool install {wanted}"
    return f"pip install {wanted}"
