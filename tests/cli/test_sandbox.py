"""`astalty sandbox`: the same API on this machine, its own data, and what keeps it private."""

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.accounts import Account
from tests.support.shell import ASTALTY, Shell
from tests.support.terminal import Terminal


@contextmanager
def serve(shell: Shell, flags: str = "") -> Iterator[str]:
    """Run `astalty sandbox serve` as a user does; yield the base URL that it prints."""
    line = [str(ASTALTY), "sandbox", "serve", "--port", "0", *flags.split()]
    with subprocess.Popen(
        line, env=shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0


def test_info_says_where_the_data_is_and_how_to_use_it(sandbox: Account) -> None:
    info = sandbox.shell("sandbox info --json").json
    assert info["database"] == str(sandbox.home.database)
    assert info["owner"]
    assert info["email"].endswith(".example")
    assert "-p sandbox" in sandbox.shell("sandbox info").err


def test_the_lines_that_info_shows_call_a_served_sandbox_with_the_key_on_stdin(sandbox: Account) -> None:
    (script,) = re.findall(
        r"^  (KEY=.*?participants)$", sandbox.shell("sandbox info").err, re.MULTILINE | re.DOTALL
    )
    assert not re.search(r"curl .*\$", script)  # its arguments can be read by every user of the machine
    with serve(sandbox.shell) as url:
        here = script.replace("http://127.0.0.1:8787", url)
        called = subprocess.run(
            ["bash", "-c", here], env=sandbox.shell.environ, capture_output=True, check=True, timeout=60
        )
    assert json.loads(called.stdout)["meta"]["total"] == 60


def test_its_files_are_private(sandbox: Account) -> None:
    sandbox.shell("keys list")
    assert stat.S_IMODE(sandbox.home.database.parent.stat().st_mode) == 0o700
    for file in sandbox.home.database.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_reset_starts_afresh(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create mine --plain")
    assert "--yes" in shell("sandbox reset", code=2).err
    shell("sandbox reset --yes")
    assert not sandbox.home.database.exists()
    assert not sandbox.home.key_file.exists()
    assert "mine" not in [row[1] for row in shell("keys list").rows]


def test_serve_and_the_profile_share_one_account(sandbox: Account) -> None:
    shell = sandbox.shell
    secret = shell("sandbox info --reveal --query key").out.strip()
    shell("keys create from-the-profile --plain")
    with serve(shell) as url:
        over_http = {"ASTALTY_PROFILE": "default", "ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": secret}
        assert "from-the-profile" in [row[1] for row in shell("keys list", env=over_http).rows]
        request = urllib.request.Request(
            f"{url}/public/v1/participants", headers={"Authorization": f"Bearer {secret}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["meta"]["total"] == 60


def test_serve_shows_a_sign_in_link_beside_the_base_url_that_scripts_read(shell: Shell) -> None:
    with subprocess.Popen(
        [str(ASTALTY), "sandbox", "serve", "--port", "0"],
        env=shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stderr is not None
        url = server.stdout.readline().strip()
        link = server.stderr.readline().split()[-1]
        assert link.startswith(f"{url}/sign-in/")
        with httpx.Client(follow_redirects=True) as browser:
            assert "Request history" in browser.get(link).text
            assert browser.get(f"{url}/dashboard/keys").status_code == 200
        assert httpx.get(link).status_code == 403
        form = {"Origin": url}
        assert httpx.post(f"{url}/sign-in/new-link", headers=form).status_code == 200
        said = ""
        while "/sign-in/" not in said:
            said = server.stderr.readline()
        assert httpx.get(said.split()[-1]).status_code == 303
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
        assert server.stdout.read() == ""


def test_serve_takes_a_database_of_its_own(shell: Shell) -> None:
    file = shell.home / "other" / "mine.db"
    with serve(shell, f"--database {file}") as url:
        assert file.exists()
        secret = file.with_name("mine.db.key").read_text().strip()
        env = {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": secret}
        assert shell("keys list", env=env).rows
    assert not shell.sandbox_folder.exists()


def test_serve_limits_the_rate_as_it_is_told(shell: Shell) -> None:
    with serve(shell, "--rate-limit 2") as url:
        secret = (shell.sandbox_folder / "sandbox.db.key").read_text().strip()
        env = {"ASTALTY_BASE_URL": url, "ASTALTY_API_KEY": secret}
        shell("keys list", env=env)
        shell("keys list", env=env)
        assert "Rate limited" in shell("keys list --timeout 1", env=env, code=6).err


def test_serve_offers_only_the_documented_calls_if_told_so(shell: Shell) -> None:
    key = shell("sandbox info --reveal --query key").out.strip()
    with serve(shell, "--surface documented") as url:
        env = {"ASTALTY_API_KEY": key, "ASTALTY_BASE_URL": url}
        assert shell("api participants?page[size]=1 --query meta.total", env=env).out == "60\n"
        shell("api api-keys", env=env, code=3)
    shell("api api-keys -p sandbox")  # in the process, all are there


def test_serve_creates_keys_as_sanctum_does_if_told_so(shell: Shell) -> None:
    file = shell.home / "other.db"
    with serve(shell, f"--database {file} --key-style sanctum") as url:
        own = file.with_name("other.db.key").read_text().strip()
        assert re.fullmatch(r"1\|[0-9A-Za-z]{48}", own)
        env = {"ASTALTY_API_KEY": own, "ASTALTY_BASE_URL": url}
        created = shell("keys create ci --plain", env=env).out.strip()
        rotated = shell("keys rotate ci --plain --grace 1h", env=env).out.strip()
        assert [each.partition("|")[0] for each in (created, rotated)] == ["2", "3"]
        shell("api participants", env=env | {"ASTALTY_API_KEY": rotated.partition("|")[2]})
        entry = shell("history list --method POST -L 1 --query [0].id", env=env).out.strip()
        logged = shell(f"history show {entry} --json", env=env).out
        assert not any(each.partition("|")[2] in logged for each in (own, created, rotated))
    with serve(shell, f"--database {file}"):
        assert file.with_name("other.db.key").read_text().strip() == own  # it works, and is kept


def test_a_served_sandbox_limits_its_callers_across_commands(shell: Shell) -> None:
    """Each command is a process of its own, and the service counts them all."""
    key = shell("sandbox info --reveal --query key").out.strip()
    with serve(shell, "--rate-limit 3") as url:
        env = {"ASTALTY_API_KEY": key, "ASTALTY_BASE_URL": url}
        for _ in range(3):
            shell("api participants", env=env)
        limited = shell("api participants --timeout 0.5", env=env, code=6)
    assert "Rate limited" in limited.err


def test_the_sandbox_in_the_process_has_no_limit(sandbox: Account) -> None:
    answer = sandbox.shell("api participants -i").out
    assert "X-RateLimit-Limit: 1000000\n" in answer.title().replace("Ratelimit", "RateLimit")
    with closing(sqlite3.connect(sandbox.home.database)) as database, database:
        database.execute("UPDATE api_keys SET window_calls = 60")
    sandbox.shell("keys list --timeout 5")


@pytest.mark.parametrize("line", ["keys list", "sandbox info", "sandbox serve --port 0"])
def test_a_database_of_a_newer_version_is_left_alone(sandbox: Account, line: str) -> None:
    sandbox.shell("keys list")
    with closing(sqlite3.connect(sandbox.home.database)) as database, database:
        database.execute("PRAGMA user_version = 999")
        before = list(database.iterdump())
    refused = sandbox.shell(line, code=2)
    assert "newer astalty" in refused.err
    with closing(sqlite3.connect(sandbox.home.database)) as database, database:
        assert database.execute("PRAGMA user_version").fetchone() == (999,)
        assert list(database.iterdump()) == before


def test_a_file_that_is_no_database_is_left_alone(sandbox: Account) -> None:
    sandbox.home.database.parent.mkdir(parents=True, mode=0o700)
    sandbox.home.database.write_bytes(b"a letter to my mother " * 100)
    sandbox.home.database.chmod(0o600)
    refused = sandbox.shell("keys list", code=2)
    assert "Move it away" in refused.err
    assert sandbox.home.database.read_bytes().startswith(b"a letter to my mother")


def test_a_key_file_open_to_others_is_refused(sandbox: Account) -> None:
    sandbox.shell("keys list")
    sandbox.home.key_file.chmod(0o644)
    assert "chmod 600" in sandbox.shell("keys list", code=2).err


def test_sigterm_ends_a_server_as_ctrl_c_does(shell: Shell) -> None:
    with subprocess.Popen(
        [str(ASTALTY), "sandbox", "serve", "--port", "0"],
        env=shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        assert server.stdout.readline().startswith("http://127.0.0.1:")
        server.terminate()
        assert server.wait(30) == 0


def test_a_port_in_use_is_said(shell: Shell) -> None:
    with serve(shell) as url:
        port = url.rpartition(":")[2]
        assert "the port is in use" in shell(f"sandbox serve --port {port}", code=2).err


def test_without_the_extra_it_names_the_command_that_helps(sandbox: Account) -> None:
    folder = sandbox.shell.home / "without"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'falcon' else find(name, *a)\n"
    )
    for line in ("keys list", "sandbox tour", "sandbox serve", "sandbox info"):
        missing = sandbox.shell(line, env={"PYTHONPATH": str(folder)}, code=2)
        assert f"{sys.executable} -m pip install falcon waitress\n" in missing.err


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 130), ("", 130)])
def test_reset_asks_on_a_terminal(sandbox: Account, answer: str, code: int) -> None:
    sandbox.shell("keys create mine --plain")
    terminal = Terminal(sandbox.shell, "sandbox reset", columns=200)
    terminal.expect(f"Remove {sandbox.home.database} with its keys and its history? [y/N]")
    terminal.type(answer)
    terminal.ends(code)
    assert sandbox.home.database.exists() == bool(code)
    assert ("mine" in [row[1] for row in sandbox.shell("keys list").rows]) == bool(code)


def put_in_place(path: Path, kind: str) -> Path:
    """Something of the user's at the path; return where its content is."""
    foreign = path.parent.parent / "foreign.db"
    path.unlink(missing_ok=True)
    if kind in {"a database", "a link to a database"}:
        with closing(sqlite3.connect(foreign)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE x(y)")
    match kind:
        case "a folder":
            path.mkdir()
            (path / "letter").write_text("to my mother")
            return path / "letter"
        case "a text":
            path.write_text("a letter to my mother")
        case "nothing in a file":
            path.touch()
        case "a database":
            foreign.rename(path)
        case _:
            path.symlink_to(foreign)
            foreign.touch()
            return foreign
    return path


@pytest.mark.parametrize("name", ["sandbox.db", "sandbox.db-wal", "sandbox.db.key", "keys.toml"])
@pytest.mark.parametrize("kind", ["a folder", "a link", "a link to a database"])
def test_reset_removes_nothing_but_files_of_its_own(sandbox: Account, name: str, kind: str) -> None:
    sandbox.shell("keys create mine --plain")
    folder = sandbox.home.database.parent
    content = put_in_place(folder / name, kind)
    before = {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}, content.read_bytes()
    refused = sandbox.shell("sandbox reset --yes", code=2).err
    assert f"{folder / name} is not a regular file." in refused
    assert ({path: path.lstat().st_mtime_ns for path in folder.rglob("*")}, content.read_bytes()) == before


@pytest.mark.parametrize("kind", ["a text", "a database", "nothing in a file"])
def test_reset_removes_no_database_but_a_sandbox(sandbox: Account, kind: str) -> None:
    sandbox.shell("keys list")
    path = put_in_place(sandbox.home.database, kind)
    before = path.read_bytes()
    for line in ("sandbox reset --yes", "keys list"):
        refused = sandbox.shell(line, code=2).err
        assert str(path) in refused
        assert "Move it away" in refused
    assert path.read_bytes() == before
    assert sandbox.home.key_file.exists()


def test_reset_removes_a_sandbox_that_is_damaged(sandbox: Account) -> None:
    sandbox.shell("keys create mine --plain")
    with sandbox.home.database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 50_000)
    assert "sandbox reset" in sandbox.shell("keys list", code=2).err
    sandbox.shell("sandbox reset --yes")
    assert "mine" not in [row[1] for row in sandbox.shell("keys list").rows]


@pytest.mark.parametrize("flags", ["--database x.db", "--database x.db --yes"])
def test_reset_takes_no_other_database(shell: Shell, flags: str) -> None:
    (shell.home / "x.db").write_text("mine")
    assert "--database" in shell(f"sandbox reset {flags}", code=2).err
    assert (shell.home / "x.db").read_text() == "mine"


def test_reset_is_refused_while_a_server_runs(shell: Shell) -> None:
    with serve(shell):
        assert "is in use" in shell("sandbox reset --yes", code=2).err


NONE_OF_OURS = "/ . .. folder fifo /dev/null /dev/zero text empty other.db dangling text/x /proc/self/mem"


@pytest.mark.parametrize("name", ["", "x" * 300, *NONE_OF_OURS.split()])
def test_what_is_no_database_is_named(shell: Shell, name: str) -> None:
    home = shell.home
    (home / "folder").mkdir()
    os.mkfifo(home / "fifo")
    (home / "text").write_text("no database " * 1000)
    (home / "empty").touch()
    (home / "dangling").symlink_to("nowhere")
    with closing(sqlite3.connect(home / "other.db")) as connection:
        connection.execute("CREATE TABLE x(y)")
    before = sorted(home.rglob("*"))
    for line in ("serve --port 0", "seed --entries 1"):
        refused = shell(f"sandbox {line} --database '{name}'", code=2)
        assert (name or ".") in refused.err
        assert refused.out == ""
    assert [path for path in sorted(home.rglob("*")) if ".config" not in path.parts] == before
