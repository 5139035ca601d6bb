"""What root can make of a file system: a file that is a mount point or immutable, a small disk."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(target: Path, *options: str) -> Iterator[None]:
    """`mount OPTIONS TARGET`, until the end of the test; it is skipped where that is not permitted."""
    _run("mount", *options, str(target))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", target], check=True, capture_output=True)


def bound(source: Path, target: Path) -> contextlib.AbstractContextManager[None]:
    return mounted(target, "--bind", str(source))


def small_disk(target: Path, size: str) -> contextlib.AbstractContextManager[None]:
    target.mkdir(mode=0o700)
    return mounted(target, "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs")


@contextlib.contextmanager
def immutable(path: Path) -> Iterator[None]:
    _run("chattr", "+i", str(path))
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True, capture_output=True)


def _run(*words: str) -> None:
    if os.getuid():
        pytest.skip(f"only root can {words[0]}")
    try:
        subprocess.run(words, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"{words[0]} is not possible here: {getattr(error, 'stderr', '') or error}")
