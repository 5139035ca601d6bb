"""A private file is on the disk before it has its name, and so is the name."""

import os
from pathlib import Path

import pytest

from astalty_cli.base.private_files import write_private


def test_a_file_and_its_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def note(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    path = tmp_path / "folder" / "file"
    write_private(path, b"content")
    assert path.stat().st_ino in synced
    assert path.parent.stat().st_ino in synced
