"""Key files and the config file under odd conditions: links, other owners, damage, many at once."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.accounts import Account
from tests.support.shell import ASTALTY


@pytest.fixture
def key_file(served: Account) -> Path:
    return served.shell.config / "keys" / "default.json"


def test_a_link_in_place_of_a_key_file_is_refused(served: Account, key_file: Path) -> None:
    elsewhere = served.shell.home / "elsewhere.json"
    key_file.rename(elsewhere)
    key_file.symlink_to(elsewhere)
    assert "symbolic link" in served.shell("keys list", code=2).err


def test_a_pipe_in_place_of_a_key_file_is_refused_at_once(served: Account, key_file: Path) -> None:
    key_file.unlink()
    os.mkfifo(key_file, 0o600)
    assert "not a regular file" in served.shell("keys list", code=2).err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_a_file_of_somebody_else_is_refused(served: Account, key_file: Path) -> None:
    os.chown(key_file, 12345, 12345)
    assert "chmod 600" in served.shell("keys list", code=2).err


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"{}", b'{"origin": "http://127.0.0.1", "secret": 5}', b"\xff"]
)
def test_a_damaged_key_file_can_be_replaced_and_removed(
    served: Account, key_file: Path, content: bytes
) -> None:
    shell = served.shell
    key_file.write_bytes(content)
    assert "does not hold a key" in shell("keys list", code=2).err
    line = f"auth login --with-token --storage file --base-url {served.base_url} --yes"
    shell(line, stdin=served.home.secret().reveal())
    assert shell("keys list").rows
    key_file.write_bytes(content)
    shell("auth logout")
    assert not key_file.exists()


def test_a_stored_secret_that_would_break_a_header_is_refused(served: Account, key_file: Path) -> None:
    secret = served.home.secret().reveal()
    key_file.write_text(key_file.read_text().replace(secret, f"{secret}\\nX-Evil: 1"))
    refused = served.shell("keys list", code=2)
    assert "does not hold a key" in refused.err
    assert secret not in refused.err


def test_logout_removes_the_key_however_the_url_is_spelled(served: Account, key_file: Path) -> None:
    config = served.shell.config / "config.toml"
    config.write_text(config.read_text().replace(f'"{served.base_url}"', f'"{served.base_url}/"'))
    assert served.shell("keys list").rows
    served.shell("auth logout")
    assert not key_file.exists()


def test_many_logins_at_once_lose_no_profile(served: Account) -> None:
    names = [f"profile-{number}" for number in range(8)]
    secret, where = served.home.secret().reveal().encode(), f"--base-url {served.base_url}"
    running = [
        subprocess.Popen(
            [str(ASTALTY), *f"auth login -p {name} --with-token --storage file {where}".split()],
            env=served.shell.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for name in names
    ]  # fmt: skip
    for process in running:
        assert process.stdin is not None
        process.stdin.write(secret)
        process.stdin.close()
    for process in running:
        assert process.stderr is not None
        assert process.stdout is not None
        told = process.stderr.read()
        process.stdout.close()
        process.stderr.close()
        assert process.wait(60) == 0, told
    profiles = {profile["name"] for profile in served.shell("auth status --json").json["profiles"]}
    assert profiles == {"default", *names}


def test_exec_does_not_hand_on_a_profile_that_would_win_over_its_key(served: Account) -> None:
    env = {"ASTALTY_PROFILE": "sandbox"}
    ran = served.shell("auth exec -p default -- astalty auth status --json", env=env)
    assert ran.json["base_url"] == served.base_url
    assert ran.json["key_source"] == "environment ASTALTY_API_KEY"


def test_the_key_in_use_is_revoked_last_and_said_so(served: Account) -> None:
    shell = served.shell
    shell("keys create other --plain")
    result = shell("keys revoke 'sandbox cli' other --yes --json --allow-self")
    assert [key["name"] for key in result.json] == ["other"]
    assert "Revoked 'other'" in result.err
    assert "Revoked 'sandbox cli'" in result.err
    assert "does not accept this key" in shell("keys list", code=4).err
