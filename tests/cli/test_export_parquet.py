"""Parquet: a folder by day that DuckDB reads back, and that many exports can share."""

import json
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from astalty_cli.api.models import KeyReference, User
from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support.accounts import Account
from tests.support.exports import START, UNTIL, at, exported, fill, lasting, manifest_of, modes, names, there
from tests.support.file_systems import bound
from tests.support.histories import add, entry
from tests.support.shell import ASTALTY, Shell

MIDNIGHT = "2026-03-02T00:00Z"


@pytest.fixture
def filled(served: Account) -> Account:
    (served.shell.home / "out").mkdir()
    fill(served)
    return served


@pytest.fixture
def folder(filled: Account) -> Path:
    return filled.shell.home / "out"


def read(files: Path, order: str = "ORDER BY created_at, id") -> list[dict[str, Any]]:
    """The rows, with their times in microseconds."""
    select = "SELECT * REPLACE (epoch_us(created_at) AS created_at) FROM read_parquet(?)"
    with closing(duckdb.connect()) as connection:
        found = connection.execute(f"{select} {order}", [str(files)])
        columns = [column[0] for column in found.description or []]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def test_what_duckdb_reads_equals_the_json_lines(filled: Account, folder: Path) -> None:
    user = User("u-1", "Zoë", "zoe@a.example")
    add(filled, [entry(START + timedelta(hours=50), user=user, api_key=KeyReference("k-1", "ci"))])
    filled.shell(f"history export out/all.jsonl {UNTIL}")
    filled.shell(f"history export out/all.parquet {UNTIL}")
    lines = exported(folder / "all.jsonl")
    assert [line["id"] for line in lines] == there(filled)
    rows = read(folder / "all.parquet/*/*.parquet")
    assert [str(row.pop("date")) for row in rows] == [line["created_at"][:10] for line in lines]
    assert rows == [_flat(line) for line in lines]


