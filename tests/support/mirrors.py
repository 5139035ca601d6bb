"""Accounts with a mirror of their history, on which time goes on as they are read."""

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.histories import Between, entry
from tests.support.shell import ASTALTY, Shell

CANARY = "canary-of-a-diagnosis"


@dataclass
class Mirrored:
    """An account over HTTP on which time goes on at each list call, so that no entry is a late one."""

    account: Account
    between: Between
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)  # at which call of the list

    @property
    def shell(self) -> Shell:
        return self.account.shell

    @property
    def folder(self) -> Path:
        return self.shell.home / ".local" / "share" / "astalty" / "history"

    @property
    def file(self) -> Path:
        (file,) = self.folder.glob("*.db")
        return file

    def sync(self, flags: str = "") -> dict[str, Any]:
        facts: dict[str, Any] = self.shell(f"history sync --json {flags}").json
        return facts

    def calls(self, flags: str = "") -> list[str]:
        """The query strings of the list calls that a sync makes."""
        self.between.calls.clear()
        self.sync(flags)
        return [unquote(call) for call in self.between.calls]

    def ids(self, flags: str = "") -> list[str]:
        return [row[0] for row in self.shell(f"history list --offline --all {flags}").rows]

    def known(self) -> list[str]:
        """The ids of all entries that the server has, the newest first."""
        with closing(self.account.store()) as store, store.database.read() as connection:
            sql = "SELECT id FROM api_requests ORDER BY created_at DESC, id DESC"
            return [row["id"] for row in connection.execute(sql)]

    def happens(self, call: int) -> None:
        self.account.clock.move(seconds=11)
        if call in self.meanwhile:
            self.meanwhile.pop(call)()

    def killed_at(self, call: int) -> None:
        """Start a sync, and kill it while it waits for the answer of this call."""
        running: list[subprocess.Popen[bytes]] = []

        def kill() -> None:
            running[0].kill()
            running[0].wait()

        self.between.calls.clear()
        self.meanwhile[call] = kill
        running.append(subprocess.Popen([ASTALTY, "history", "sync", "-q"], env=self.shell.environ))
        assert running[0].wait(30) == -signal.SIGKILL


def mirrored_account(
    shell: Shell, folder: Path, closing: ExitStack, behind: Callable[[Any], Any]
) -> Mirrored:
    between = Between()
    account = accounts.over_http(shell, folder, closing, lambda app: between.before(behind(app)))
    mirrored = Mirrored(account, between)
    between.happens = mirrored.happens
    return mirrored


def with_body(account: Account, at: timedelta, text: str) -> str:
    """Let the account have an entry so long before now, with this text in a body; return its id."""
    made = entry(account.clock.now - at, method="POST")
    side = logged_side({"Content-Type": "application/json"}, json.dumps({"note": text}).encode())
    with closing(account.store()) as store, store.database.write() as connection:
        insert_entry(connection, made, side, side)
    return made.id


def another_account(account: Account) -> None:
    """Let the key be one of an account that it was not of."""
    with closing(account.store()) as store, store.database.write() as connection:
        connection.execute("UPDATE account SET id = '0f5a2c5e-8b5d-4a86-9a0a-2d9b6a1f0c11'")


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


def files_with(text: str, folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if text.encode() in file.read_bytes()]
