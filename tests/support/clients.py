"""A client of a sandbox in this process, for tests of what stands below the commands."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from astalty_cli.api.client import Client
from astalty_cli.api.http import Connection, Http
from astalty_cli.base.secret import Secret
from astalty_cli.config.settings import SANDBOX_ORIGIN
from astalty_cli.sandbox.app import create_app
from tests.support.accounts import Account


@contextmanager
def clients_of(
    account: Account,
    *,
    sleep: Callable[[float], None],
    between: Callable[[Any], Any] = lambda app: app,
) -> Iterator[Callable[[Secret], Client]]:
    """Makes clients of the account, which wait by `sleep`; `between` may put a layer in front of it."""
    with closing(account.store()) as store:
        app = between(create_app(store, rate_limit=0))

        def client_with(secret: Secret) -> Client:
            return Client(Http(Connection(SANDBOX_ORIGIN, secret, timeout=None, app=app), sleep=sleep))

        yield client_with
