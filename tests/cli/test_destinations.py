"""Where a new secret goes, as typed: `--to`, `--copy`, and what stdout still says."""

import base64
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.shell import ASTALTY, Shell
from tests.support.terminal import Terminal

SECRET = re.compile(r"astalty_[0-9A-Za-z]{46}")


@pytest.fixture
def gh(sandbox: Account) -> Path:
    """A `gh` that keeps what it was given; it refuses a secret among its arguments."""
    folder = sandbox.shell.home / "bin"
    folder.mkdir()
    program = folder / "gh"
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in *astalty_*) exit 9;; esac\n'
        f'echo "$*" >> {folder}/argv\n'
        f'if [ "$2" = set ]; then cat > {folder}/secret; fi\n'
    )
    program.chmod(0o755)
    sandbox.shell.environ["PATH"] = f"{folder}:{sandbox.shell.environ['PATH']}"
    return folder


def where(shell: Shell, destination: str) -> Path:
    return shell.home / destination.partition(":")[2].partition("#")[0]


@pytest.mark.parametrize("destination", ["file:new", "dotenv:.env#KEY", "file:~/new"])
@pytest.mark.parametrize("line", ["keys create ci", "keys rotate 'Payroll export'"])
def test_a_file_takes_the_secret_and_stdout_does_not(account: Account, line: str, destination: str) -> None:
    shell = account.shell
    done = shell(f"{line} --to {destination}")
    assert done.out == ""
    path = where(shell, destination.replace("~/", ""))
    (secret,) = SECRET.findall(path.read_text())
    assert account.status_of(secret) == 200
    assert secret not in done.err
    assert str(path) in done.err
    assert path.stat().st_mode & 0o777 == 0o600


def test_json_beside_a_sink_has_no_secret(sandbox: Account) -> None:
    made = sandbox.shell("keys create ci --to file:new --json").json
    assert "secret" not in made
    assert made["name"] == "ci"
    rotated = sandbox.shell("keys rotate ci --to file:other --fields rotation,last_four -o tsv").rows
    assert rotated == [
        ["rotation", "1"],
        ["last_four", (sandbox.shell.home / "other").read_text().strip()[-4:]],
    ]
    assert sandbox.shell("keys create quiet --to file:third -q").err == ""


def test_plain_beside_a_sink_goes_to_both(sandbox: Account) -> None:
    made = sandbox.shell("keys create ci --plain --to file:new").out
    assert (sandbox.shell.home / "new").read_text() == made


def test_several_sinks_get_the_same_secret(sandbox: Account, gh: Path) -> None:
    shell = sandbox.shell
    shell(
        "keys create ci --to file:new --to dotenv:.env#KEY --to github:wattle/wren#KEY --to 'exec:tee taken'"
    )
    secret = (shell.home / "new").read_text().strip()
    assert (shell.home / ".env").read_text().strip() == f"KEY={secret}"
    assert (shell.home / "taken").read_text() == secret
    assert (gh / "secret").read_text() == secret
    assert "secret set KEY --repo wattle/wren" in (gh / "argv").read_text()
    assert sandbox.status_of(secret) == 200


def test_a_dotenv_file_follows_its_key(sandbox: Account) -> None:
    """Create, then rotate twice: the line is replaced each time, and the rest stays."""
    shell = sandbox.shell
    env = shell.home / ".env"
    env.write_bytes(b"# settings\r\nexport KEY='' # ours\r\nOTHER=1")
    env.chmod(0o600)
    shell("keys create ci --to dotenv:.env#KEY")
    for _ in range(2):
        shell("keys rotate ci --to dotenv:.env#KEY --grace 0 --yes")
    (secret,) = SECRET.findall(env.read_text())
    assert env.read_bytes() == f"# settings\r\nexport KEY='{secret}' # ours\r\nOTHER=1".encode()
    assert sandbox.status_of(secret) == 200


@pytest.mark.parametrize(
    ("destinations", "told"),
    [
        ("--to file:there", "already exists"),
        ("--to dotenv:.env#OTHER", "already holds a value"),
        ("--to dotenv:loose#KEY", "chmod 600"),
        ("--to file:link", "symbolic link"),
        ("--to file:pipe", "not a regular file"),
        ("--to file:nowhere/new", "No such file"),
        ("--to file:.", "Is a directory"),
        ("--to keyring:x", "no use in the keyring"),
        ("--to exec:no-such-program", "There is no program"),
        ("--to github:x#Y", "OWNER/REPO"),
        ("--to nowhere:x", "file:PATH"),
        ("--to file:new --to file:./new", "are the same"),
        ("--to file:new --to file:there", "already exists"),
        ("--to file:new --to dotenv:new#KEY", "are the same"),
        ("--to file:new --to file:here/new", "are the same"),
        ("--copy", "no clipboard here"),
    ],
)
@pytest.mark.parametrize("line", ["keys create ci", "keys rotate 'Payroll export'"])
def test_a_sink_that_cannot_take_it_is_refused_before_any_call(
    sandbox: Account, line: str, destinations: str, told: str
) -> None:
    shell = sandbox.shell
    for name in ("there", ".env", "loose"):
        (shell.home / name).write_text("OTHER=mine\n")
        (shell.home / name).chmod(0o644 if name == "loose" else 0o600)
    (shell.home / "link").symlink_to("there")
    (shell.home / "here").symlink_to(".")
    os.mkfifo(shell.home / "pipe")
    shell("keys list")
    before = shell("keys list --fields id,last_four").rows
    refused = shell(f"{line} {destinations}", code=2)
    assert told in refused.err
    assert not (shell.home / "new").exists()
    assert shell("keys list --fields id,last_four").rows == before