def test_the_installed_command_ends_without_a_word(filled: Account, folder: Path) -> None:
    line = [str(ASTALTY), "history", "export", str(folder / "all.parquet"), *UNTIL.split(), "-q"]
    done = subprocess.run(line, env=filled.shell.environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    user, key = line.pop("user") or {}, line.pop("api_key") or {}
    of_user = {f"user_{name}": user.get(name) for name in ("id", "name", "email")}
    line["created_at"] = round(datetime.fromisoformat(line["created_at"]).timestamp() * 1_000_000)
    return line | of_user | {f"api_key_{name}": key.get(name) for name in ("id", "name")}


def test_the_types_are_those_that_were_promised(filled: Account, folder: Path) -> None:
    filled.shell(f"history export out/all.parquet --bodies {UNTIL}")
    with closing(duckdb.connect()) as connection:
        described = connection.execute(
            "DESCRIBE SELECT * FROM read_parquet(?)", [str(folder / "all.parquet/*/*.parquet")]
        ).fetchall()
    texts = [f"{name}_{part}" for name in ("user", "api_key") for part in ("id", "name")]
    texts += [f"{side}_{part}" for side in ("request", "response") for part in ("headers", "body")]
    texts += ["id", "method", "path", "ip_address", "user_agent", "user_email"]
    assert {row[0]: row[1] for row in described} == {
        **dict.fromkeys(texts, "VARCHAR"),
        "status": "INTEGER",
        "created_at": "TIMESTAMP WITH TIME ZONE",
        "duration_ms": "DOUBLE",
        "request_truncated": "BOOLEAN",
        "response_truncated": "BOOLEAN",
        "date": "DATE",
    }
    schema = duckdb.execute(
        "SELECT logical_type FROM parquet_schema(?) WHERE name = 'created_at'",
        [str(folder / "all.parquet/*/*.parquet")],
    ).fetchone()
    assert schema is not None
    assert "isAdjustedToUTC=1" in str(schema[0])
    assert "MICROS" in str(schema[0])


def test_bodies_are_json_text(served: Account) -> None:
    (served.shell.home / "out").mkdir()
    bodies = [{"a": [1, 2.5, None, "Zoë\u0000😀"]}, 12345678901234567890123, "text", None]
    with closing(served.store()) as store, store.database.write() as connection:
        for number, body in enumerate(bodies):
            side = logged_side({"X": "'y'"}, b"" if body is None else json.dumps(body).encode())
            insert_entry(connection, entry(START + timedelta(minutes=number)), side, side)
    served.shell(f"history export out/all.parquet --bodies {UNTIL}")
    rows = read(served.shell.home / "out/all.parquet/*/*.parquet")
    assert [row["request_body"] and json.loads(row["request_body"]) for row in rows] == bodies
    assert json.loads(rows[0]["response_headers"]) == {"X": "'y'"}
    assert rows[0]["request_truncated"] is False


def test_files_are_by_day_in_order_of_time_and_private(filled: Account, folder: Path) -> None:
    filled.shell(f"history export out/all.parquet {UNTIL}")
    target = folder / "all.parquet"
    manifest = manifest_of(target)
    days = [file["name"].split("/")[0] for file in manifest["files"]]
    assert days == ["date=2026-03-01", "date=2026-03-02"]
    assert modes(target) == {"folder 700", "file 600"}
    assert names(folder) == {"all.parquet"}
    for file in manifest["files"]:
        times = [row["created_at"] for row in read(target / file["name"], order="")]
        assert times == sorted(times)
        assert len(times) == file["requests"]


def test_exports_by_day_of_many_machines_meet_in_one_folder(filled: Account, folder: Path) -> None:
    """The same day again gives the same file; another account's day, another one."""
    line = f"--since 2026-03-01T00:00Z --until {MIDNIGHT}"
    filled.shell(f"history export out/first.parquet {line}")
    filled.shell(f"history export out/again.parquet {UNTIL}")
    filled.shell(f"history export out/part.parquet --until {at(50)}")
    bucket = folder / "bucket"
    for name in ("first", "again", "part"):
        shutil.copytree(folder / f"{name}.parquet", bucket, dirs_exist_ok=True)
    assert len(list((bucket / "date=2026-03-01").iterdir())) == 2
    assert len(list((bucket / "date=2026-03-02").iterdir())) == 1


def test_the_same_entries_make_the_same_files(filled: Account, folder: Path) -> None:
    for name in ("one", "two"):
        filled.shell(f"history export out/{name}.parquet {UNTIL}")
    assert lasting(manifest_of(folder / "one.parquet")) == lasting(manifest_of(folder / "two.parquet"))


def test_an_old_folder_is_replaced_only_by_force_and_only_an_exports(filled: Account, folder: Path) -> None:
    target = folder / "all.parquet"
    line = f"history export out/all.parquet {UNTIL}"
    filled.shell(f"{line} --status 418")
    assert "already exists" in filled.shell(line, code=5).err
    filled.shell(f"{line} --force")
    assert manifest_of(target)["requests"] == 310
    assert names(folder) == {"all.parquet"}
    (target / "_manifest.json").unlink()
    assert "no export created" in filled.shell(f"{line} --force", code=5).err
    assert len(list(target.rglob("*.parquet"))) == 2


def test_a_folder_that_is_a_mount_point_is_named_before_any_call(filled: Account, folder: Path) -> None:
    line = f"history export out/all.parquet {UNTIL} --force"
    filled.shell(line)
    calls, files = filled.calls(), sorted((folder / "all.parquet").rglob("*"))
    (source := filled.shell.home / "source").mkdir()
    shutil.copytree(folder / "all.parquet", source, dirs_exist_ok=True)
    with bound(source, folder / "all.parquet"):
        assert "Cannot write out/all.parquet: " in filled.shell(line, code=2).err
        assert sorted((folder / "all.parquet").rglob("*")) == files
    assert filled.calls() == calls
    assert names(folder) == {"all.parquet"}


def test_nothing_to_export_is_a_folder_with_a_manifest(filled: Account, folder: Path) -> None:
    filled.shell("history export out/none.parquet --until 2020-01-01")
    assert manifest_of(folder / "none.parquet")["files"] == []
    assert names(folder / "none.parquet") == {"_manifest.json"}


@pytest.mark.parametrize("name", ["o'clock [x]* {a}.parquet", "~.parquet"])
def test_names_that_mean_something_to_duckdb(filled: Account, folder: Path, name: str) -> None:
    filled.shell(f'history export "out/{name}" {UNTIL}')
    assert manifest_of(folder / name)["requests"] == 310


def test_without_duckdb_the_extra_is_named_before_any_call(
    filled: Account, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "duckdb.py").write_text("raise ImportError('not installed')\n")
    calls = filled.calls()
    told = filled.shell("history export out/all.parquet", code=2, env={"PYTHONPATH": str(tmp_path)}).err
    assert f"{sys.executable} -m pip install duckdb\n" in told
    assert filled.calls() == calls
    assert names(folder) == set()
    filled.shell(f"history export out/all.jsonl {UNTIL}", env={"PYTHONPATH": str(tmp_path)})


def test_duckdb_leaves_nothing_in_the_home(filled: Account, folder: Path, shell: Shell) -> None:
    before = names(shell.home)
    filled.shell(f"history export out/all.parquet {UNTIL}")
    assert names(shell.home) - before <= {".cache"}
    assert not list(shell.home.glob("**/.duckdb*"))
