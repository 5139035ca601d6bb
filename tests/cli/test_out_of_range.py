"""Values of the right type that no one expects: the calendar's ends, no zone, negative, beyond 64 bits."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from astalty_cli.base.times import utc_now
from tests.cli import test_rotation as rotation
from tests.support.hostile import ACCOUNT, ENTRY, KEY, Scripted, at, listing, one
from tests.support.open_operations import CREATE, ROTATE, Faulty, lost, make
from tests.support.serving import serving
from tests.support.shell import Shell

LAST, FIRST = "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"
EXTREMES = [
    (LAST, "Pacific/Kiritimati"),
    (FIRST, "America/Los_Angeles"),
    ("9999-12-31T23:59:59-23:59", "UTC"),
    ("0001-01-01T00:00:00+23:59", "Australia/Sydney"),
]
TIMES = ("created_at", "rotated_at", "last_used_at", "previous_expires_at")
KEY_LINES = ["list", f"show {KEY['id']}", "audit", f"revoke {KEY['id']} --yes --if-idle 30d", "list --json"]
LINES = [
    *(f"keys {line}" for line in KEY_LINES),
    f"keys revoke {KEY['id']} --yes",
    "keys rotate 9ee9dc30-c869-4fb5-9871-b32850e68cad --plain --if-older-than 30d",
    "history list",
    f"history show {ENTRY['id']}",
    "history list --all",
    "history list --all --sort created_at",
    "history stats",
    "history stats --by day",
    "history stats --by hour",
    "history sync",
    "history export out.jsonl --force --restart",
    "history list -o table",
    "history stats -o table",
    f"history show {ENTRY['id']} -o table",
    "history list --offline -o table",
    "keys list -o table",
    "history tail --since 9999d --timeout 0.1",
    "doctor",
    "auth status",
]


def service(key: dict[str, Any], entry: dict[str, Any]) -> Scripted:
    answers = rotation.steps() | {
        "keys": ("200 OK", {}, listing(key, {**KEY, "id": ENTRY["id"], "name": "other"})),
        "requests": ("200 OK", {}, listing(entry)),
        "request": rotation.ok(entry),
        "current": rotation.ok({**key, "id": ENTRY["id"], "account": ACCOUNT}),
        "key": rotation.ok(key),
        "delete": ("204 No Content", {}, b""),
        "other": ("200 OK", {}, listing()),
    }

    def call(method: str, path: str, bearer: str) -> str:
        if bearer == rotation.NEW or method == "POST":
            return rotation.call(method, path, bearer)
        name = path.removeprefix("/public/v1/")
        known = {"api-keys": "keys", "api-requests": "requests", "api-keys/current": "current"}
        if name in known:
            return known[name]
        if method == "DELETE":
            return "delete"
        return {"api-keys": "key", "api-requests": "request"}.get(name.partition("/")[0], "other")

    return Scripted(answers, call)


@pytest.mark.parametrize(("moment", "zone"), EXTREMES)
def test_a_time_at_the_ends_of_the_calendar_is_no_bug(shell: Shell, moment: str, zone: str) -> None:
    key = {**KEY, **dict.fromkeys(TIMES, moment), "status": "expiring"}
    with serving(service(key, {**ENTRY, "created_at": moment})) as url:
        for line in LINES:
            result = shell._run(line.split(), b"", {**shell.environ, **at(url), "TZ": zone})
            assert result.code not in {1, 141}, f"{line}: {result.err}"
            assert "Traceback" not in result.err


@pytest.mark.parametrize(
    "duration", ["-1e308", "1e308", "9" * 300, "9" * 400, "1e999", f"3.{'0' * 10_000}", "5e-324", "1e-400"]
)
def test_a_duration_that_nothing_takes_is_no_bug(shell: Shell, duration: str) -> None:
    app = service(KEY, ENTRY)
    for name in ("requests", "request"):
        status, headers, body = app.answers[name]
        app.answers[name] = status, headers, body.replace(b"3.5", duration.encode())
    with serving(app) as url:
        for line in LINES:
            result = shell._run(line.split(), b"", {**shell.environ, **at(url)})
            assert result.code not in {1, 141}, f"{line}: {result.err}"
            assert "Traceback" not in result.err
            if "stats" in line and "-o table" in line:
                assert max(map(len, result.out.splitlines()), default=0) <= 80


@pytest.mark.parametrize("rotation_number", [-1, 2**53, 2**63, 2**64, 10**30, 0.5, True])
def test_a_rotation_that_no_key_can_have_is_no_answer(shell: Shell, rotation_number: float) -> None:
    app = service(KEY, ENTRY)
    with serving(app) as url:
        shell("keys list", env=at(url))
        app.answers |= service({**KEY, "rotation": rotation_number}, ENTRY).answers
        for line in ("keys list", f"keys show {KEY['id']}", f"keys rotate {KEY['id']} --plain"):
            assert "not what this API promises" in shell(line, env=at(url), code=6).err


@pytest.mark.parametrize(("moment", "zone"), EXTREMES)
@pytest.mark.parametrize("step", ["prove", "expire_previous", "confirm", "rotate", "read"])
def test_a_rotation_ends_or_stays_open_and_is_no_bug(shell: Shell, step: str, moment: str, zone: str) -> None:
    times = dict.fromkeys(TIMES, moment)
    rows: dict[str, dict[str, Any]] = {
        "prove": {**rotation.ROTATED, **times, "account": ACCOUNT},
        "expire_previous": {**rotation.ENDED, **times},
        "confirm": {**rotation.ENDED, **times},
        "rotate": {**rotation.ROTATED, **times, "secret": rotation.NEW},
        "read": {**KEY, **times},
    }
    status = "201 Created" if step == "rotate" else "200 OK"
    with rotation.service(**{step: (status, {}, one(rows[step]))}) as (_, url):
        env = {**shell.environ, "ASTALTY_API_KEY": rotation.OLD, "ASTALTY_BASE_URL": url, "TZ": zone}
        result = shell._run(["keys", "rotate", KEY["id"], "--plain"], b"", env)
        assert result.code in {0, 7}, result.err
        assert result.out == f"{rotation.NEW}\n"


@pytest.mark.parametrize("moment", [LAST, FIRST])
def test_an_entry_begins_by_a_clock_that_can_be_counted_from(shell: Shell, moment: str) -> None:
    """By one that is centuries off, its day for a replay would never be over, or over at once."""
    own = {**KEY, "id": rotation.OTHER_ID, "account": ACCOUNT, "last_used_at": moment}
    with rotation.service(own=rotation.ok(own), rotate=("502 Bad Gateway", {}, b"")) as (_, url):
        rotation.rotate(shell, url, code=7)
    (path,) = (shell.config / "journal").glob("*.json")
    begun = datetime.fromisoformat(json.loads(path.read_text())["started_at"])
    assert abs(begun - utc_now()) < timedelta(hours=1)


SPOILT: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "no zone": lambda entry: entry | {"started_at": "2026-11-23T05:33:52"},
    "leap second": lambda entry: entry | {"started_at": "2016-12-31T23:59:60Z"},
    "no time": lambda entry: entry | {"started_at": 5},
    "rotation below": lambda entry: entry | {"rotation": -2},
    "rotation beyond": lambda entry: entry | {"rotation": 2**64},
    "grace below": lambda entry: entry | {"grace": -1},
    "grace beyond": lambda entry: entry | {"grace": 10**12},
    "idle beyond": lambda entry: entry | {"idle": 10**18},
    "a phase to come": lambda entry: entry | {"phase": "notarised"},
    "a version to come": lambda entry: entry | {"version": 3},
    "another id": lambda entry: entry | {"id": "../config"},
}


@pytest.mark.parametrize("spoil", list(SPOILT))
def test_an_entry_that_cannot_be_is_unreadable_and_can_be_closed(faulty: Faulty, spoil: str) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    (path,) = (shell.config / "journal").glob("*.json")
    path.write_text(json.dumps(SPOILT[spoil](json.loads(path.read_text()))))
    assert f"{path} cannot be read" in shell("keys recover --yes", code=7).err
    refused = shell("keys rotate ci --plain", code=7)
    assert str(path) in refused.err
    assert f"keys recover {path.stem} --abandon" in refused.err
    shell(f"keys recover {path.stem} --abandon --yes")
    assert shell("keys recover --json").json == []
    shell("keys rotate ci --plain")


@pytest.mark.parametrize(("moment", "zone"), EXTREMES)
def test_an_entry_of_the_ends_of_the_calendar_is_told_and_closed(
    faulty: Faulty, moment: str, zone: str
) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --plain", CREATE)
    (path,) = (shell.config / "journal").glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"started_at": moment}))
    shell.environ["TZ"] = zone
    shell("keys recover --json", code=7)
    told = shell._run(["keys", "recover", "--yes"], b"", shell.environ)
    assert told.code in {0, 7}, told.err
    if told.code == 7:
        shell(f"keys recover {path.stem[:8]} --abandon --yes")
    assert shell("keys recover --json").json == []
