"""The order of a rotation, call by call, and what is said where one of them fails."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.hostile import ACCOUNT, ENTRY, KEY, Answer, Scripted, listing, one
from tests.support.serving import serving
from tests.support.shell import ASTALTY, Result, Shell

OLD, NEW = "astalty_old_0123456789abc", "astalty_new_0123456789xyz"
GRACE_END, MARGIN_END = "2026-11-24T05:33:52.000000Z", "2026-11-30T05:33:52.000000Z"
ROTATED: dict[str, Any] = {**KEY, "rotation": 1, "status": "expiring", "previous_expires_at": MARGIN_END}
ENDED: dict[str, Any] = {**ROTATED, "previous_expires_at": GRACE_END}
OTHER_ID = ENTRY["id"]


def ok(row: object) -> Answer:
    return ("200 OK", {}, one(row))


def call(method: str, path: str, bearer: str) -> str:
    """Which step of a rotation a request is."""
    if path.endswith("/participants"):
        return "check"
    if path.endswith("/current"):
        return "prove" if bearer == NEW else "own"
    if path.endswith("/api-keys"):
        return "keys"
    if method == "GET":
        return "confirm" if bearer == NEW else "read"
    return path.rpartition("/")[2]


def steps(**changed: Answer) -> dict[str, Answer]:
    """What a service answers to each step; some of it changed."""
    return {
        "check": ("200 OK", {}, listing()),
        "own": ok({**KEY, "id": OTHER_ID, "account": ACCOUNT}),
        "read": ok(KEY),
        "rotate": ("201 Created", {}, one({**ROTATED, "secret": NEW})),
        "prove": ok({**ROTATED, "account": ACCOUNT}),
        "expire-previous": ok(ENDED),
        "confirm": ok(ENDED),
    } | {name.replace("_", "-"): answer for name, answer in changed.items()}


@contextmanager
def service(**changed: Answer) -> Iterator[tuple[Scripted, str]]:
    app = Scripted(steps(**changed), call)
    with serving(app) as url:
        yield app, url


def rotate(shell: Shell, url: str, flags: str = "--grace 24h", code: int = 0) -> Result:
    env = {"ASTALTY_API_KEY": OLD, "ASTALTY_BASE_URL": url}
    return shell(f"keys rotate {KEY['id']} --plain {flags}", env=env, code=code)


def test_the_calls_of_a_rotation(shell: Shell) -> None:
    """Longest grace first, the proof and all that follows with the new secret, the user's grace last."""
    with service() as (app, url):
        result = rotate(shell, url)
        assert result.out == f"{NEW}\n"
        assert "The old secret works until 2026-11-24 05:33:52" in result.err
        assert app.calls == ["own", "read", "read", "rotate", "prove", "expire-previous", "confirm"]
        assert app.bodies["rotate"] == {"grace_seconds": 604_800, "if_rotation": 0}
        assert app.bodies["expire-previous"] == {"within_seconds": 86_400, "if_rotation": 1}


@pytest.mark.parametrize(
    "proof",
    [
        ok({**ROTATED, "account": {**ACCOUNT, "id": OTHER_ID}}),
        ok({**ROTATED, "account": ACCOUNT, "id": OTHER_ID}),
        ("401 No", {}, b"{}"),
        ("500 No", {}, b"{}"),
        ("200 OK", {}, b"<html>"),
    ],
)
def test_without_proof_nothing_is_ended_and_no_profile_is_switched(shell: Shell, proof: Answer) -> None:
    with service(prove=proof, own=ok({**KEY, "account": ACCOUNT})) as (app, url):
        shell(f"auth login --with-token --storage file --base-url {url}", stdin=OLD)
        stored = (shell.config / "keys" / "default.json").read_bytes()
        result = shell(f"keys rotate {KEY['id']} --plain", code=7)
        assert "the old one was not set to expire" in result.err
        assert "expire-previous" not in app.calls
        assert (shell.config / "keys" / "default.json").read_bytes() == stored


@pytest.mark.parametrize("step", ["rotate", "expire-previous"])
def test_another_rotation_is_a_conflict_and_ends_nothing(shell: Shell, step: str) -> None:
    conflict: Answer = ("409 Conflict", {}, b'{"message": "Nothing changed."}')
    theirs = ok({**ENDED, "rotation": 2})
    with service(**{step: conflict, "confirm": theirs}) as (_, url):
        assert "omeone else rotated 'ci'" in rotate(shell, url, code=5).err


def test_a_proof_with_a_later_rotation_is_a_conflict(shell: Shell) -> None:
    with service(prove=ok({**ROTATED, "rotation": 2, "account": ACCOUNT})) as (app, url):
        assert "Meanwhile someone else rotated 'ci'" in rotate(shell, url, code=5).err
        assert "expire-previous" not in app.calls


def test_where_the_end_is_set_and_not_confirmed_the_end_is_said(shell: Shell) -> None:
    with service(confirm=("429 Slow", {"Retry-After": "999"}, b"{}")) as (_, url):
        assert "the old one works until 2026-11-24 05:33:52" in rotate(shell, url, code=7).err
    gone = {**ENDED, "previous_expires_at": None}
    with service(expire_previous=ok(gone), confirm=("429 Slow", {"Retry-After": "999"}, b"{}")) as (_, url):
        assert "the old one was ended" in rotate(shell, url, "--grace 0 --yes", code=7).err


def test_where_the_end_is_not_known_it_is_not_guessed(shell: Shell) -> None:
    for flags, told in (
        ("--grace 24h", "works for the grace period at least"),
        ("--grace 0 --yes", "may have ended"),
    ):
        with service(expire_previous=("500 No", {}, b"{}")) as (_, url):
            assert told in rotate(shell, url, flags, code=7).err


