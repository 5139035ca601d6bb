"""A real Secret Service keyring, under a D-Bus session of its own; `.ci/run` installs both."""

import os
import signal

from tests.support.accounts import Account


def sign_in(served: Account, name: str = "work") -> str:
    secret = served.home.secret().reveal()
    served.shell(f"auth login -p {name} --with-token --base-url {served.base_url}", stdin=secret)
    return secret


def test_a_key_lives_in_the_keyring(served: Account, keyring: int) -> None:
    secret = sign_in(served)
    assert served.shell("auth status -p work --json").json["key_source"] == "keyring"
    assert served.shell("keys list -p work").rows
    files = [
        file for file in served.shell.config.rglob("*") if file.is_file() and file.name != "default.json"
    ]
    assert "config.toml" in {file.name for file in files}
    assert [file for file in files if secret.encode() in file.read_bytes()] == []
    served.shell("auth logout -p work")
    assert "no profile 'work'" in served.shell("keys list -p work", code=2).err


def test_a_rotation_reaches_the_keyring(served: Account, keyring: int) -> None:
    before = sign_in(served)
    rotated = served.shell("keys rotate 'sandbox cli' -p work --grace 0 --yes --plain --allow-self")
    assert "Profile 'work' now uses the new secret." in rotated.err
    assert "Profile 'default' now uses the new secret." in rotated.err
    assert served.status_of(before) == 401
    assert served.shell("auth status -p work --json").json["last_four"] == rotated.out.strip()[-4:]


def test_a_keyring_that_hangs_is_given_three_seconds(served: Account, keyring: int) -> None:
    sign_in(served)
    os.kill(keyring, signal.SIGSTOP)
    hung = served.shell("keys list -p work", code=2)
    assert "did not answer within 3 s" in hung.err
    assert "ASTALTY_API_KEY" in hung.err
    asked = served.shell("auth login -p other --with-token", stdin="astalty_x", code=2)
    assert "did not answer" in asked.err


def test_with_a_key_in_the_environment_the_keyring_is_not_asked(served: Account, keyring: int) -> None:
    secret = sign_in(served)
    os.kill(keyring, signal.SIGSTOP)
    env = {"ASTALTY_API_KEY": secret, "ASTALTY_PROFILE": "work"}
    assert served.shell("keys list", env=env).rows


def test_moving_a_key_from_a_file_to_the_keyring_leaves_no_file(served: Account, keyring: int) -> None:
    secret = served.home.secret().reveal()
    served.shell(f"auth login --with-token --base-url {served.base_url} --yes", stdin=secret)
    assert served.shell("auth status --query key_source").out == "keyring\n"
    assert not (served.shell.config / "keys" / "default.json").exists()


def test_a_keyring_that_cannot_take_a_key_costs_no_stored_one(served: Account, keyring: int) -> None:
    os.kill(keyring, signal.SIGSTOP)
    secret = served.home.secret().reveal()
    line = f"auth login --with-token --base-url {served.base_url} --yes"
    assert "did not answer" in served.shell(line, stdin=secret, code=2).err
    assert served.shell("auth status --query key_source").out == "file\n"


def test_a_new_secret_goes_straight_into_the_keyring(served: Account, keyring: int) -> None:
    shell = served.shell
    made = shell("keys create ci --to keyring:ci")
    assert made.out == ""
    assert shell("auth status -p ci --json").json["key_source"] == "keyring"
    before = shell("auth status -p ci --query last_four").out
    shell("keys rotate ci --to keyring:ci --grace 0 --yes --allow-self")
    now = shell("auth status -p ci --json").json
    assert now["works"] is True
    assert now["last_four"] == shell("keys show ci --query last_four").out.strip() != before.strip()
    assert "already holds a value" in shell("keys create other --to keyring:ci", code=2).err


def test_a_keyring_that_hangs_keeps_the_old_secret_alive(served: Account, keyring: int) -> None:
    """The profile cannot be switched, so the old secret is not ended; `recover` finishes it later."""
    secret = sign_in(served)
    served.shell("auth logout")
    env = {"ASTALTY_PROFILE": "work", "ASTALTY_API_KEY": secret}
    os.kill(keyring, signal.SIGSTOP)
    hung = served.shell(
        "keys rotate 'sandbox cli' --to file:new --grace 0 --yes --allow-self", env=env, code=7
    )
    assert "Profile 'work' could not be given the new secret" in hung.err
    assert served.status_of(secret) == 200
    os.kill(keyring, signal.SIGCONT)
    served.shell("keys recover --yes", env=env)
    assert served.status_of(secret) == 401
    assert served.shell("keys list -p work").rows
