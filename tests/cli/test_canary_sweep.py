"""Every command, and much that can fail, with keys of four forms: none is printed, stored or logged.

A key is typed where it does not belong, repeated by the service in every spelling, and put into files that
are damaged. What is printed and what is on the disk is then looked through for any piece of it.
"""

import json
import shlex
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.canaries import KEYS, files_with, is_in, spelled
from tests.support.hostile import ACCOUNT, ENTRY, KEY, Answer, answering, at, listing, one
from tests.support.shell import Result, Shell

NOWHERE = "http://127.0.0.1:9"  # nobody listens there
OTHER = "other_key_of_this_machine_0123456789"
FORMS = pytest.mark.parametrize("form", KEYS)

TYPED = (
    "{}", "keys {}", "keys --{}", "keys list --{}", "completion {}", "doctor {}", "auth {}",
    "keys show {}", "keys create {} --plain", "keys create x --to {}", "keys create x --to file:{}",
    "keys create x --to dotenv:{}#A", "keys create x --to exec:{}", "keys create x --to github:a/{}#A",
    "keys create x --to keyring:{}", "keys rename x {}", "keys rotate {} --plain", "keys rotate x --grace {}",
    "keys revoke {} --yes", "keys audit --unused {}", "keys recover {}", "keys panic {}",
    "keys list -p {}", "keys list --base-url {}", "keys list --base-url https://{}", "keys list --timeout {}",
    "keys list --base-url https://x.example/{}", "keys list --ca-file {}", "keys list -o {}",
    "keys list --fields {}", "keys list --query {}", "keys list --sort {}", "keys list --status {}",
    "auth login -p {} --with-token", "auth login {}", "auth switch {}", "auth logout -p {}",
    "history list --path {}", "history list --path /a/{}", "history list --user {}", "history list --key {}",
    "history list --user {}@x.example", "history list --status {}", "history list --since {}",
    "history list --method {}", "history show {}", "history stats --by {}", "history export {}",
    "history export a.{}", "history tail --path {} --timeout 1", "history list --offline --path {}",
    "api {}", "api a/{} -v", "api a?token={} --dry-run", "api a/{} --dry-run", "api x -f token={} --dry-run",
    "api x -f 'a[b]={}' --dry-run", "api x -H 'X-Token: {}' --dry-run", "api x -X {}", "api x -F a=@{}",
    "api x --input {}", "api x -H {}", "api x -f {}", "endpoints show GET {}", "endpoints list {} --from {}",
    "sandbox seed {}", "sandbox info {}", "__complete keys show {}", "__complete keys list -p {}",
)  # fmt: skip


def run(shell: Shell, line: str, env: dict[str, str], stdin: bytes = b"") -> Result:
    """Run it; whatever comes of it, it is no bug of ours."""
    result = shell._run(shlex.split(line), stdin, {**shell.environ, **env})
    assert result.code not in {1, 130}, (line, result)
    assert "Traceback" not in result.err, (line, result)
    return result


def ensure_nowhere(key: str, shell: Shell, line: str, result: Result, *, but: tuple[Path, ...] = ()) -> None:
    assert not is_in(result.out, key), (line, result.out)
    assert not is_in(result.err, key), (line, result.err)
    assert files_with(key, shell.home, but=but) == [], line


@FORMS
def test_a_key_of_ours_that_is_typed_in_the_wrong_place(shell: Shell, form: str) -> None:
    """The key is in the environment, so that it is known in any form."""
    key = KEYS[form]
    for number, line in enumerate(TYPED):
        if (number + list(KEYS).index(form)) % 2:
            continue  # each line with two of the forms
        word = quote(key, safe="") if number % 5 == 4 else key
        typed = _typed(line, word)
        json_flag = " --json" if number % 2 and "__complete" not in line else ""
        result = run(shell, typed + json_flag, at(NOWHERE, key))
        ensure_nowhere(key, shell, typed, result)


@pytest.mark.parametrize("form", ["ours", "sanctum", "plain"])
def test_a_key_that_nobody_knows_is_typed_in_the_wrong_place(shell: Shell, form: str) -> None:
    key = KEYS[form]
    for number, line in enumerate(TYPED):
        if form == "plain" and "api" in line and "token" not in line.lower():
            continue  # what no name calls a credential may be anything
        if form != "sanctum" and number % 3:
            continue
        result = run(shell, _typed(line, key) + (" --json" if number % 2 else ""), at(NOWHERE, OTHER))
        ensure_nowhere(key, shell, line, result)


def _typed(line: str, word: str) -> str:
    """The line with the word in it, each of its words quoted for the shell."""
    return shlex.join(each.replace("{}", word) for each in shlex.split(line))


