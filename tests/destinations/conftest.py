"""A folder of stand-in programs, and the environment that finds them first."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Stand = Callable[..., Path]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    home, programs = tmp_path / "home", tmp_path / "programs"
    home.mkdir()
    programs.mkdir()
    return {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "RECORD": str(tmp_path / "record"),
        "ASTALTY_API_KEY": "astalty_own_key_of_the_caller",
    }


@pytest.fixture
def stand_in(tmp_path: Path, environ: dict[str, str]) -> Stand:
    """Put a program on PATH: `stand_in("gh", "…Python…")`; `record(name, bytes)` is there for it."""

    def make(name: str, body: str = "") -> Path:
        path = tmp_path / "programs" / name
        path.write_text(f"#!{sys.executable} -I\n{_PRELUDE}\n{body}\n")
        path.chmod(0o755)
        return path

    return make


_PRELUDE = """
import os, sys, time, subprocess
from pathlib import Path
def record(name, data):
    folder = Path(os.environ["RECORD"])
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
def record_all():
    lines = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try: lines.append(each.read_bytes())
        except OSError: pass
    record("cmdlines", b"\\n".join(lines))
    record("argv", "\\n".join(sys.argv[1:]).encode())
    record("environ", repr(dict(os.environ)).encode())
    record("stdin", sys.stdin.buffer.read())
"""
