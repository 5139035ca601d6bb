"""A key in each form, and what fails beside it: destinations, time-outs, programs, bugs, a server."""

import json
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support.canaries import KEYS, files_with, is_in, spelled
from tests.support.documented import PARTICIPANT
from tests.support.hostile import ACCOUNT, KEY, Answer, Scripted, at, listing, one, speaking
from tests.support.serving import serving
from tests.support.shell import ASTALTY, Result, Shell

FORMS = pytest.mark.parametrize("form", KEYS)
OWN = "own_key_of_this_machine_0123456789"

# Prints what it is given, as it is and in other spellings, and fails.
REPEATS = f"""#!{sys.executable}
import base64, json, sys, urllib.parse
text = sys.stdin.read().strip()
for stream in (sys.stdout, sys.stderr):
    print(text, json.dumps(text), urllib.parse.quote(text, safe=""), text.upper(), file=stream)
    print(base64.b64encode(text.encode()).decode(), text[::-1], text.encode().hex(), file=stream)
    print(*[text[at:at + 13] for at in range(0, len(text), 13)], file=stream)
sys.exit(3)
"""
# Takes the folder of another destination away, which was there when it was looked at.
SABOTAGES = """#!/bin/sh
cat > /dev/null
rm -r "$HOME/later" && touch "$HOME/later"
"""
GH = """#!/bin/sh
[ "$2" = list ] && exit 0
exec "$HOME/programs/repeats"
"""


def issuing(secret: str) -> Scripted:
    """A service that gives out one secret for every creation and rotation, and accepts that and OWN."""
    rotated = {**KEY, "rotation": 1, "last_four": secret[-4:]}
    answers: dict[str, Answer] = {
        "list": ("200 OK", {}, listing(KEY)),
        "one": ("200 OK", {}, one(KEY)),
        "current": ("200 OK", {}, one({**KEY, "id": PARTICIPANT["id"], "account": ACCOUNT})),
        "new": ("200 OK", {}, one({**rotated, "account": ACCOUNT})),
        "participants": ("200 OK", {}, listing()),
        "created": ("201 Created", {}, one({**KEY, "name": "x", "last_four": secret[-4:], "secret": secret})),
        "rotated": ("201 Created", {}, one({**rotated, "secret": secret})),
        "else": ("500 No", {}, json.dumps({"message": " ".join(spelled(secret))}).encode()),
    }

    def name(method: str, path: str, bearer: str) -> str:
        path = path.removeprefix("/public/v1")
        if path == "/api-keys/current":
            return "new" if bearer == secret else "current"
        if method == "POST":
            return {"/api-keys": "created", f"/api-keys/{KEY['id']}/rotate": "rotated"}.get(path, "else")
        known = {"/api-keys": "list", f"/api-keys/{KEY['id']}": "one", "/participants": "participants"}
        return known.get(path, "else")

    return Scripted(answers, name)


@pytest.fixture
def programs(shell: Shell) -> Path:
    folder = shell.home / "programs"
    folder.mkdir()
    for name, text in {"repeats": REPEATS, "sabotages": SABOTAGES, "gh": GH, "xclip": REPEATS}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (shell.home / "later").mkdir(mode=0o700)
    shell.environ |= {"PATH": f"{folder}:{shell.environ['PATH']}", "DISPLAY": ":0"}
    return folder


def ensure_nowhere(key: str, shell: Shell, line: str, result: Result) -> None:
    assert not is_in(result.out, key), (line, result.out)
    assert not is_in(result.err, key), (line, result.err)
    assert files_with(key, shell.home) == [], line


@FORMS
def test_destinations_that_fail(shell: Shell, programs: Path, form: str) -> None:
    key = KEYS[form]
    failing = {
        "--to exec:repeats": 7,
        "--to github:a/b#C": 7,
        "--copy": 7,
        "--to exec:sabotages --to file:later/new": 7,
        "--to keyring:new": 2,
        "--to exec:programs/none": 2,
    }
    verbs = ("create x", f"rotate {KEY['id']}")
    with serving(issuing(key)) as url:
        shell.environ |= at(url, OWN)
        for number, (to, code) in enumerate(failing.items()):
            line = f"keys {verbs[(number + list(KEYS).index(form)) % 2]} {to} -v"
            ensure_nowhere(key, shell, line, shell(line, code=code))
            again = shell("keys recover --yes -v", code=code if code == 7 else 0)
            ensure_nowhere(key, shell, f"{line}: recover", again)
            for entry in shell("keys recover --json", code=code if code == 7 else 0).json:
                ensure_nowhere(key, shell, line, shell(f"keys recover {entry['id']} --abandon --yes"))