def test_force_replaces_what_is_there(sandbox: Account) -> None:
    shell = sandbox.shell
    for name in ("there", ".env"):
        (shell.home / name).write_text("KEY=mine\n")
        (shell.home / name).chmod(0o600)
    shell("keys create ci --to file:there --to dotenv:.env#KEY --force")
    secret = (shell.home / "there").read_text().strip()
    assert (shell.home / ".env").read_text() == f"KEY={secret}\n"


def test_a_secret_in_a_sinks_name_is_not_echoed(sandbox: Account) -> None:
    secret = sandbox.home.secret().reveal()
    refused = sandbox.shell(f"keys create ci --to file:{secret}", code=2)
    assert "this one seems to contain a secret" in refused.err
    assert secret not in refused.err
    assert not (sandbox.shell.home / secret).exists()


def test_a_runner_masks_a_secret_only_if_stdout_gets_it(sandbox: Account) -> None:
    env = {"GITHUB_ACTIONS": "true"}
    assert "add-mask" not in sandbox.shell("keys create ci --to file:new", env=env).err
    assert "add-mask" in sandbox.shell("keys create other --plain --to file:other", env=env).err


def test_a_key_of_the_environment_is_named_when_it_goes_stale(served: Account) -> None:
    shell = served.shell
    secret = shell("keys create ci --plain").out.strip()
    told = shell("keys rotate ci --to file:new", env={"ASTALTY_API_KEY": secret})
    assert "ASTALTY_API_KEY still holds the old secret" in told.err


def test_over_ssh_the_terminal_is_asked_to_copy(sandbox: Account) -> None:
    terminal = Terminal(sandbox.shell, "keys create ci --copy", env={"SSH_TTY": "/dev/pts/9"}, columns=120)
    shown = terminal.ends()
    assert "sent to the terminal" in shown
    assert "copied" not in shown.lower()
    assert not SECRET.search(shown)
    (text,) = re.findall(r"\x1b\]52;c;([A-Za-z0-9+/=]+)(?:\x07|\x1b\\)", terminal.raw)
    secret = base64.b64decode(text).decode()
    assert SECRET.fullmatch(secret)
    assert sandbox.status_of(secret) == 200


def test_the_steps_of_a_rotation_are_told(sandbox: Account) -> None:
    told = sandbox.shell("keys rotate 'Payroll export' --to file:new").err.splitlines()
    starts = [
        "Rotating 'Payroll export'",
        "Created a new secret",
        "The secret is in ",
        "Verified: ",
        "Rotated ",
    ]
    assert [next(start for start in starts if line.startswith(start)) for line in told] == starts


def test_lines_of_one_file_that_are_written_at_once_are_all_there(sandbox: Account) -> None:
    shell = sandbox.shell
    (shell.home / ".env").write_text("OTHER=1\n")
    (shell.home / ".env").chmod(0o600)
    shell("keys list")
    names = [f"K{number}" for number in range(8)]
    running = [
        subprocess.Popen(
            [ASTALTY, "keys", "create", name, "--to", f"dotenv:.env#{name}"],
            env=shell.environ, cwd=shell.home, stderr=subprocess.PIPE,
        )
        for name in names
    ]  # fmt: skip
    assert [process.communicate()[1] and process.returncode for process in running] == [0] * 8
    assert {line.partition("=")[0] for line in (shell.home / ".env").read_text().splitlines()} == {
        "OTHER", *names,
    }  # fmt: skip


@pytest.mark.parametrize("says", ["fold -w 20", "base64 -w 0", "tr a b", "cat"])
def test_what_a_program_says_of_the_secret_is_not_repeated(sandbox: Account, says: str) -> None:
    shell = sandbox.shell
    script = shell.home / "tell"
    script.write_text(f"#!/bin/sh\ntee taken | {says} >&2\nexit 1\n")
    script.chmod(0o755)
    told = shell(f"keys create ci --to exec:{script}", code=7).err
    secret = (shell.home / "taken").read_text()
    ending = secret[-6:]  # the last four alone may be shown
    assert ending not in told
    assert base64.b64encode(secret.encode()).decode()[:12] not in told
