"""`astalty sandbox seed`: a big account, for rehearsals."""

import json
import shlex
import sqlite3
import stat
import subprocess
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.cli.test_sandbox import serve
from tests.support.accounts import Account
from tests.support.shell import ASTALTY, Shell


def entries(database: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM api_requests ORDER BY number")]


def test_it_adds_that_many_requests_of_the_last_days(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create kept --plain")
    before = entries(sandbox.home.database)
    start = datetime.now(UTC)
    told = shell("sandbox seed --entries 25000 --days 7")
    assert not told.out
    assert "Added 25,000 requests of the last 7 days" in told.err
    assert "astalty history list" in told.err
    found = entries(sandbox.home.database)
    added = found[len(before) :]
    assert found[: len(before)] == before
    assert len(added) == 25_000
    assert len({row["id"] for row in found}) == len(found)
    times = [row["created_at"] for row in added]
    assert times == sorted(times)
    assert start - timedelta(days=7) <= datetime.fromisoformat(times[0])
    assert datetime.fromisoformat(times[-1]) <= datetime.now(UTC)
    assert {row["status"] for row in added} >= {200, 201, 401, 404, 422, 429, 500}
    assert "kept" in [row[1] for row in shell("keys list").rows]
    for file in sandbox.home.database.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_its_requests_are_found_and_have_their_bodies(sandbox: Account) -> None:
    shell = sandbox.shell
    assert "requests of the last day" in shell("sandbox seed --entries 500 --days 1").err
    rows = shell("history list --status 422 --since 1d -L 3 --json").json
    assert len(rows) == 3
    for row in rows:
        shown = shell(f"history show {row['id']} --json").json
        assert shown["request"]["headers"]["Authorization"].startswith("Bearer …")
        assert shown["response"]["body"]["errors"]


def test_a_server_shows_them_at_once(shell: Shell) -> None:
    file = shell.home / "other" / "mine.db"
    with serve(shell, f"--database {file} --rate-limit 0") as url:
        env = {
            "ASTALTY_BASE_URL": url,
            "ASTALTY_API_KEY": file.with_name("mine.db.key").read_text().strip(),
            "ASTALTY_PROFILE": "default",
        }
        total = "api '/public/v1/api-requests?page[size]=1&filter[method]=GET,POST,PATCH' --query meta.total"
        before = int(shell(total, env=env).out)
        told = shell(f"sandbox seed --entries 7000 --database {file}")
        assert f"sandbox serve --database {file}" in told.err.replace("\n", " ")
        assert int(shell(total, env=env).out) == before + 7001
    assert not shell.sandbox_folder.exists()


def test_a_server_answers_meanwhile(shell: Shell) -> None:
    file = shell.home / "other" / "mine.db"
    line = [str(ASTALTY), "sandbox", "seed", "--entries", "100000", "--database", str(file)]
    with serve(shell, f"--database {file} --rate-limit 0") as url:
        secret = file.with_name("mine.db.key").read_text().strip()
        lists = urllib.request.Request(
            f"{url}/public/v1/api-requests", headers={"Authorization": f"Bearer {secret}"}
        )
        totals = []
        with subprocess.Popen(line, env=shell.environ, stderr=subprocess.PIPE) as seed:
            while seed.poll() is None:
                with urllib.request.urlopen(lists, timeout=30) as answer:
                    totals.append(json.load(answer)["meta"]["total"])
        assert seed.returncode == 0
        with urllib.request.urlopen(lists, timeout=30) as answer:
            assert json.load(answer)["meta"]["total"] == 600 + 100_000 + len(totals)
    assert len(totals) > 1
    assert totals == sorted(totals)
    assert len(entries(file)) == 600 + 100_000 + len(totals) + 1


def test_an_interrupt_leaves_what_was_added(sandbox: Account) -> None:
    sandbox.shell("keys list")
    before = len(entries(sandbox.home.database))
    line = [str(ASTALTY), "sandbox", "seed", "--entries", "100000000"]
    with (
        subprocess.Popen(line, env=sandbox.shell.environ, stderr=subprocess.PIPE) as seed,
        closing(sqlite3.connect(sandbox.home.database)) as connection,
    ):
        count = "SELECT count(*) FROM api_requests"
        while connection.execute(count).fetchone()[0] == before:
            assert seed.poll() is None
        seed.send_signal(2)
        assert seed.wait(60) == 130
        added = connection.execute(count).fetchone()[0] - before
        assert added > 0
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert sandbox.shell("history list -L 1").rows


def test_a_full_disk_is_told(sandbox: Account) -> None:
    sandbox.shell("keys list")
    small = (
        f"ulimit -f 20000; exec {shlex.quote(str(ASTALTY))} sandbox seed --entries 1000000"  # KiB of a file
    )
    seed = subprocess.run(
        ["bash", "-c", small], env=sandbox.shell.environ, capture_output=True, text=True, check=False
    )
    assert seed.returncode == 2
    assert seed.stderr.startswith("astalty: Cannot add more requests: ")
    assert "What was added until then is there." in seed.stderr
    assert len(entries(sandbox.home.database)) > 600
    assert sandbox.shell("history list -L 1").rows


def test_numbers_that_make_no_sense_are_refused(sandbox: Account) -> None:
    for flags, told in (
        ("", "Missing option '--entries'"),
        ("--entries 0", "'0' is not a whole number from 1 up"),
        ("--entries many", "'many' is not a whole number"),
        ("--entries 5 --days 0", "'0' is not a whole number from 1 to 3650"),
        ("--entries 5 --days 99999", "'99999' is not a whole number from 1 to 3650"),
    ):
        assert told in sandbox.shell(f"sandbox seed {flags}", code=2).err
    assert not sandbox.home.database.exists()
