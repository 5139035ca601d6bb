"""A secret appears in the output of the one command that made it, and nowhere else."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.hostile import KEY, Answer, answering, one
from tests.support.shell import ASTALTY, Shell

FORMATS = ("table", "tsv", "json", "jsonl", "csv")


def files_with(text: str, *folders: Path) -> list[Path]:
    """Every file below the folders that holds the text."""
    files = (file for folder in folders for file in folder.rglob("*") if file.is_file())
    return [file for file in files if text.encode() in file.read_bytes()]


def test_no_later_command_shows_it_in_any_format(account: Account) -> None:
    shell = account.shell
    first = shell("keys create canary --plain").out.strip()
    shell("api participants -v", env={"ASTALTY_API_KEY": first})
    second = shell("keys rotate canary --json -v").json["secret"]
    key_id = shell("keys show canary --query id").out.strip()
    entries = shell("history list --since 1h --all --query \"[?contains(path, 'api-keys')].id\"").out.split()
    later = [
        *(f"keys list -o {form}" for form in FORMATS),
        *(f"keys show canary -o {form} -v" for form in FORMATS),
        *(f"history list --since 1h -o {form}" for form in FORMATS),
        *(f"history show {entry} -o json" for entry in entries),
        f"history show {entries[-1]} -o table",
        f"api api-keys/{key_id}",
        "auth status --json",
        "keys rename canary other -v",
        "keys create other --plain",
        "keys revoke other --yes --json",
        f"keys show {key_id}",
    ]
    for line in later:
        refused = line == "keys create other --plain"
        result = shell(line, code=5 if refused else 0)
        assert first not in result.out + result.err, line
        assert second not in result.out + result.err, line


def test_it_is_in_no_file_and_no_database(account: Account) -> None:
    shell = account.shell
    first = shell("keys create canary --plain").out.strip()
    shell("api participants", env={"ASTALTY_API_KEY": first})
    second = shell("keys rotate canary --plain", env={"ASTALTY_API_KEY": first}).out.strip()
    for secret in (first, second):
        assert files_with(secret, shell.home, account.home.database.parent) == []


def test_a_stored_key_is_in_its_own_file_alone(served: Account) -> None:
    secret = served.home.secret().reveal()
    served.shell("keys list -v")
    assert files_with(secret, served.shell.home) == [served.shell.config / "keys" / "default.json"]
    printed = "".join(each.out + each.err for each in served.shell.printed)
    assert secret not in printed


def test_the_sandboxes_own_key_is_shown_by_reveal_alone(sandbox: Account) -> None:
    shell = sandbox.shell
    revealed = shell("sandbox info --reveal --query key").out.strip()
    assert sandbox.status_of(revealed) == 200
    assert revealed not in shell("sandbox info").out
    assert files_with(revealed, shell.home) == [sandbox.home.key_file]


@pytest.mark.parametrize("line", ["keys create x --plain -v", f"keys rotate {KEY['id']} --json -v"])
@pytest.mark.parametrize(
    "broken",
    [
        ("500 No", {}, b'{"message": "astalty_canary_secret"}'),
        ("201 Created", {}, one({**KEY, "secret": "astalty_canary_secret", "name": 5})),
        ("201 Created", {}, one({**KEY, "secret": ["astalty_canary_secret"]})),
        ("201 Created", {}, one({**KEY, "secret": "astalty_canary_secret"})[:-3]),
        ("201 Created", {}, b"<html>astalty_canary_secret</html>"),
    ],
)
def test_a_server_that_fails_half_way_shows_no_secret(shell: Shell, line: str, broken: Answer) -> None:
    ok: Answer = ("200 OK", {}, one(KEY))
    own: Answer = ("200 OK", {}, one({**KEY, "account": {"id": KEY["id"], "name": "A"}}))
    answers = (own, ok, ok, broken) if "rotate" in line else (own, broken)
    with answering(*answers) as (_, url):
        env = {"ASTALTY_API_KEY": "astalty_canary_key", "ASTALTY_BASE_URL": url}
        result = shell(line, env=env, code=7)
        # What the server itself says in a message is its own text; the rest must not carry a secret.
        shown = (result.out + result.err).replace(": astalty_canary_secret).", "")
        assert "astalty_canary" not in shown


def test_a_bug_of_ours_shows_no_secret(sandbox: Account) -> None:
    """A failure nobody foresaw: the interpreter itself is made to fail in the middle of a command."""
    folder = sandbox.shell.home / "broken"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import msgspec.json as j\n"
        "def boom(*a, **k): raise RuntimeError('canary ' + repr(a))\n"
        "j.format = boom\n"
        "import msgspec; msgspec.json.format = boom\n"
    )
    env = {"PYTHONPATH": str(folder)}
    made = sandbox.shell("keys create x --json", code=7, env=env)
    assert "could not be handed over. json: RuntimeError." in made.err
    listed = sandbox.shell("keys list --json", code=1, env=env)
    assert "This is a bug of astalty: RuntimeError at output/machine.py" in listed.err
    for result in (made, listed):
        assert "canary" not in result.out + result.err
        assert "astalty_" not in result.out + result.err


def test_a_server_that_echoes_the_key_does_not_make_us_print_it(shell: Shell) -> None:
    key = "astalty_canary_0123456789"
    env = {"ASTALTY_API_KEY": key}
    told = b'{"message": "no such token: Bearer astalty_canary_0123456789"}'
    for status, code in (("200 OK", 0), ("500 No", 6), ("422 No", 5)):
        with answering((status, {}, told)) as (_, url):
            env["ASTALTY_BASE_URL"] = url
            result = shell("api x -v", env=env, code=code)
            assert key not in result.out + result.err
            assert "[secret]" in result.out + result.err


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("auth login {}", 2),
        ("keys show {}", 3),
        ("keys create {} --plain", 2),
        ("history show {}", 2),
        ("history list --status {}", 2),
        ("history list --user {}", 2),
        ("api {}", 3),
        ("keys list -p {}", 2),
        ("keys list -p default --base-url {}", 2),
        ("keys list --fields {}", 2),
        ("keys list -o {}", 2),
        ("{}", 2),
    ],
)
def test_a_key_typed_in_the_wrong_place_is_not_echoed(sandbox: Account, line: str, code: int) -> None:
    secret = sandbox.home.secret().reveal()
    for form in ("", " --json"):
        done = subprocess.run(
            [ASTALTY, *line.format(secret).split(), *form.split()],
            env=sandbox.shell.environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert secret.lower() not in (done.stdout + done.stderr).lower()
        if not form:  # it was read, and hidden
            assert any(
                said in done.stderr for said in ("[secret]", "contain a secret", "looks like a secret")
            )


def test_no_option_takes_a_secret(shell: Shell) -> None:
    for group in ("auth login", "keys create", "keys rotate", "api", "history list"):
        words = shell(f"{group} --help").out.lower()
        assert "--api-key" not in words
        assert "--token " not in words
        assert "--secret" not in words


def test_the_key_is_never_on_a_command_line(served: Account) -> None:
    secret = served.home.secret().reveal()
    probe = "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' '"
    if not os.path.isdir("/proc/1"):  # noqa: PTH112
        pytest.skip("this system has no /proc to look into")
    ran = served.shell(f'auth exec -- sh -c "{probe}"')
    assert "sh -c" in ran.out
    assert secret not in ran.out
