"""A real Secret Service keyring, under a D-Bus session of its own; `.ci/run` installs both."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from astalty_cli.base.times import iso, utc_now
from tests.support.accounts import Account
from tests.support.canaries import files_with
from tests.support.shell import Shell
from tests.support.web_app import Firewall, RealAccount, web_app


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


# -- old secrets of keys that are deleted by hand ------------------------------------------------------


@pytest.fixture
def by_hand(shell: Shell, keyring: int, tmp_path: Path) -> Iterator[RealAccount]:
    """A machine whose key was rotated by hand, and whose keys are in the keyring."""
    with web_app(tmp_path / "service", Firewall) as page:
        old, new = page.create("main"), page.create("main 2")
        shell(f"auth login --with-token --base-url {page.base_url}", stdin=old)
        shell("keys rotate default --with-token", stdin=new)
        yield RealAccount(shell, page, old, page.app)


def in_keyring(real: RealAccount, entry_id: str) -> str | None:
    """What the keyring has for an entry of the journal, as another program reads it."""
    script = "import keyring, sys; print(keyring.get_password(*sys.argv[1:]) or '')"
    program = [sys.executable, "-c", script, f"astalty old {real.page.base_url}", entry_id]
    environ = {**real.shell.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    done = subprocess.run(program, env=environ, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip() or None


def test_an_old_secret_is_kept_in_the_keyring_alone(by_hand: RealAccount) -> None:
    (entry,) = by_hand.open
    assert entry["slot"] == "keyring"
    assert in_keyring(by_hand, entry["id"]) == by_hand.secret
    assert not by_hand.slots
    assert files_with(by_hand.secret, by_hand.shell.home) == []
    told = " ".join(by_hand.shell("auth logout").err.split())
    assert f"in the keyring (astalty old {by_hand.page.base_url})." in told
    assert in_keyring(by_hand, entry["id"]) == by_hand.secret


@pytest.mark.parametrize("way", ["verified", "stated", "overdue", "damaged"])
def test_it_is_gone_from_the_keyring_in_the_end(by_hand: RealAccount, way: str) -> None:
    (entry,) = by_hand.open
    path = by_hand.shell.config / "journal" / f"{entry['id']}.json"
    if way == "verified":
        by_hand.page.delete(by_hand.secret)
        by_hand.shell("keys recover --yes")
    elif way == "stated":
        by_hand.shell(f"keys recover {entry['id']} --abandon --yes")
    elif way == "overdue":
        path.write_text(json.dumps({**entry, "due_at": iso(utc_now() - timedelta(days=31))}))
        by_hand.shell("keys list")
    else:
        path.write_text("{")
        by_hand.shell(f"keys recover {entry['id']} --abandon --yes")
    assert in_keyring(by_hand, entry["id"]) is None
    assert path.exists() == (way == "overdue")


def test_a_keyring_that_hangs_keeps_it_for_the_next_time(by_hand: RealAccount, keyring: int) -> None:
    (entry,) = by_hand.open
    path = by_hand.shell.config / "journal" / f"{entry['id']}.json"
    path.write_text(json.dumps({**entry, "due_at": iso(utc_now() - timedelta(days=31))}))
    os.kill(keyring, signal.SIGSTOP)
    env = {"ASTALTY_API_KEY": by_hand.secret, "ASTALTY_BASE_URL": by_hand.page.base_url}
    assert "was due for deletion" in by_hand.shell("keys list", env=env).err
    by_hand.shell(f"keys recover {entry['id']} --abandon --yes", env=env, code=2)
    assert path.exists()
    os.kill(keyring, signal.SIGCONT)
    by_hand.shell(f"keys recover {entry['id']} --abandon --yes", env=env)
    assert in_keyring(by_hand, entry["id"]) is None
