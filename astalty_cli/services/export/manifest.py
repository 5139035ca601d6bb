"""What an export says of itself: what was asked, what came, and the checksum of each file."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.times import iso
from astalty_cli.base.vocabulary import ExportFormat

VERSION: Final = 1
IN_FOLDER: Final = "_manifest.json"  # readers of a Parquet folder pass over names that start so


class File(Struct, frozen=True):
    """`name` is relative to the manifest."""

    name: str
    bytes: int
    requests: int
    sha256: str

    @classmethod
    def of(cls, path: Path, name: str, requests: int) -> "File":
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
            return cls(name, file.tell(), requests, checksum)


class Window(Struct, frozen=True):
    """`since` and `until` as they were asked for; `end` is the newest entry that there was then."""

    since: str | None
    until: str | None
    end: str | None


class Manifest(Struct, frozen=True, kw_only=True):
    """`account_id` is None if the service does not say whose the key is."""

    version: int = VERSION
    astalty: str
    format: ExportFormat
    origin: str
    account_id: str | None
    filters: dict[str, str]
    bodies: bool
    csv_raw: bool = False
    window: Window
    requests: int
    first_created_at: str | None
    last_created_at: str | None
    files: list[File]
    written_at: str

    @property
    def size(self) -> int:
        return sum(file.bytes for file in self.files)

    def encoded(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def place(target: Path, form: ExportFormat) -> Path:
    """Where the manifest of an export lies."""
    if form is ExportFormat.PARQUET:
        return target / IN_FOLDER
    return target.with_name(f"{target.name}.manifest.json")


def read(target: Path, form: ExportFormat) -> Manifest | None:
    """The manifest of an export; None if there is none that can be used."""
    try:
        data = private_files.read_private(place(target, form))
        return None if data is None else msgspec.json.decode(data, type=Manifest)
    except (LocalError, *JSON_DECODE_ERRORS):
        return None


def holds(manifest: Manifest, target: Path) -> bool:
    """Whether what lies at the target is what the manifest says, to the byte."""
    folder = target if manifest.format is ExportFormat.PARQUET else target.parent
    try:
        return all(File.of(folder / file.name, file.name, file.requests) == file for file in manifest.files)
    except OSError:
        return False


def moment(time: datetime | None) -> str | None:
    return None if time is None else iso(time)
