"""An account of the sandbox, reached in both ways that a user has: in the process, and over HTTP."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from astalty_cli.base.times import utc_now
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock, serving
from tests.support.shell import Shell


@dataclass
class Account:
    """What tests ask of an account besides the command line: its server's own state, and its time."""

    shell: Shell
    home: Home
    clock: Clock
    base_url: str | None

    def store(self) -> Store:
        return self.home.open(self.clock)

    def calls(self) -> int:
        """How many requests the server has logged."""
        store = self.store()
        try:
            with store.database.read() as connection:
                return int(connection.execute("SELECT count(*) FROM api_requests").fetchone()[0])
        finally:
            store.close()

    def status_of(self, secret: str, *, after: timedelta = timedelta()) -> int:
        """What the server answers to this secret, `after` from now."""
        self.clock.now += after
        store = self.store()
        transport = httpx.WSGITransport(app=create_app(store))
        headers = {"Authorization": f"Bearer {secret}"}
        with httpx.Client(base_url="http://sandbox.localhost", transport=transport) as client:
            status = client.get("/public/v1/participants", headers=headers).status_code
        store.close()
        return status


def in_process(shell: Shell) -> Account:
    """The built-in profile: `ASTALTY_PROFILE=sandbox`."""
    shell.environ["ASTALTY_PROFILE"] = "sandbox"
    return Account(shell, Home(shell.sandbox_folder / "sandbox.db"), Clock(utc_now()), None)


def over_http(
    shell: Shell, folder: Path, closing: ExitStack, between: Callable[[Any], Any] = lambda app: app
) -> Account:
    """A served sandbox, signed in to with its key in a file; `between` may put a layer in front of it."""
    clock = Clock(utc_now())
    home = Home(folder / "sandbox.db")
    secret = home.secret()
    store = home.open(clock)
    closing.callback(store.close)
    base_url = closing.enter_context(serving(between(create_app(store, rate_limit=0))))
    shell(f"auth login --with-token --storage file --base-url {base_url}", stdin=secret.reveal() + "\n")
    return Account(shell, home, clock, base_url)
