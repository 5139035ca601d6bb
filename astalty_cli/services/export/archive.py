"""JSON lines into a folder of Parquet files, one for each day (UTC): the only module that imports duckdb.

A file is called after the checksum of its entries. So two machines' files never meet under one name, and
the same entries, exported again, get the name that they have.
"""

from __future__ import annotations

import glob
import hashlib
import itertools
from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from astalty_cli.base.errors import LocalError
from astalty_cli.base.extras import install_command
from astalty_cli.base.times import in_utc
from astalty_cli.services.export.manifest import File

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MEMORY: Final = "512MB"
_LONGEST_LINE: Final = 16 * 1024 * 1024  # bytes: what DuckDB takes without being told

_ROW: Final = {
    "id": "VARCHAR",
    "status": "INTEGER",
    "method": "VARCHAR",
    "path": "VARCHAR",
    "created_at": "TIMESTAMPTZ",
    "duration_ms": "DOUBLE",
    "ip_address": "VARCHAR",
    "user_agent": "VARCHAR",
    "user": "STRUCT(id VARCHAR, name VARCHAR, email VARCHAR)",
    "api_key": "STRUCT(id VARCHAR, name VARCHAR)",
}
_SIDE: Final = "STRUCT(headers JSON, body JSON, truncated BOOLEAN)"
_COLUMNS: Final = (
    'id, status, method, path, created_at, duration_ms, ip_address, user_agent, "user".id AS user_id,'
    ' "user".name AS user_name, "user".email AS user_email, api_key.id AS api_key_id,'
    " api_key.name AS api_key_name"
)
_SIDE_COLUMNS: Final = (
    "{0}.headers::VARCHAR AS {0}_headers, {0}.body::VARCHAR AS {0}_body, {0}.truncated AS {0}_truncated"
)


class _Line(msgspec.Struct):
    created_at: datetime


def ensure_installed() -> None:
    """Raises LocalError, with the command that helps, if the extra is not installed."""
    try:
        import duckdb  # noqa: F401 - whether it can be is the question
    except ImportError:
        raise LocalError(
            "Parquet needs DuckDB, an extra that is not installed.",
            hint=f"Install it: {install_command('archive')}",
        ) from None


def write(lines: Path, work: Path, *, bodies: bool) -> list[File]:
    """Make `work/result` of the lines, which are in order of time. `work` is an empty private folder."""
    import duckdb

    result = work / "result"
    result.mkdir(mode=0o700)
    try:
        with closing(_connection(work)) as connection, lines.open("rb") as source:
            return [
                _write_day(connection, day, entries, work, bodies=bodies)
                for day, entries in itertools.groupby(source, _day)
            ]
    except duckdb.Error as error:
        raise LocalError(
            f"DuckDB cannot write this as Parquet: {str(error).splitlines()[0]}",
            hint="What was read is kept. --format jsonl into another file takes any entry.",
        ) from None


def _connection(work: Path) -> DuckDBPyConnection:
    """A database in memory. One thread, so that the same lines always make the same file."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "temp_directory": str(work / "spill"),
            "home_directory": str(work),
            "allow_persistent_secrets": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def _day(line: bytes) -> date:
    return in_utc(msgspec.json.decode(line, type=_Line).created_at).date()


def _write_day(
    connection: DuckDBPyConnection, day: date, entries: Iterable[bytes], work: Path, *, bodies: bool
) -> File:
    source = work / "day.jsonl"
    checksum, count, longest = hashlib.sha256(), 0, _LONGEST_LINE
    with source.open("wb") as file:
        for line in entries:
            file.write(line)
            checksum.update(line)
            count += 1
            longest = max(longest, len(line) + 1)
    name = f"date={day.isoformat()}/{checksum.hexdigest()[:32]}.parquet"
    path = work / "result" / name
    path.parent.mkdir(mode=0o700)
    connection.execute(_copy(source, path, longest, bodies=bodies))
    path.chmod(0o600)
    source.unlink()
    return File.of(path, name, count)


def _copy(source: Path, path: Path, longest: int, *, bodies: bool) -> str:
    row = _ROW | ({"request": _SIDE, "response": _SIDE} if bodies else {})
    sides = [_SIDE_COLUMNS.format(side) for side in ("request", "response")] if bodies else []
    kinds = ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in row.items())
    return (
        f"COPY (SELECT {', '.join([_COLUMNS, *sides])} FROM read_json({_quoted(glob.escape(str(source)))},"  # noqa: S608
        f" format = 'newline_delimited', columns = {{{kinds}}}, maximum_object_size = {longest}))"
        f" TO {_quoted(path)} (FORMAT parquet, COMPRESSION zstd)"
    )


def _quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
