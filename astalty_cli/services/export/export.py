"""A stretch of the request history into a file: whole or not at all, and gone on with after any end.

What is read is collected in a part file (`part.py`). Only when all is there, the target appears:

    lock → what was begun → pin the end → FILE.part.json → pages → manifest → FILE → part files removed

Killed before the target appears, the same command goes on with the part; killed after it, there is a
manifest that fits the target to the byte, and the same command only clears up.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from astalty_cli import __version__
from astalty_cli.api.client import Client
from astalty_cli.base import private_files
from astalty_cli.base.errors import InterruptedByUser, RefusedError, ServiceError, UnauthorizedError
from astalty_cli.base.events import Message, OnEvent, PageRead
from astalty_cli.base.times import iso, local, utc_now
from astalty_cli.base.vocabulary import ExportFormat
from astalty_cli.services.export import archive, manifest
from astalty_cli.services.export.manifest import File, Manifest, Window
from astalty_cli.services.export.partial import ExportSpec, ExportState, Lines, PartialExport, begun_of
from astalty_cli.services.history.reading import HistoryQuery, Position, ReadBoundary, Upwards
from astalty_cli.services.history.redaction import storable

_PAGE: Final = 64 * 1024  # bytes; how much will come, nobody knows
_GO_ON: Final = "What was read is kept. Run the same command to continue."


@dataclass(frozen=True)
class Spelling:
    """How rows are written: as JSON lines, and from those as a CSV table."""

    json_lines: Callable[[Sequence[bytes]], bytes]
    csv: Callable[[Iterable[bytes]], Iterator[str]]


@dataclass(frozen=True)
class Target:
    """Where an export goes. `force` lets it replace what is there."""

    path: Path
    format: ExportFormat
    force: bool = False

    @property
    def resolved(self) -> str:
        """One text for one place, however it is typed; JSON takes it, whatever its bytes are."""
        path = self.path.parent.resolve() / self.path.name
        return os.fsencode(path).decode(errors="backslashreplace")

    @property
    def replaced(self) -> list[Path]:
        """What is put in place at the end. The manifest of a folder is in it."""
        is_folder = self.format is ExportFormat.PARQUET
        return [self.path] if is_folder else [self.path, manifest.place(self.path, self.format)]

    def ensure_free(self, *, with_manifest: bool = False) -> None:
        """Raises RefusedError if something is there that may not be replaced."""
        places = self.replaced if with_manifest else [self.path]
        there = next((place for place in places if os.path.lexists(place)), None)
        if there is None:
            return
        if not self.force:
            raise RefusedError(
                f"{there} already exists and was not overwritten.",
                hint="Choose another name, or replace it with --force.",
            )
        is_export = (self.path / manifest.IN_FOLDER).is_file() and self.format is ExportFormat.PARQUET
        if self.path.is_dir() and not (is_export and not self.path.is_symlink()):
            raise RefusedError(
                f"{self.path} is a folder that no export created.", hint="Choose another name."
            )


@contextmanager
def opened(target: Target, *, restart: bool) -> Iterator[PartialExport]:
    """The part of a target, for this process alone. Makes no call; raises if there could be no export."""
    if not os.path.lexists(begun_of(target.path)):  # else what is there may be what was begun
        target.ensure_free(with_manifest=True)
    for path in target.replaced:
        private_files.ensure_writable(path, _PAGE)
    with PartialExport.opened(target.path) as part:
        if restart:
            part.clear()
        with _kept(part):
            yield part


@contextmanager
def _kept(part: PartialExport) -> Iterator[None]:
    """Where the reading is cut short, say that nothing of it is lost."""
    try:
        yield
    except KeyboardInterrupt:
        raise InterruptedByUser(f"Interrupted. {_GO_ON if part.is_begun else ''}".strip()) from None
    except (ServiceError, UnauthorizedError) as error:
        if part.is_begun:
            error.hint = f"{error.hint} {_GO_ON}".strip()
        raise


@dataclass
class Export:
    """Brings the entries into the target."""

    client: Client
    target: Target
    asked: ExportSpec
    spelling: Spelling
    part: PartialExport
    on_event: OnEvent
    _lines: Lines = field(default_factory=Lines)

    def run(self) -> Manifest:
        begun = self.part.begun()
        if begun is not None:
            self._ensure_same_export(begun.asked)
            if done := self._ended(begun):
                self._clear_up()
                return done
        self.target.ensure_free()
        self._lines = self.part.lines()
        return self._publish(self._read(begun))

    def _ensure_same_export(self, before: ExportSpec) -> None:
        if differences := list(dict.fromkeys(before.differences(self.asked))):
            raise RefusedError(
                f"{self.part.path} holds an export started with a different {' and '.join(differences)}.",
                hint="Continue that one, choose another FILE, or start again with --restart.",
            )

    def _ended(self, begun: ExportState) -> Manifest | None:
        """The manifest, where all was done but the clearing up."""
        found, asked = manifest.read(self.target.path, self.target.format), begun.asked
        if found is None or not manifest.holds(found, self.target.path):
            return None
        is_of_this_export = (
            (found.version, found.format, found.csv_raw) == (asked.version, asked.format, asked.csv_raw)
            and (found.origin, found.account_id) == (asked.origin, asked.account_id)
            and (found.filters, found.bodies, found.window) == (asked.filters, asked.bodies, _window(begun))
        )
        return found if is_of_this_export else None

    # -- reading ---------------------------------------------------------------------------------

    def _read(self, begun: ExportState | None) -> ExportState:
        asked = begun.asked if begun else self.asked
        query = HistoryQuery(self.client, asked.filters, asked.bodies)
        end = ReadBoundary.kept(begun.end) if begun and begun.end else None
        reading = Upwards(query, self._lines.position, end)
        boundary = reading.set_boundary()
        if begun is None or begun.end is None:
            begun = ExportState(asked, boundary.time if boundary else None)
            self.part.begin(begun)
        if self._lines.count:
            going_on = (
                f"Continuing the export into {self.target.path}, which already has {self._lines.count:,} "
                f"requests. It ends with those of {local(begun.end) if begun.end else 'then'}."
            )
            self.on_event(Message(going_on))
        if boundary:
            self._append(reading)
        return begun

    def _append(self, reading: Upwards) -> None:
        lines, before = self._lines, self._lines.count
        for page in reading.pages():
            if page.rows:
                self.part.append(self.spelling.json_lines([storable(row).raw for row in page.rows]))
                lines.count += len(page.rows)
                lines.first = lines.first or page.rows[0].value.created_at
                lines.position = Position.after_rows(page.rows, lines.position)
            expected = max(lines.count, before + reading.total)
            self.on_event(PageRead(lines.count, expected, reading.query.size))

    # -- the result ------------------------------------------------------------------------------

    def _publish(self, begun: ExportState) -> Manifest:
        self.part.sync()
        target = self.target.path
        built, written = self._build(begun)
        made = self._manifest(begun, written)
        if self.target.format is ExportFormat.PARQUET:
            private_files.replace_private(built / manifest.IN_FOLDER, made.encoded())
            _put_folder(built, target, self._beside("old"))
        else:
            private_files.replace_private(manifest.place(target, made.format), made.encoded())
            built.replace(target)
        private_files.sync(target.parent)
        self._clear_up()
        return made

    def _build(self, begun: ExportState) -> tuple[Path, list[File]]:
        """Make what will be the target, beside it."""
        lines, name, count = self.part.path, self.target.path.name, self._lines.count
        match self.target.format:
            case ExportFormat.JSONL:
                return lines, [File.of(lines, name, count)]
            case ExportFormat.CSV:
                table = self._beside("csv")
                _write_table(lines, table, self.spelling)
                return table, [File.of(table, name, count)]
            case ExportFormat.PARQUET:
                work = self._beside("work")
                _remove(work)
                work.mkdir(mode=0o700)
                return work / "result", archive.write(lines, work, bodies=begun.asked.bodies)

    def _beside(self, what: str) -> Path:
        return self.part.path.with_name(f"{self.part.path.name}.{what}")

    def _clear_up(self) -> None:
        for what in ("csv", "work", "old"):
            _remove(self._beside(what))
        private_files.clear_leftovers(manifest.place(self.target.path, self.target.format))
        self.part.remove()

    def _manifest(self, begun: ExportState, written: list[File]) -> Manifest:
        asked, lines = begun.asked, self._lines
        return Manifest(
            astalty=__version__,
            format=asked.format,
            origin=asked.origin,
            account_id=asked.account_id,
            filters=asked.filters,
            bodies=asked.bodies,
            csv_raw=asked.csv_raw,
            window=_window(begun),
            requests=lines.count,
            first_created_at=manifest.moment(lines.first),
            last_created_at=manifest.moment(lines.last),
            files=written,
            written_at=iso(utc_now()),
        )


def _window(begun: ExportState) -> Window:
    filters = begun.asked.filters
    return Window(filters.get("created_from"), filters.get("created_to"), manifest.moment(begun.end))


def _write_table(lines: Path, table: Path, spelling: Spelling) -> None:
    table.unlink(missing_ok=True)
    handle = private_files.open_new(table)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file, lines.open("rb") as rows:
        file.writelines(spelling.csv(rows))
        file.flush()
        os.fsync(handle)


def _put_folder(built: Path, target: Path, aside: Path) -> None:
    """A folder cannot replace another in one step: the old one stands aside for that moment."""
    for folder, _, names in os.walk(built, topdown=False):
        for name in names:
            private_files.sync(Path(folder, name))
        private_files.sync(Path(folder))
    _remove(aside)
    with suppress(FileNotFoundError):
        target.rename(aside)
    built.rename(target)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
