"""An export that is under way: what has been read so far, as JSON lines in a file beside the target.

`FILE.part.json` says what was asked and where reading ends. It is written before the first line, so that
each line belongs to it; the position to go on from is in the lines themselves. The part file is locked by
the process that works on it.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import ConflictError, LocalError
from astalty_cli.base.json_errors import JSON_DECODE_ERRORS
from astalty_cli.base.vocabulary import ExportFormat
from astalty_cli.services.export.manifest import VERSION
from astalty_cli.services.history.reading import Position


class ExportSpec(Struct, frozen=True, kw_only=True):
    """What an export is of. `typed` holds the words of `--since` and `--until`."""

    origin: str
    account_id: str | None
    key: str | None  # its fingerprint, if the service does not say whose it is
    filters: dict[str, str]
    typed: dict[str, str]
    bodies: bool
    format: ExportFormat
    csv_raw: bool = False  # of a CSV file
    target: str = ""  # where it goes, however that was typed
    version: int = VERSION  # how lines are spelled

    def differences(self, other: "ExportSpec") -> Iterator[str]:
        """What is not the same, as people say it. `24h` is the same as `24h`, whenever it was typed."""
        if self.target and self.target != other.target:  # earlier versions did not keep it
            yield "FILE"
        if self.origin != other.origin:
            yield "base URL"
        if (self.account_id, self.key) != (other.account_id, other.key):
            yield "account"
        for name, flag in FLAGS.items():
            if self.filters.get(name) != other.filters.get(name) and not self._typed_alike(other, flag):
                yield flag
        if self.bodies != other.bodies:
            yield "--bodies"
        if self.format != other.format:
            yield "--format"
        if self.csv_raw != other.csv_raw:
            yield "--csv-raw"
        if self.version != other.version:
            yield "version of astalty"

    def _typed_alike(self, other: "ExportSpec", flag: str) -> bool:
        return flag in self.typed and self.typed[flag] == other.typed.get(flag)


FLAGS: Mapping[str, str] = {
    "status": "--status",
    "method": "--method",
    "path": "--path",
    "ip_address": "--ip",
    "user_id": "--user",
    "email": "--user",
    "api_key_id": "--key",
    "created_from": "--since",
    "created_to": "--until",
}


class ExportState(Struct, frozen=True):
    """What `FILE.part.json` holds. `end` is None if there was nothing to read."""

    asked: ExportSpec
    end: datetime | None


class _Line(Struct, frozen=True):
    id: str
    created_at: datetime


@dataclass
class Lines:
    """What is in a part file: how many requests, from when to when, and the position behind them."""

    count: int = 0
    first: datetime | None = None
    position: Position | None = None

    @property
    def last(self) -> datetime | None:
        return self.position.time if self.position else None


class PartialExport:
    """The part file of a target, open and locked; `opened` makes one."""

    def __init__(self, target: Path, file: BinaryIO) -> None:
        self.path = part_of(target)
        self._file = file
        self._begun = begun_of(target)

    @classmethod
    @contextmanager
    def opened(cls, target: Path) -> Iterator["PartialExport"]:
        """Work on the export into `target` alone. Raises ConflictError if another process does so.

        What holds nothing is not left behind.
        """
        path = part_of(target)
        file = locks.acquire(path)
        if file is None:  # or whoever had it has just ended
            raise ConflictError(
                f"Busy: another astalty is writing {path}.", hint="Nothing was done. Wait for it to end."
            )
        with _translate_errors(path), file:
            part = cls(target, file)
            try:
                yield part
            finally:
                if not part.size and not part.is_begun and locks.is_still_at(path, file.fileno()):
                    path.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    @property
    def is_begun(self) -> bool:
        return os.path.lexists(self._begun)

    def begun(self) -> ExportState | None:
        """What was begun here and not ended. Raises LocalError if that cannot be known."""
        data = private_files.read_private(self._begun)
        if data is None:
            if self.size:
                raise LocalError(
                    f"{self.path} is in the way: no export of astalty has left it.", hint="Move it away."
                )
            return None
        try:
            return msgspec.json.decode(data, type=ExportState)
        except JSON_DECODE_ERRORS as error:
            raise LocalError(
                f"{self._begun} is not usable: {error}.", hint="Start again with --restart."
            ) from None

    def begin(self, begun: ExportState) -> None:
        private_files.replace_private(self._begun, msgspec.json.encode(begun))

    def clear(self) -> None:
        """Forget what was begun."""
        if self.is_begun:
            self._file.truncate(0)
            private_files.remove(self._begun)

    def lines(self) -> Lines:
        """Read what is there, and cut off what a crash has left half written."""
        found, whole = Lines(), 0
        ids: set[str] = set()
        last: datetime | None = None
        self._file.seek(0)
        for text in self._file:
            line = _decoded(text)
            if line is None:
                break
            whole += len(text)
            found.count += 1
            found.first = found.first or line.created_at
            if line.created_at != last:
                last = line.created_at
                ids.clear()
            ids.add(line.id)
        self._file.truncate(whole)
        self._file.seek(whole)
        found.position = Position(last, frozenset(ids)) if last else None
        return found

    def append(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def remove(self) -> None:
        """The lines first: without the question they would belong to nobody."""
        self.path.unlink(missing_ok=True)
        private_files.remove(self._begun)


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def begun_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part.json")


def _decoded(text: bytes) -> _Line | None:
    try:
        return msgspec.json.decode(text, type=_Line) if text.endswith(b"\n") else None
    except JSON_DECODE_ERRORS:
        return None


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalError(
            f"Cannot write {path}: {error.strerror or error}.",
            hint="Check its folder and the space that is left, then run the same command to continue.",
        ) from error
