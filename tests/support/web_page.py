"""An account whose keys are on a web page alone: its server has only the calls that Astalty documents."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astalty_cli.base.secret import Secret
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.shell import Shell

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_UNDOCUMENTED = ("/public/v1/api-keys", "/public/v1/api-requests", "/docs/")


@dataclass(frozen=True)
class Documented:
    """A WSGI application in front of the sandbox."""

    app: "WSGIApplication"

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(_UNDOCUMENTED):
            start_response("404 Not Found", [("Content-Type", "application/json")])
            return [b'{"message": "Not found."}']
        return self.app(environ, start_response)


@dataclass
class DocumentedAccount:
    """An account at such a server, whose keys are created and deleted on the web page."""

    account: Account

    @property
    def shell(self) -> Shell:
        return self.account.shell

    @property
    def base_url(self) -> str:
        return str(self.account.base_url)

    def create(self, name: str) -> str:
        """Create a key on the web page; return its secret."""
        with closing(self.account.store()) as store:
            secret = store.keys.create(name, created_by=store.owner().id).secret
        assert secret is not None
        return secret.reveal()

    def delete(self, secret: str) -> None:
        """Delete the key of this secret on the web page."""
        with closing(self.account.store()) as store:
            key_id = store.keys.holder(Secret(secret))
            assert key_id is not None
            store.keys.revoke(key_id)


@contextmanager
def documented_account(shell: Shell, folder: Path) -> Iterator[DocumentedAccount]:
    """An account that `shell` is signed in to."""

    def between(app: Any) -> Documented:
        return Documented(app)

    with ExitStack() as closing_at_end:
        yield DocumentedAccount(accounts.over_http(shell, folder, closing_at_end, between=between))