# -- what a service may answer ---------------------------------------------------------------------

LINES = (
    "keys list", "keys show x", "keys create x --plain", "keys rotate x --plain", "keys audit",
    "keys revoke x --yes --allow-self", "history list", f"history show {ENTRY['id']}", "history stats",
    "history export out.jsonl --force", "history sync", "history export two.csv --bodies --force",
    "history sync --bodies", "history tail --timeout 1", "doctor",
    "auth status", "auth login --with-token --storage file", "endpoints list --refresh", "api x -i",
    "api x --paginate", "api x -f a=b -i", "api x --query data", "keys panic --with-token --yes",
)  # fmt: skip


def answers(key: str) -> dict[str, Answer]:
    """Each with the key in every spelling, wherever there is room for it."""
    said = " ".join(f"<{each}>" for each in spelled(key))
    in_head = {f"X-Debug-{number}": quote(each, safe="$#|\"'+/=") for number, each in enumerate(spelled(key))}
    refusal = json.dumps(
        {"message": said, "errors": {"name": [said], key: [key]}, "trace": spelled(key)}
    ).encode()
    page = f"<html><title>{said}</title><a href='/?token={quote(key)}'>{key}</a></html>".encode()
    rows = [{**KEY, "name": each, "created_by": {**KEY["created_by"], "name": each}} for each in spelled(key)]
    bodies = {side: {"headers": {"X": said}, "body": spelled(key), "truncated": False}
              for side in ("request", "response")}  # fmt: skip
    entry = {**ENTRY, **bodies}
    entries = [{**entry, "id": f"{ENTRY['id'][:-2]}{number:02}", "path": f"/a?x={each}", "user_agent": each}
               for number, each in enumerate(spelled(key))]  # fmt: skip
    moved = {"Location": f"https://x.example/?key={quote(key, safe='')}"}
    current = {**KEY, "account": {**ACCOUNT, "name": said}}
    return {
        **{status[:3]: (status, in_head, refusal)
           for status in ("401 No", "403 No", "404 No", "409 No", "422 No", "429 No", "500 No")},
        "redirect": ("302 Found", {**in_head, **moved}, page),
        "page": ("200 OK", {**in_head, "Content-Type": "text/html"}, page),
        "error page": ("502 Bad", {"Content-Type": "text/html"}, page),
        "cut": ("200 OK", in_head, refusal[:-20]),
        "keys": ("200 OK", in_head, listing(*rows)),
        "entries": ("200 OK", in_head, listing(*entries)),
        "entry": ("200 OK", in_head, one({**ENTRY, "path": f"/a/{quote(key)}", **bodies})),
        "current": ("200 OK", in_head, one(current)),
    }  # fmt: skip


@FORMS
def test_a_service_that_repeats_the_key(shell: Shell, form: str) -> None:
    key = KEYS[form]
    for kind, (name, answer) in enumerate(answers(key).items()):
        with answering(answer) as (_, url):
            for number, line in enumerate(LINES):
                if (kind + number + 2 * list(KEYS).index(form)) % 7:
                    continue
                flags = " -v" + (" --json" if (kind + number) % 3 == 0 and "--plain" not in line else "")
                # The same key at the same place is signed in with, so that its own file is its storage.
                result = run(shell, line + flags, at(url, key), key.encode())
                storage = tuple((shell.config / "keys").glob("*.json"))
                ensure_nowhere(key, shell, f"{name}: {line}", result, but=storage)


