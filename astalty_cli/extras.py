"""Extras: what is installed only where somebody asked for it."""

import sys
from pathlib import Path


def install_command(extra: str) -> str:
    """How this very installation gets an extra: pipx and uv each leave a file in what they make."""
    wanted = f"'astalty-cli[{extra}]'"
    environment = Path(sys.prefix)
    if (environment / "pipx_metadata.json").exists():
        return f"pipx inject astalty-cli {wanted}"
    if (environment / "uv-receipt.toml").exists():
        return f"uv tool install {wanted}"
    return f"pip install {wanted}"
