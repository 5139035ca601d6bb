"""Words for tests of a leaked secret: its key, its calls, the report, and a service that answers as told."""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from astalty_cli.api.models import ApiRequest, KeyReference
from astalty_cli.base.times import utc_now
from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support.accounts import Account
from tests.support.hostile import ACCOUNT, KEY, Answer, Scripted, listing, one
from tests.support.serving import serving
from tests.support.shell import Result, Shell
from tests.support.terminal import Terminal

PANIC = "keys panic --with-token --yes"


def created(account: Account, name: str, *, by: str | None = None) -> str:
    """Make a key, with another key where one is named by its secret; return the new secret."""
    return account.shell(f"keys create '{name}' --plain", env=key(by)).out.strip()


def key(secret: str | None) -> dict[str, str]:
    return {"ASTALTY_API_KEY": secret} if secret else {}


def shown(account: Account, name: str) -> dict[str, Any]:
    """A key as it is now, revoked or not."""
    rows = account.shell("keys list --json --status active,expiring,revoked").json
    (row,) = [row for row in rows if row["name"] == name]
    return dict(row)


def status_of(account: Account, secret: str) -> int:
    """What the server answers to this secret once the command has run: time has gone on."""
    account.clock.now = max(account.clock.now, utc_now())
    return account.status_of(secret)


def called(account: Account, row: dict[str, Any], **changes: Any) -> None:
    """Write a call with this key into the history, a day ago."""
    entry: dict[str, Any] = {
        "id": str(uuid4()),
        "status": 200,
        "method": "GET",
        "path": "/public/v1/participants",
        "created_at": account.clock.now - timedelta(days=1),
        "duration_ms": 1,
        "ip_address": "203.0.113.99",
        "user_agent": "thief/1",
        "user": None,
        "api_key": KeyReference(row["id"], row["name"]),
        **changes,
    }
    nothing = logged_side({}, b"")
    with closing(account.store()) as store, store.database.write() as connection:
        insert_entry(connection, ApiRequest(**entry), nothing, nothing)


def reports(folder: Path) -> list[Path]:
    return sorted(folder.glob("astalty-incident-*"))


def report(folder: Path) -> tuple[dict[str, Any], str]:
    """The one report in a folder: as data, and its Markdown."""
    data, markdown = reports(folder)
    return json.loads(data.read_text()), markdown.read_text()


def said(result: Result) -> str:
    """What was said, whatever lines it was broken into."""
    return " ".join(result.err.split())


def asked(account: Account, leaked: str, answer: str = "y", flags: str = "", code: int = 0) -> str:
    """Run it where it can ask, and answer the question about the keys."""
    terminal = Terminal(account.shell, f"keys panic {flags}", columns=200)
    terminal.expect("Leaked secret (not shown): ")
    terminal.type(leaked)
    terminal.expect("Revoke? This can't be undone")
    terminal.type(answer)
    return terminal.ends(code)


SLOW: Answer = ("429 Slow", {"Retry-After": "9999"}, b"{}")
OLD, NEW = "canary-of-another-shape-1", "canary-of-another-shape-2"


def step(method: str, path: str, bearer: str) -> str:
    """Which step of a panic a request is."""
    if path.endswith("/participants"):
        return "check"
    if path.endswith("/current"):
        return "prove" if bearer == NEW else "own"
    if path.endswith("/api-requests"):
        return "read_history" if bearer == NEW else "glance"
    if path.endswith("/api-keys"):
        return "keys"
    if method == "GET":
        return "confirm" if bearer == NEW else "read"
    return path.rpartition("/")[2].replace("-", "_")


@contextmanager
def service(
    name: str = "ci", entries: Sequence[object] = (), **changed: Answer
) -> Iterator[tuple[Scripted, str]]:
    """A service whose key is OLD's, of this name and with this history; some of its answers changed."""
    row = {**KEY, "name": name}
    rotated = {**row, "rotation": 1}
    answers: dict[str, Answer] = {
        "check": ("200 OK", {}, listing()),
        "own": ("200 OK", {}, one({**row, "account": ACCOUNT})),
        "glance": ("200 OK", {}, listing(*entries)),
        "read": ("200 OK", {}, one(row)),
        "rotate": ("201 Created", {}, one({**rotated, "secret": NEW})),
        "prove": ("200 OK", {}, one({**rotated, "account": ACCOUNT})),
        "expire_previous": ("200 OK", {}, one(rotated)),
        "confirm": ("200 OK", {}, one(rotated)),
        "read_history": ("200 OK", {}, listing(*entries)),
        "keys": ("200 OK", {}, listing(row)),
    }
    app = Scripted(answers | changed, step)
    with serving(app) as url:
        yield app, url


def answered(shell: Shell, url: str, flags: str = "--plain", code: int = 0) -> Result:
    return shell(f"{PANIC} {flags}", stdin=OLD, env={"ASTALTY_BASE_URL": url}, code=code)