@FORMS
def test_a_service_that_repeats_a_stored_key(shell: Shell, form: str) -> None:
    """No variable has it: it is read from the file that it is stored in."""
    key = KEYS[form]
    storage = shell.config / "keys" / "default.json"
    for name in ("422", "redirect"):
        with answering(answers(key)[name]) as (_, url):
            for folder in (shell.config, storage.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            profile = f'[profiles.default]\nbase_url = "{url}"\nstorage = "file"\n'
            for file, text in (
                (shell.config / "config.toml", profile),
                (storage, json.dumps({"origin": url, "secret": key})),
            ):
                file.touch(0o600)
                file.write_text(text)
            for line in ("keys list -v", "api x -v --json", "auth status", "doctor", *TYPED[7:40:4]):
                typed = _typed(line, key)
                ensure_nowhere(key, shell, line, run(shell, typed, {}), but=(storage,))


# -- what may be on the disk -----------------------------------------------------------------------


@FORMS
def test_files_that_are_damaged_with_a_key_in_them(shell: Shell, form: str) -> None:
    key = KEYS[form]
    toml = json.dumps(key)
    damaged = {
        "config.toml": [f"default_profile = {toml}\n", f"[profiles.x]\nbase_url = {toml}\n", f"{toml}\n",
                        f"[profiles.{toml}]\nbase_url = 5\n"],
        "journal/0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a.json": [json.dumps({"name": key}), key],
        "keys/x.json": [json.dumps({"origin": NOWHERE, "secret": 5, "x": key}), key],
    }  # fmt: skip
    for path, texts in damaged.items():
        for text in texts:
            file = shell.config / path
            for folder in (shell.config, file.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_text(text)
            file.chmod(0o600)
            for line in ("keys list -v", "doctor", "auth status --json", "keys recover", "keys list -p x"):
                result = run(shell, line, at(NOWHERE, key))
                ensure_nowhere(key, shell, f"{path}: {line}", result, but=(file,))
            file.unlink()


READS = (
    "history list", "history list --json", "history tail --since 90d --timeout 1", "history stats --by path",
    "history export a.jsonl", "history export b.jsonl --bodies",
    "history sync --bodies", "history list --offline",
)  # fmt: skip


@pytest.mark.parametrize("form", ["ours", "sanctum"])
def test_a_key_that_nobody_knows_in_the_history(shell: Shell, form: str) -> None:
    """What has the shape of a key is in no list, no export, no mirror and no figure."""
    key = KEYS[form]
    entry = {**ENTRY, "path": f"/public/v1/a/{quote(key)}?q={key}&token={KEYS['plain']}", "user_agent": key}
    side = {"headers": {"X": key}, "body": {"a": key, "b": f"x {key}", "token": key}, "truncated": False}
    with answering(("200 OK", {}, listing({**entry, "request": side, "response": side}))) as (_, url):
        for line in READS:
            ensure_nowhere(key, shell, line, run(shell, f"{line} -v", at(url, OTHER)))
    with answering(("200 OK", {}, one({**entry, "request": side, "response": side}))) as (_, url):
        for flags in ("", "--json", "--as curl", "--request", "--query response.body"):
            shown = run(shell, f"history show {ENTRY['id']} {flags}", at(url, OTHER))
            ensure_nowhere(key, shell, flags, shown)
        revealed = shell(f"history show {ENTRY['id']} --json --reveal", env=at(url, OTHER))
        assert json.loads(revealed.out)["request"]["body"]["a"] == key


def test_what_is_looked_for_is_found(shell: Shell) -> None:
    for key in KEYS.values():
        for each in spelled(key):
            assert is_in(f"a {each} b", key)
        assert not is_in(f"…{key[-4:]} " + " ".join(TYPED), key)
    (shell.home / "note").write_text(KEYS["sanctum"][3:])
    assert files_with(KEYS["sanctum"], shell.home) == [shell.home / "note"]


CREDENTIALS = {
    "token": "a7", "secret": "correct horse", "password": "wombat!", "authorization": "Basic x",
    "plainTextToken": KEYS["plain"], "api_key": KEYS["plain"], "X-Auth-Token": KEYS["plain"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("history export out.jsonl --bodies", "out.jsonl"),
        ("history export out.csv --bodies", "out.csv"),
        ("history export out --bodies --format parquet", "out"),
        ("history sync --bodies", ".local/share/astalty"),
    ],
)
def test_what_is_called_a_credential_is_in_no_file_of_the_history(shell: Shell, line: str, name: str) -> None:
    """As in `history show`: JSON fields, headers, queries and forms, whatever their values look like."""
    form = "&".join(f"{each}={quote(value)}" for each, value in CREDENTIALS.items())
    request = {"headers": CREDENTIALS, "body": {"a": [CREDENTIALS], "kept": "Acacia"}, "truncated": False}
    response = {
        "headers": {"Location": f"/x?{form}"},
        "body": f"{form}&kept=Bowerbird",
        "truncated": False,
    }
    entry = {**ENTRY, "path": f"/a?{form}", "request": request, "response": response}
    with answering(("200 OK", {}, listing(entry))) as (_, url):
        run(shell, line, at(url, OTHER))
        if name.startswith("."):
            shown = shell(f"history show {ENTRY['id']} --offline --json --reveal", env=at(url, OTHER)).out
        elif name == "out":
            import duckdb

            rows = f"select * exclude created_at from '{shell.home}/out/*/*.parquet'"
            shown = str(duckdb.execute(rows).fetchall())
        else:
            shown = (shell.home / name).read_text()
    assert "Acacia" in shown
    assert "Bowerbird" in shown
    assert [each for each in CREDENTIALS.values() if each in shown or quote(each) in shown] == []
    assert files_with(KEYS["plain"], shell.home / name) == []
