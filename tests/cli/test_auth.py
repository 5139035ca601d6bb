"""`astalty auth`: which account is meant, where its key is, and where that key may go."""

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.home import Home
from tests.support.accounts import Account
from tests.support.check_ups import NOT_FOUND, PARTICIPANTS, answering_by_call, examined
from tests.support.hostile import CANARY, Answer
from tests.support.serving import serving
from tests.support.shell import Shell

VARIABLES = ("ASTALTY_API_KEY", "ASTALTY_BASE_URL", "ASTALTY_PROFILE")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A second account at another origin: its base URL and a key of it."""
    home = Home(tmp_path / "other" / "sandbox.db")
    secret = home.secret().reveal()
    store = home.open()
    with serving(create_app(store)) as url:
        yield url, secret
    store.close()


def test_a_newcomer_is_shown_both_ways_on(shell: Shell) -> None:
    lost = shell("keys list --status revoked", code=4)
    assert lost.out == ""
    assert "astalty auth login" in lost.err
    assert "astalty keys list --status revoked -p sandbox" in lost.err
    assert shell("keys list --json", code=4).error["code"] == "unauthorized"
    elsewhere = shell("keys list --base-url http://127.0.0.1:8788", code=4)
    assert "astalty auth login --base-url http://127.0.0.1:8788\n" in elsewhere.err
    nobody = shell("auth login -p work --storage file", code=2)
    assert "astalty auth login -p work --storage file --with-token < FILE" in nobody.err


def test_login_checks_stores_and_is_used(served: Account) -> None:
    status = served.shell("auth status --json").json
    assert status["works"] is True
    assert status["profile_source"] == "default"
    assert status["base_url"] == served.base_url
    assert status["base_url_source"] == "config file"
    assert status["key_source"] == "file"
    assert status["account"] == "Wattle & Wren Supports (sandbox)"


def test_status_says_what_to_do_about_a_key_that_is_not_accepted(served: Account) -> None:
    shell, variable = served.shell, {"ASTALTY_API_KEY": "astalty_x"}
    assert "Put another key into ASTALTY_API_KEY" in shell("auth status", env=variable, code=4).err
    shell("keys revoke 'sandbox cli' --yes --allow-self --allow-last")
    refused = shell("auth status", code=4)
    assert refused.err.splitlines()[-1].endswith("Sign in with another key: astalty auth login -p default")
    assert "auth status" not in refused.err


def test_files_are_private_from_birth(served: Account) -> None:
    config = served.shell.config
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    for file in (config / "config.toml", config / "keys" / "default.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert served.home.key_file.read_text().strip() not in (config / "config.toml").read_text()


def test_a_wrong_key_is_not_stored(shell: Shell, other: tuple[str, str]) -> None:
    url, _ = other
    refused = shell(f"auth login --with-token --storage file --base-url {url}", stdin="nonsense", code=4)
    assert "does not accept this key" in refused.err
    assert "Asking once more, in case it is new" in refused.err
    assert list((shell.config / "keys").iterdir()) == []
    assert not (shell.config / "config.toml").exists()


@pytest.mark.parametrize(
    "answer",
    [NOT_FOUND, ("200 OK", {}, b"<h1>Welcome</h1>"), ("200 OK", {}, b'{"signed_in": false}')],
    ids=["not found", "a web page", "other JSON"],
)
def test_a_key_is_not_stored_for_what_is_no_server_of_this_api(shell: Shell, answer: Answer) -> None:
    with answering_by_call({PARTICIPANTS: answer}) as (server, environ):
        login = f"auth login --with-token --storage file --base-url {environ['ASTALTY_BASE_URL']}"
        refused = shell(login, stdin=CANARY, code=6)
        rows = examined(shell, env=environ, code=6)
    assert PARTICIPANTS in server.calls
    assert not any("/api-keys" in call for call in server.calls)
    assert "This says nothing about the key." in refused.err
    assert "base URL" in refused.err
    assert list((shell.config / "keys").iterdir()) == []
    assert not (shell.config / "config.toml").exists()
    assert "base URL" in rows["account"]["hint"]


@pytest.mark.parametrize("token", ["two words", "bell\x07", "naïve", "x" * 5000, b"\xff\xfe"])
def test_what_cannot_be_a_key_is_never_sent(shell: Shell, token: str | bytes) -> None:
    line = "auth login --with-token --storage file --base-url http://127.0.0.1:1"
    assert "not an API key" in shell(line, stdin=token, code=2).err


def test_without_a_keyring_login_names_the_other_ways_before_it_asks(shell: Shell) -> None:
    line = "auth login -p work --with-token --base-url http://127.0.0.1:8788"
    lost = shell(line, stdin="astalty_x", code=2)
    assert "keyring" in lost.err
    assert "ASTALTY_API_KEY" in lost.err
    assert f"astalty {line} --storage file\n" in lost.err


def test_a_stored_key_goes_to_its_own_origin_alone(served: Account, other: tuple[str, str]) -> None:
    url, _ = other
    for env, line in (
        ({}, f"keys list --base-url {url}"),
        ({"ASTALTY_BASE_URL": url}, "keys list"),
        ({}, f"keys list -p default --base-url {url}"),
    ):
        refused = served.shell(line, env=env, code=2)
        assert "was stored for" in refused.err
        assert refused.out == ""


def test_the_environments_key_beats_the_stored_one_unless_a_profile_is_named(
    served: Account, other: tuple[str, str]
) -> None:
    url, secret = other
    env = {"ASTALTY_API_KEY": secret, "ASTALTY_BASE_URL": url}
    status = served.shell("auth status --json", env=env).json
    assert (status["base_url"], status["base_url_source"]) == (url, "environment ASTALTY_BASE_URL")
    assert status["key_source"] == "environment ASTALTY_API_KEY"

    named = served.shell("auth status -p default", env=env)
    assert "ASTALTY_API_KEY is set and not used" in named.err
    assert "ASTALTY_BASE_URL is set and not used" in named.err
    assert f"base_url\t{served.base_url}" in named.out


@pytest.mark.parametrize("variable", VARIABLES)
def test_an_empty_variable_is_an_error(served: Account, variable: str) -> None:
    before = served.calls()
    refused = served.shell("keys list", env={variable: ""}, code=2)
    assert f"{variable} is set but empty" in refused.err
    assert served.calls() == before


def test_an_unknown_profile_is_refused_and_the_known_ones_are_named(served: Account) -> None:
    refused = served.shell("keys list -p prod", env={"ASTALTY_API_KEY": "astalty_x"}, code=2)
    assert "no profile 'prod'" in refused.err
    assert "default, sandbox" in refused.err


def test_several_profiles_switch_and_logout(served: Account, other: tuple[str, str]) -> None:
    shell = served.shell
    url, secret = other
    shell(f"auth login -p second --with-token --storage file --base-url {url}", stdin=secret)
    assert shell("auth status --query base_url").out.strip() == served.base_url
    shell("auth switch second")
    assert shell("auth status --query base_url").out.strip() == url
    assert shell("auth status --query profile_source").out.strip() == "config file"
    shell("auth logout")
    assert not (shell.config / "keys" / "second.json").exists()
    assert shell("auth status --query base_url").out.strip() == served.base_url
    assert "no profile 'third'" in shell("auth switch third", code=2).err


def test_a_stored_key_is_not_replaced_without_a_word(served: Account, other: tuple[str, str]) -> None:
    url, secret = other
    line = f"auth login --with-token --storage file --base-url {url}"
    assert "--yes" in served.shell(line, stdin=secret, code=2).err
    assert served.shell("auth status --query base_url").out.strip() == served.base_url
    served.shell(f"{line} --yes", stdin=secret)
    assert served.shell("auth status --query base_url").out.strip() == url


def test_comments_in_the_config_file_survive(served: Account) -> None:
    file = served.shell.config / "config.toml"
    file.write_text("# ours\n" + file.read_text())
    served.shell("auth switch default")
    assert file.read_text().startswith("# ours\n")


def test_status_fails_as_its_key_does(shell: Shell, other: tuple[str, str]) -> None:
    url, _ = other
    env = {"ASTALTY_API_KEY": "astalty_nonsense", "ASTALTY_BASE_URL": url}
    status = shell("auth status", env=env, code=4)
    assert "works\tfalse" in status.out
    assert shell("auth status", code=4).out.startswith("profile\tdefault\n")


def test_status_names_another_way_for_a_key_that_is_not_accepted(shell: Shell) -> None:
    with answering_by_call({PARTICIPANTS: ("401 No", {}, b'{"message": "Not for you."}')}) as (_, env):
        told = shell("auth status", env=env, code=4).err
    assert "Not for you" in told
    assert "astalty auth status" not in told


def test_status_says_neither_yes_nor_no_if_nothing_decides(shell: Shell) -> None:
    with answering_by_call({PARTICIPANTS: ("403 No", {}, b'{"message": "Blocked."}')}) as (_, env):
        result = shell("auth status --json", env=env, code=6)
    assert result.json["works"] is None
    assert "This says nothing about the key." in result.err


def test_status_warns_of_keys_in_files_each_time(served: Account) -> None:
    assert "unencrypted" in served.shell("auth status").err


def test_exec_hands_the_key_over_in_the_environment(served: Account) -> None:
    ran = served.shell("auth exec -- sh -c 'echo $ASTALTY_BASE_URL ${#ASTALTY_API_KEY}; exit 9'", code=9)
    assert ran.out.split() == [served.base_url, str(len(served.home.secret().reveal()))]
    assert "no program" in served.shell("auth exec -- no-such-program", code=2).err


def test_the_sandbox_profile_takes_no_base_url(shell: Shell) -> None:
    for env, line in (
        ({}, "keys list -p sandbox --base-url http://127.0.0.1:1"),
        ({"ASTALTY_PROFILE": "sandbox", "ASTALTY_BASE_URL": "http://127.0.0.1:1"}, "keys list"),
    ):
        assert "takes no base URL" in shell(line, env=env, code=2).err
    named = shell("keys list -p sandbox", env={"ASTALTY_BASE_URL": "http://127.0.0.1:1"})
    assert "ASTALTY_BASE_URL is set and not used" in named.err


@pytest.mark.parametrize("start", ["https://", "ftp://", "http://", "nonsense:", "https://[", ""])
def test_a_password_in_a_base_url_is_not_repeated(shell: Shell, start: str) -> None:
    env = {"ASTALTY_API_KEY": "x" * 20, "ASTALTY_BASE_URL": f"{start}user:hunter2@host.example"}
    told = shell("keys list", env=env, code=2).err
    assert "holds no user name" in told
    assert "hunter2" not in told + shell("doctor --json", env=env, code=2).out


@pytest.mark.parametrize(
    "url",
    [
        "http://api.app.astalty.com.au",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "https://api.app.astalty.com.au/public/v1",
        "https://api.app.astalty.com.au?x=1",
        "https://",
        "127.0.0.1:8787",
        "https://\u0430pi.app.astalty.com.au",  # a Cyrillic a
        "https://127.0.0.1:99999",
    ],
)
def test_a_key_is_never_sent_to_a_doubtful_address(shell: Shell, url: str) -> None:
    env = {"ASTALTY_API_KEY": "astalty_x"}
    assert "Cannot use the base URL" in shell(f"keys list --base-url {url}", env=env, code=2).err


def test_nothing_is_read_from_the_working_directory(shell: Shell) -> None:
    (shell.home / ".netrc").write_text("machine 127.0.0.1 login me password netrc-canary\n")
    (shell.home / ".env").write_text("ASTALTY_API_KEY=dotenv-canary\n")
    (shell.home / "config.toml").write_text("[profiles.default]\nbase_url = 'http://127.0.0.1:1'\n")
    assert "No API key is set up here" in shell("keys list", code=4).err


@pytest.mark.parametrize(
    "content",
    [
        b"not toml [",
        b"\xff\xfe",
        b"profiles = 3",
        b"[profiles.default]\nbase_url = 5",
        b"default_profile = 1",
    ],
)
def test_a_broken_config_file_is_named_and_left_alone(shell: Shell, content: bytes) -> None:
    shell.config.mkdir(parents=True, mode=0o700)
    file = shell.config / "config.toml"
    file.write_bytes(content)
    file.chmod(0o600)
    for line in ("keys list", "auth switch sandbox", "auth status", "auth login --with-token"):
        refused = shell(line, code=2)
        assert "config.toml is not usable" in refused.err
    assert file.read_bytes() == content


def test_a_file_open_to_others_is_refused(served: Account) -> None:
    for file in (served.shell.config / "keys" / "default.json", served.shell.config / "config.toml"):
        file.chmod(0o644)
        assert f"chmod 600 {file}" in served.shell("keys list", code=2).err
        file.chmod(0o600)


def test_a_folder_that_cannot_be_written_is_said(shell: Shell, other: tuple[str, str]) -> None:
    url, secret = other
    nowhere = {"XDG_CONFIG_HOME": "/proc/nowhere", "XDG_DATA_HOME": "/proc/nowhere"}  # not even for root
    line = f"auth login --with-token --storage file --base-url {url}"
    assert "Cannot create /proc/nowhere" in shell(line, stdin=secret, env=nowhere, code=2).err
    assert "/proc/nowhere" in shell("keys list -p sandbox", env=nowhere, code=2).err


def test_a_folder_that_is_a_file_is_said(shell: Shell, other: tuple[str, str]) -> None:
    url, secret = other
    (shell.home / ".config").write_text("in the way")
    refused = shell(f"auth login --with-token --storage file --base-url {url}", stdin=secret, code=2)
    assert f"Cannot read {shell.config}/config.toml: Not a directory" in refused.err
    (shell.home / ".config").unlink()
    (shell.home / ".local").write_text("in the way")
    assert f"Cannot create {shell.home / '.local'}" in shell("keys list -p sandbox", code=2).err


def test_a_key_moves_to_a_file_where_the_keyring_has_gone(served: Account) -> None:
    config = served.shell.config / "config.toml"
    config.write_text(config.read_text().replace('storage = "file"', 'storage = "keyring"'))
    line = f"auth login --with-token --storage file --base-url {served.base_url} --yes"
    told = served.shell(line, stdin=served.home.secret().reveal())
    assert "could not be removed from the keyring" in told.err
    assert "Signed in" in told.err
    assert served.shell("keys list").rows


def test_version_on_a_closed_pipe_and_a_full_disk(shell: Shell) -> None:
    run = ["bash", "-o", "pipefail", "-c"]
    quiet = subprocess.run([*run, "astalty --version | true"], env=shell.environ, check=False)
    full = subprocess.run(
        [*run, "astalty --version >/dev/full"], env=shell.environ, capture_output=True, check=False
    )
    assert quiet.returncode == 0
    assert full.returncode == 2
    assert b"Cannot write the output" in full.stderr


def test_a_profile_with_a_bad_url_is_named_and_fixed_by_signing_in(served: Account) -> None:
    config = served.shell.config / "config.toml"
    config.write_text(config.read_text().replace(f'"{served.base_url}"', '"https://x.example/api"'))
    assert "Profile 'default' in the config file is not usable" in served.shell("keys list", code=2).err
    line = f"auth login --with-token --storage file --base-url {served.base_url}"
    served.shell(line, stdin=served.home.secret().reveal())
    assert served.shell("keys list").rows
