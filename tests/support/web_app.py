"""A real account as it is today: a service of the documented calls, and the web page as a person uses it."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astalty_cli.base.secret import Secret
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import KeyStyle, Surface
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.home import Home
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock, serving
from tests.support.shell import Shell


@dataclass
class WebApp:
    """What a person does on the page, and what is true at the service."""

    store: Store
    base_url: str
    app: Any

    def create(self, name: str) -> str:
        """Create a key, and copy what the page shows."""
        secret = self.store.keys.create(name, created_by=self.store.owner().id).secret
        assert secret is not None
        return secret.reveal()

    def delete(self, secret: str) -> None:
        key_id = self.store.keys.holder(Secret(secret))
        assert key_id is not None
        self.store.keys.revoke(key_id)

    def clear_participants(self) -> None:
        with self.store.database.write() as connection:
            connection.execute("DELETE FROM participants")

    def change_participants(self) -> None:
        """Let its participants be others than those of every new sandbox."""
        with self.store.database.write() as connection:
            connection.execute("DELETE FROM goals")
            connection.execute("UPDATE participants SET id = 'f' || substr(id, 2, 6) || 'f' || substr(id, 9)")

    def accepts(self, secret: str) -> bool:
        return self.store.keys.accepts(Secret(secret))


@dataclass
class Firewall:
    """Stands in front of a service. `answers` are given in its place, one for each call that a key makes.

    `None` lets a call through. The last answer stays. `others` are services of other accounts.
    """

    app: Any
    answers: list[tuple[str, bytes] | None] = field(default_factory=list)
    others: list[WebApp] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None  # hears the secret of each call

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        secret = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        self.before(secret)
        answer = (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]) if self.answers else None
        if answer is not None:
            status, body = answer
            kind = "text/html" if body.startswith(b"<") else "application/json"
            start_response(status, [("Content-Type", kind)])
            return [body]
        for other in self.others:
            if secret and other.accepts(secret):
                return other.app(environ, start_response)
        return self.app(environ, start_response)


@dataclass
class RealAccount:
    """A machine that is signed in to it with the key `default`, whose secret is `secret`."""

    shell: Shell
    page: WebApp
    secret: str
    firewall: Firewall

    @property
    def open(self) -> list[dict[str, Any]]:
        """The entries of the journal, as `recover` lists them."""
        folder = self.shell.home / ".config" / "astalty" / "journal"
        return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]

    @property
    def slots(self) -> list[Path]:
        folder = self.shell.home / ".local" / "share" / "astalty" / "keys" / "old"
        return sorted(folder.iterdir()) if folder.exists() else []

    def key(self, name: str) -> dict[str, Any]:
        """The record's row."""
        rows: list[dict[str, Any]] = self.shell("keys list --status active,expiring,revoked --json").json
        return next(row for row in rows if row["name"] == name)

    def stored(self, profile: str = "default") -> str:
        path = self.shell.home / ".config" / "astalty" / "keys" / f"{profile}.json"
        return str(json.loads(path.read_text())["secret"])


@contextmanager
def web_app(
    folder: Path, between: Callable[[Any], Any] = lambda app: app, style: KeyStyle = KeyStyle.SANCTUM
) -> Iterator[WebApp]:
    """Serve an account; `between` may put a layer in front of it."""
    with ExitStack() as closing:
        store = Home(folder / "sandbox.db", style).open(Clock(utc_now()))
        closing.callback(store.close)
        app = create_app(store, rate_limit=0, surface=Surface.DOCUMENTED)
        app = between(app)
        yield WebApp(store, closing.enter_context(serving(app)), app)


@contextmanager
def real_account(shell: Shell, folder: Path) -> Iterator[RealAccount]:
    with web_app(folder, Firewall) as page:
        secret = page.create("main")
        shell(f"auth login --with-token --storage file --base-url {page.base_url}", stdin=secret)
        yield RealAccount(shell, page, secret, page.app)
