"""`astalty history export`: what is in the file, what is said of it, and what is refused."""

import csv
import io
import json
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from astalty_cli.base.times import iso
from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.exports import START, UNTIL, at, exported, fill, manifest_of, modes, names, there
from tests.support.file_systems import bound
from tests.support.histories import Between, add, entry
from tests.support.hostile import ACCOUNT, ENTRY, KEY, Answer, answering, listing, one
from tests.support.shell import Shell

MOMENT = timedelta(microseconds=1)
CANARY = "canary-of-a-diagnosis"


@pytest.fixture
def folder(shell: Shell) -> Path:
    folder = shell.home / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def filled(served: Account) -> Account:
    fill(served)
    return served


def test_json_lines_are_the_servers_rows_each_once_and_in_order(filled: Account, folder: Path) -> None:
    done = filled.shell(f"history export out/all.jsonl {UNTIL}")
    assert done.out == ""
    span = "2026-03-01 22:00:00 UTC to 2026-03-02 02:09:00 UTC"
    assert done.err.startswith(f"Wrote 310 requests, {span}, to out/all.jsonl (")
    assert done.err.endswith(" kB). Checksums are in out/all.jsonl.manifest.json.\n")
    rows = exported(folder / "all.jsonl")
    assert [row["id"] for row in rows] == there(filled)
    listing_ = filled.shell(f"history list --all --sort created_at -o jsonl {UNTIL}").out
    assert (folder / "all.jsonl").read_text() == listing_
    assert names(folder) == {"all.jsonl", "all.jsonl.manifest.json"}
    assert modes(folder / "all.jsonl") | modes(folder / "all.jsonl.manifest.json") == {"file 600"}


def test_the_manifest_says_what_was_asked_and_what_came(filled: Account, folder: Path) -> None:
    done = filled.shell(f"history export out/some.jsonl --status 418 --since {at(0)} {UNTIL} --json")
    manifest = manifest_of(folder / "some.jsonl")
    assert done.json == manifest
    assert manifest | {"files": [], "written_at": "", "astalty": ""} == {
        "version": 1,
        "astalty": "",
        "format": "jsonl",
        "origin": filled.base_url,
        "account_id": manifest["account_id"],
        "filters": {"status": "418", "created_from": at(0), "created_to": "2026-03-08T00:00:00.000000Z"},
        "bodies": False,
        "csv_raw": False,
        "window": {"since": at(0), "until": "2026-03-08T00:00:00.000000Z", "end": at(80)},
        "requests": 60,
        "first_created_at": at(80),
        "last_created_at": at(80),
        "files": [],
        "written_at": "",
    }
    account_id = filled.shell("api /api-keys/current --query data.account.id").out.strip()
    assert manifest["account_id"] == account_id


def test_csv_has_every_field_and_runs_nothing_in_a_spreadsheet(served: Account, folder: Path) -> None:
    path = '/public/v1/x?note=a,"b"'
    add(served, [entry(START, user_agent="=1+1", path=path), entry(START + timedelta(hours=1))])
    served.shell(f"history export out/all.csv {UNTIL}")
    rows = list(csv.DictReader(io.StringIO((folder / "all.csv").read_text())))
    assert [row["id"] for row in rows] == there(served)
    assert (rows[0]["user_agent"], rows[0]["path"]) == ("'=1+1", path)
    assert set(rows[0]) >= {"duration_ms", "user.id", "user.email", "user.name", "api_key.id", "created_at"}
    assert manifest_of(folder / "all.csv")["requests"] == 2
    assert modes(folder / "all.csv") == {"file 600"}
    assert names(folder) == {"all.csv", "all.csv.manifest.json"}
    served.shell(f"history export out/raw.csv --csv-raw {UNTIL}")
    assert ",=1+1," in (folder / "raw.csv").read_text()


@pytest.mark.parametrize(("name", "content"), [("none.jsonl", ""), ("none.csv", "id,status,method,")])
def test_nothing_to_export_is_an_empty_file_with_a_manifest(
    served: Account, folder: Path, name: str, content: str
) -> None:
    done = served.shell(f"history export out/{name} --until 2020-01-01")
    assert "Wrote 0 requests to" in done.err
    text = (folder / name).read_text()
    assert text.startswith(content)
    assert text.count("\n") == (1 if content else 0)
    manifest = manifest_of(folder / name)
    assert (manifest["requests"], manifest["window"]["end"], manifest["first_created_at"]) == (0, None, None)
    assert names(folder) == {name, f"{name}.manifest.json"}


def test_what_comes_after_the_pin_is_left_out(shell: Shell, folder: Path, tmp_path: Path) -> None:
    between = Between()
    with ExitStack() as closing_:
        account = accounts.over_http(shell, tmp_path / "served", closing_, between.before)
        fill(account)
        last = add(account, [entry(account.clock.now - timedelta(hours=1))])[0]
        before = there(account, "2100")

        def others_write(_: int) -> None:
            account.clock.move(seconds=1)
            add(account, [entry(account.clock.now)])

        between.happens = others_write
        shell(f"history export out/all.jsonl --until {(account.clock.now + timedelta(days=1)).isoformat()}")
        rows = exported(folder / "all.jsonl")
        end = manifest_of(folder / "all.jsonl")["window"]["end"]
    assert [row["id"] for row in rows] == there(account, iso(datetime.fromisoformat(end) + MOMENT))
    assert {row["id"] for row in rows} >= {*before, last.id}


