"""The sandbox behind a layer that spoils chosen answers: the server may have acted, and cannot be heard."""

import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support import accounts
from tests.support.accounts import Account
from tests.support.lagging import Replica
from tests.support.shell import Shell

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HTML = b"<html><body>502 Bad Gateway</body></html>"


@dataclass
class Fault:
    """What happens to a call. `acts`: the server does what was asked, and only its answer is lost."""

    call: str  # a pattern for "METHOD path"
    status: str = "502 Bad Gateway"
    headers: dict[str, str] = field(default_factory=dict)
    acts: bool = True
    times: int = 1
    body: bytes = HTML
    first: Callable[[], None] = lambda: None  # what happens just before
    lag: int = 0  # reads after it that are answered from before it


@dataclass
class Spoilt:
    """A WSGI application in front of another, with faults that are used up one by one."""

    app: "WSGIApplication | None" = None
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)
    replica: Callable[[], Replica] | None = None
    behind: Replica | None = None
    _lag: int = 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        assert self.app is not None
        call = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'].removeprefix('/public/v1')}"
        self.calls.append(call)
        self.bearers.append(environ.get("HTTP_AUTHORIZATION", ""))
        if self._lag and environ["REQUEST_METHOD"] == "GET" and self.behind:
            self._lag -= 1
            return self.behind.app(environ, start_response)
        fault = next((each for each in self.faults if re.fullmatch(each.call, call)), None)
        if fault is None:
            return self.app(environ, start_response)
        fault.times -= 1
        if fault.times == 0:
            self.faults.remove(fault)
        fault.first()
        if fault.lag:
            self.lag(fault.lag)
        if fault.acts and not fault.status:
            return self.app(environ, start_response)
        if fault.acts:
            b"".join(self.app(environ, lambda *_: None))  # type: ignore[arg-type]
        start_response(fault.status, list(({"Content-Type": "text/html"} | fault.headers).items()))
        return [fault.body]

    def lag(self, reads: int) -> None:
        """Answer so many reads as of now, whatever is changed meanwhile; 0: none any more."""
        if self.behind:
            self.behind.close()
            self.behind = None
        if reads:
            assert self.replica is not None
            self.behind = self.replica()
        self._lag = reads

    def posts(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("GET")]


def account(shell: Shell, folder: Path, closing_all: ExitStack) -> tuple[Account, Spoilt]:
    """An account that `shell` is signed in to, behind such a layer."""
    spoilt = Spoilt()

    def between(app: Any) -> Spoilt:
        spoilt.app = app
        return spoilt

    made = accounts.over_http(shell, folder, closing_all, between=between)
    spoilt.calls.clear()

    def replica() -> Replica:
        with closing(made.store()) as store:
            return Replica(store, folder / "replica.db")

    spoilt.replica = replica
    closing_all.callback(spoilt.lag, 0)
    return made, spoilt