@pytest.mark.parametrize("secret", ["", "two words", "line\n::error::injected", "\x1b]52;c;aGk=\x07", "é", 5])
def test_what_cannot_be_a_secret_is_not_handed_over(shell: Shell, secret: object) -> None:
    made: Answer = ("201 Created", {}, one({**ROTATED, "secret": secret}))
    with service(rotate=made) as (_, url):
        result = rotate(shell, url, code=7)
        assert result.out == ""
        if secret not in {"", 5}:  # these are in any text
            assert str(secret) not in result.err
        assert "The old one was not ended" in result.err


def test_a_404_on_rotate_is_no_lost_answer(shell: Shell) -> None:
    gone: Answer = ("404 Not Found", {}, b"{}")
    with service(rotate=gone, prove=("500 No", {}, b"{}")) as (_, url):
        assert "or it is revoked" in rotate(shell, url, code=3).err


def test_talk_that_nobody_hears_changes_nothing(sandbox: Account) -> None:
    """stderr is a pipe whose reader has left: the rotation goes on to its end."""
    sandbox.shell("keys list")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [ASTALTY, "keys", "rotate", "sandbox cli", "--plain", "-v", "--grace", "0", "--yes", "--allow-self"],
        env=sandbox.shell.environ,
        stdout=subprocess.PIPE,
        stderr=writing,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 0
    assert sandbox.status_of(done.stdout.decode().strip()) == 200
    assert sandbox.shell("keys show 'sandbox cli' --query status").out == "active\n"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_after_the_hand_over_says_what_holds(shell: Shell, sent: signal.Signals) -> None:
    asked, stalled = threading.Event(), threading.Event()
    scripted = Scripted(steps(), call)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["HTTP_AUTHORIZATION"] == f"Bearer {NEW}":
            asked.set()
            stalled.wait(30)
        return scripted(environ, start_response)

    with serving(app) as url:
        env = {**shell.environ, "ASTALTY_API_KEY": OLD, "ASTALTY_BASE_URL": url}
        with subprocess.Popen(
            [ASTALTY, "keys", "rotate", KEY["id"], "--plain"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline() == f"{NEW}\n"
            assert asked.wait(30)
            process.send_signal(sent)
            told = process.stderr.read()
            stalled.set()
    assert process.returncode == 7
    assert "Interrupted." in told
    assert "the old one was not set to expire" in told


def test_a_profile_of_another_origin_keeps_its_key(shell: Shell) -> None:
    """Two services may know keys of one id; a secret of one is nothing to the other."""
    current = ok({**KEY, "account": ACCOUNT})
    with service(own=current) as (_, elsewhere), service(own=current) as (_, url):
        shell(f"auth login -p other --with-token --storage file --base-url {elsewhere}", stdin=OLD)
        shell(f"auth login -p here --with-token --storage file --base-url {url}", stdin=OLD)
        result = shell(f"keys rotate {KEY['id']} --plain -p here")
        assert "Profile 'here' now uses the new secret." in result.err
        assert NEW.encode() in (shell.config / "keys" / "here.json").read_bytes()
        assert NEW.encode() not in (shell.config / "keys" / "other.json").read_bytes()


def test_rotates_at_once_tell_each_its_own_story(sandbox: Account) -> None:
    """Of several rotations of one key, each ends in success or in a conflict, and never in a lie."""
    sandbox.shell("keys create shared --plain")
    running = [
        subprocess.Popen(
            [ASTALTY, "keys", "rotate", "shared", "--plain"],
            env=sandbox.shell.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    printed, finished = [], []
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode in {0, 5}, err
        secret = out.strip()
        if secret:
            printed.append(secret)
        if process.returncode == 0:
            assert "Rotated 'shared' (" in err
            assert f"ends in {secret[-4:]}). The old secret works until" in err
            finished.append(secret)
        elif secret:
            assert "Meanwhile someone else rotated" in err
        else:
            assert re.search("meanwhile; nothing was done|first; nothing of theirs was ended", err)
    key = sandbox.shell("keys show shared --json").json
    assert key["rotation"] == len(set(printed)), "each secret that was made is somebody's"
    assert key["last_four"] in {secret[-4:] for secret in finished}, "the last rotation has no rival"
    assert {sandbox.status_of(secret) for secret in printed} == {200}


def test_a_grace_that_is_over_before_the_last_look_is_no_failure(shell: Shell) -> None:
    over = {**ENDED, "status": "active", "previous_expires_at": None}
    with service(confirm=ok(over)) as (_, url):
        assert "The old secret works until" in rotate(shell, url, "--grace 1s").err


def test_a_secret_that_a_runner_could_not_mask_is_not_printed(sandbox: Account) -> None:
    sandbox.shell("keys list")
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [ASTALTY, "keys", "create", "unmasked", "--plain"],
            env={**sandbox.shell.environ, "GITHUB_ACTIONS": "true"},
            stdout=subprocess.PIPE, stderr=full, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (7, b"")


def test_one_late_answer_to_a_new_secret_does_not_take_keys_away(shell: Shell) -> None:
    """The service accepts it already, but does not yet say whose it is."""
    late: Answer = ("404 Not Found", {}, b'{"message": "Not found."}')
    with service(prove=late, keys=("200 OK", {}, listing(KEY))) as (app, url):
        assert "was handed over; the old one" in rotate(shell, url, code=7).err
        app.answers["prove"] = steps()["prove"]
        env = {"ASTALTY_API_KEY": NEW, "ASTALTY_BASE_URL": url}
        assert shell("keys list", env=env).rows