def test_a_file_that_is_there_is_kept_unless_forced(filled: Account, folder: Path) -> None:
    (folder / "all.jsonl").write_text("mine")
    (folder / "link.csv").symlink_to(folder / "nowhere")
    (folder / "dir.jsonl").mkdir()
    calls = filled.calls()
    for name in ("all.jsonl", "link.csv", "dir.jsonl"):
        told = filled.shell(f"history export out/{name} {UNTIL}", code=5)
        assert "already exists" in told.err
        assert "--force" in told.err
    assert "no export created" in filled.shell("history export out/dir.jsonl --force", code=5).err
    assert (folder / "all.jsonl").read_text() == "mine"
    assert filled.calls() == calls
    assert names(folder) == {"all.jsonl", "link.csv", "dir.jsonl"}
    filled.shell(f"history export out/all.jsonl {UNTIL} --force")
    filled.shell(f"history export out/link.csv {UNTIL} --force")
    assert len(exported(folder / "all.jsonl")) == 310
    assert not (folder / "link.csv").is_symlink()
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("out/all", "--format"),
        ("out/all.xml", "--format"),
        ("out/all.jsonl --format xml", "'xml' is not one of jsonl, csv, parquet"),
        (". --format csv", "not the name of a file"),
        ("nowhere/all.jsonl", "Cannot write nowhere/all.jsonl: No such file or directory"),
        ("/proc/all.jsonl", "Cannot write /proc/all.jsonl"),
        ("out/all.jsonl --since 1d --until 2d", "--since is not before --until"),
        ("out/all.jsonl --fields nonsense --json", "There is no field 'nonsense'."),
    ],
)
def test_what_cannot_be_is_said_before_any_call(served: Account, folder: Path, flags: str, told: str) -> None:
    calls = served.calls()
    assert told in served.shell(f"history export {flags}", code=2).err
    assert served.calls() == calls
    assert names(folder) == set()


def test_the_format_can_be_named(filled: Account, folder: Path) -> None:
    filled.shell(f"history export out/all --format csv {UNTIL}")
    assert (folder / "all").read_text().startswith("id,status,")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("all.jsonl.part", "Cannot lock out/all.jsonl.part: it is a symbolic link."),
        ("all.jsonl.part.json", "out/all.jsonl.part.json is a symbolic link"),
    ],
)
def test_part_files_that_are_links_are_not_followed(
    served: Account, folder: Path, name: str, told: str
) -> None:
    (folder / name).symlink_to(folder / "elsewhere")
    (folder / "elsewhere").write_text("mine")
    assert told in served.shell(f"history export out/all.jsonl {UNTIL}", code=2).err
    assert (folder / "elsewhere").read_text() == "mine"


def test_a_part_file_of_somebody_else_is_left_alone(served: Account, folder: Path) -> None:
    (folder / "all.jsonl.part").write_text("mine")
    for mode in (0o600, 0o644):
        (folder / "all.jsonl.part").chmod(mode)
        for flag in ("", "--restart"):
            told = served.shell(f"history export out/all.jsonl {UNTIL} {flag}", code=2).err
            assert "Move it away" in told
    assert (folder / "all.jsonl.part").read_text() == "mine"


# -- bodies ------------------------------------------------------------------------------------------


@pytest.fixture
def with_bodies(served: Account) -> Account:
    side = logged_side({"X-Note": "=2+2"}, json.dumps({"diagnosis": CANARY, "n": [1, None]}).encode())
    with closing(served.store()) as store, store.database.write() as connection:
        for number in range(50):
            insert_entry(connection, entry(START + timedelta(minutes=number)), side, side)
    return served


def test_bodies_are_only_where_they_are_asked_for(with_bodies: Account, folder: Path) -> None:
    shell = with_bodies.shell
    for form in ("jsonl", "csv", "parquet"):
        done = shell(f"history export out/without.{form} {UNTIL}")
        assert "health" not in done.err
    for path in (each for each in shell.home.rglob("*") if each.is_file()):
        assert CANARY.encode() not in path.read_bytes(), path
    (packed,) = folder.glob("without.parquet/*/*.parquet")  # compressed, so that no search of its bytes tells
    with closing(duckdb.connect()) as connection:
        select = "SELECT * EXCLUDE (created_at) FROM read_parquet(?)"
        rows_of_it = connection.execute(select, [str(packed)]).fetchall()
    assert len(rows_of_it) == 50
    assert CANARY not in repr(rows_of_it)
    done = shell(f"history export out/with.jsonl --bodies {UNTIL}")
    assert "personal health data" in done.err
    assert "unencrypted in out/with.jsonl" in done.err
    rows = exported(folder / "with.jsonl")
    assert len(rows) == 50
    assert rows[0]["request"]["body"] == {"diagnosis": CANARY, "n": [1, None]}
    assert manifest_of(folder / "with.jsonl")["bodies"] is True
    shell(f"history export out/with.csv --bodies {UNTIL}")
    row = next(csv.DictReader(io.StringIO((folder / "with.csv").read_text())))
    assert json.loads(row["response"])["body"]["diagnosis"] == CANARY