@FORMS
def test_what_takes_too_long(shell: Shell, form: str) -> None:
    """The server hears the key and never answers."""
    key = KEYS[form]
    heard: list[bytes] = []
    lines = ("keys list", "history export o.csv --bodies", "doctor", "auth status --json",
             "api x -X POST -f a=b", "keys rotate x --plain",
             "auth login --with-token --storage file")  # fmt: skip

    def wait(connection: socket.socket) -> None:
        connection.recv(1)  # until the other side gives up

    with speaking(wait, heard) as url:
        for line in lines[list(KEYS).index(form) % 2 :: 2]:
            result = shell(f"{line} --timeout 0.3 -v", code=6, stdin=key, env=at(url, key))
            ensure_nowhere(key, shell, line, result)
    assert any(key.encode() in each for each in heard)


@FORMS
def test_dry_runs_and_proxies(shell: Shell, form: str) -> None:
    key = KEYS[form]
    with serving(issuing(key)) as url:
        for line in (
            "keys create x --to file:new --dry-run -v",
            f"keys rotate {KEY['id']} --plain --dry-run --json",
            "keys panic --with-token --dry-run --plain",
            f"api participants -X POST -f {shlex.quote(key)}=1 --dry-run",
            f"api participants -f token={quote(key)} -H 'X-Api-Key: {quote(key)}' --dry-run -v",
        ):
            ensure_nowhere(key, shell, line, run(shell, line, at(url, key), key.encode()))
    proxy = {"HTTPS_PROXY": f"http://user:{quote(key, safe='')}@127.0.0.1:9", "ASTALTY_API_KEY": OWN}
    for line in ("doctor -v", "doctor --json", "keys list -v", "endpoints list --refresh"):
        ensure_nowhere(key, shell, line, run(shell, line, proxy))


@FORMS
def test_programs_that_cannot_be_run(shell: Shell, form: str) -> None:
    key = KEYS[form]
    (shell.home / "text").write_text("no program")
    (shell.home / "text").chmod(0o755)
    for words in (["./none"], ["./text"], [key], [f"./{key}", key], ["sh", "-c", "exit 9", key]):
        environ = {**shell.environ, **at("http://127.0.0.1:9", key)}
        result = shell._run(["auth", "exec", "-v", "--", *words], b"", environ)
        assert result.code in {2, 9}, (words, result)
        ensure_nowhere(key, shell, str(words), result)


BUG = """
import sys
from astalty_cli.api.http import Http
def bug(*words, **named):
    raise RuntimeError(KEY)
Http.request = bug
from astalty_cli.__main__ import entry
entry()
"""


@FORMS
@pytest.mark.parametrize("line", ["keys list -v", "history list --json", "api x", "keys create x --plain"])
def test_a_bug_repeats_nothing_of_the_key_that_it_holds(shell: Shell, form: str, line: str) -> None:
    key = KEYS[form]
    done = subprocess.run(
        [sys.executable, "-c", BUG.replace("KEY", repr(key)), *line.split()],
        env={**shell.environ, **at("http://127.0.0.1:9", key)},
        cwd=shell.home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done
    assert "This is a bug of astalty: RuntimeError" in done.stderr
    ensure_nowhere(key, shell, line, Result(done.returncode, done.stdout, done.stderr))


def test_the_log_and_the_history_of_a_served_sandbox(shell: Shell) -> None:
    """Whatever the form of a key, and wherever it is sent: where it belongs, and where it doesn't."""
    with subprocess.Popen(
        [ASTALTY, "sandbox", "serve", "--port", "0"],
        env=shell.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            with httpx.Client(base_url=f"{url}/public/v1") as client:
                for key in KEYS.values():
                    headers = {"Authorization": f"Bearer {key}", "User-Agent": f"x {key}", "X-Token": key}
                    client.get(f"/{quote(key, safe='')}", params={"token": key, key: "1"}, headers=headers)
                    client.post("/api-keys", json={"name": key, "token": key}, headers=headers)
                    client.post("/api-keys", content=key.encode(), headers={"Authorization": key})
                    client.request("BAD" + quote(key, safe=""), "/x", headers=headers)
        finally:
            server.send_signal(signal.SIGINT)
            out, err = server.communicate(timeout=60)
    assert server.returncode == 0
    for key in KEYS.values():
        ensure_nowhere(key, shell, "sandbox serve", Result(0, url + out, err))


def run(shell: Shell, line: str, env: dict[str, str], stdin: bytes = b"") -> Result:
    """Run it; whatever comes of it, it is no bug of ours."""
    result = shell._run(shlex.split(line), stdin, {**shell.environ, **env})
    assert result.code not in {1, 130}, (line, result)
    return result