# -- what a server may do ----------------------------------------------------------------------------


def test_rows_of_any_spelling_become_lines_of_ascii(shell: Shell, folder: Path) -> None:
    row = {**ENTRY, "path": "/public/v1/Zoë\x7f\u2028##[x", "user_agent": "a\nb", "later": [1, {"x": 1e999}]}
    page = json.loads(listing(row))
    answer = json.dumps(page, indent=1, ensure_ascii=False).replace("Infinity", "1e999").encode()
    with answering(("200 OK", {}, one({**KEY, "account": ACCOUNT})), ("200 OK", {}, answer)) as (_, url):
        shell("history export out/all.jsonl", env={"ASTALTY_API_KEY": "x" * 30, "ASTALTY_BASE_URL": url})
    (line,) = (folder / "all.jsonl").read_bytes().splitlines()
    assert line.isascii()
    assert b"\x7f" not in line
    assert b"1e999" in line
    assert json.loads(line)["path"] == row["path"]
    assert json.loads(line)["user_agent"] == "a\nb"


def test_a_server_that_does_not_say_whose_key_it_is(shell: Shell, folder: Path) -> None:
    answers: list[Answer] = [("404 Not Found", {}, b'{"message": "no"}'), ("200 OK", {}, listing(ENTRY))]
    with answering(*answers) as (_, url):
        shell("history export out/all.jsonl", env={"ASTALTY_API_KEY": "x" * 30, "ASTALTY_BASE_URL": url})
    assert manifest_of(folder / "all.jsonl")["account_id"] is None


def test_a_first_call_that_fails_leaves_nothing(shell: Shell, folder: Path) -> None:
    with answering(("401 Unauthorized", {}, b'{"message": "no"}')) as (_, url):
        env = {"ASTALTY_API_KEY": "x" * 30, "ASTALTY_BASE_URL": url}
        told = shell("history export out/all.jsonl", env=env, code=4).err
    assert "same command" not in told
    assert names(folder) == set()


def test_if_nobody_says_whose_it_is_only_the_same_key_continues(shell: Shell, folder: Path) -> None:
    no: Answer = ("404 Not Found", {}, b'{"message": "no"}')
    accepted: Answer = ("200 OK", {}, listing())
    begins: list[Answer] = [
        no,
        accepted,
        ("200 OK", {}, listing(ENTRY)),
        ("500 No", {}, b"{}"),
    ]  # it breaks off after the pin
    goes_on: list[Answer] = [("200 OK", {}, listing(ENTRY))]
    with answering(*begins, *goes_on) as (server, url):
        mine = {"ASTALTY_API_KEY": "x" * 30, "ASTALTY_BASE_URL": url}
        shell("history export out/all.jsonl", env=mine, code=6)
        server.answers[len(server.calls) :] = [no, accepted]
        refused = shell("history export out/all.jsonl", env=mine | {"ASTALTY_API_KEY": "y" * 30}, code=5)
        assert "different account" in refused.err
        server.answers[len(server.calls) :] = goes_on
        shell("history export out/all.jsonl", env=mine)
    assert [row["id"] for row in exported(folder / "all.jsonl")] == [ENTRY["id"]]


def test_a_manifest_of_another_export_is_not_written_over(filled: Account, folder: Path) -> None:
    (folder / "all.jsonl.manifest.json").write_text("mine")
    refused = filled.shell("history export out/all.jsonl", code=5)
    assert "out/all.jsonl.manifest.json already exists" in refused.err
    assert (folder / "all.jsonl.manifest.json").read_text() == "mine"
    filled.shell("history export out/all.jsonl --force")
    assert manifest_of(folder / "all.jsonl")["requests"] > 0


@pytest.mark.parametrize("name", ["all.jsonl", "all.csv", "all.jsonl.manifest.json"])
def test_a_target_that_is_a_mount_point_is_named_before_any_call(
    filled: Account, folder: Path, name: str
) -> None:
    line = f"history export out/{name.removesuffix('.manifest.json')} {UNTIL} --force"
    source, target = filled.shell.home / "source", folder / name
    for path in (source, target):
        path.write_text("as it was")
    calls = filled.calls()
    with bound(source, target):
        assert f"Cannot write out/{name}: " in filled.shell(line, code=2).err
        assert target.read_text() == "as it was"
    assert filled.calls() == calls
    assert names(folder) == {name}


def test_a_dash_is_no_file(shell: Shell) -> None:
    refused = shell("history export - --format jsonl -p sandbox", code=2)
    assert "history list --all -o jsonl" in refused.err
    assert not (shell.home / "-").exists()
