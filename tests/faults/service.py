"""The sandbox's API with one fault in it, and what only the service can see of the order of things.

Both engines send their requests here: one from sockets (`proxy.py`), one from inside the process.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from astalty_cli.api import contract
from astalty_cli.base.secret import Secret
from astalty_cli.base.secret_patterns import SANDBOX_SECRET
from astalty_cli.base.vocabulary import Surface
from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.secret_format import new_secret
from astalty_cli.sandbox.store import Store
from tests.faults.plan import SIGNALS, At, Fault
from tests.support.lagging import Replica

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_SECRET: Final = re.compile(SANDBOX_SECRET.encode())
_KEY_CALL: Final = re.compile(contract.API_KEYS + r"/([0-9a-f-]{36})(/rotate|/expire-previous)?")
_JSON: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html"}


@dataclass(frozen=True)
class Sent:
    """What the client gets: an answer, or nothing. `lost`: drop, hold, refuse; `cut`: bytes of the body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    lost: str = ""
    cut: int | None = None


@dataclass(frozen=True)
class Made:
    """A secret that the service has made. `by`: whose request it was, "us" for the commands under test."""

    key_id: str
    rotation: int
    secret: str
    by: str


@dataclass(frozen=True)
class Asked:
    """The first call that rotates a key: its `if_rotation`, and what had been made before it."""

    if_rotation: int | None
    made: tuple[Made, ...]

    def knew(self, made: Made) -> bool:
        """Whether the command had seen this one when it asked for another."""
        return made in self.made and self.if_rotation is not None and self.if_rotation >= made.rotation


class Service:
    """Answers requests, with a fault at one of them.

    `send_signal` reaches the process that asks; `held` tells what the user holds right now; `rival` runs
    another command of the same user.
    """

    def __init__(self, store: Store, surface: Surface = Surface.FULL) -> None:
        self._app: WSGIApplication = create_app(store, rate_limit=0, surface=surface)
        self._store = store
        self._transport = httpx.WSGITransport(app=self._app, raise_app_exceptions=False)
        self.made: list[Made] = []
        self.complaints: list[str] = []
        self.proved: set[tuple[str, int]] = set()
        self.first_rotation: dict[str, Asked] = {}
        self.send_signal: Callable[[str], None] = lambda _: None
        self.held: Callable[[], set[str]] = set
        self.rival: Callable[[str], None] = lambda _: None
        self.by = "us"
        self.rival_changed = False
        self._replica: Replica | None = None
        self._lagging = 0
        self.replica_path = Path()
        self.begun = -1  # commands; the first one to come is the operation itself
        self.begin(None)

    def begin(self, fault: Fault | None) -> None:
        """Count from 0 again, for another command, with this fault at one of its requests."""
        self.begun += 1
        self.fault = fault if fault is not None and fault.at is At.REQUEST else None
        self.log: list[str] = []
        self.fired = False
        self.down = False
        self.deaf = ""
        self._lag(0)

    # -- requests --------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> Sent:
        """Answer as the fault has it. A signal may mean that this never returns."""
        if self.by != "us":  # the rival's: nothing happens to them
            return self._acted(request)
        number = len(self.log)
        kind = self.fault.kind if self.fault is not None and self.fault.number == number else self.deaf
        if self.down:
            self.log.append(f"{number} refused")
            return Sent(lost="refuse")
        self.fired = self.fired or bool(kind)
        self.log.append(f"{number} {request.method} {request.url.path}" + (f"  <- {kind}" if kind else ""))
        name, _, moment = kind.partition("-")
        if name in SIGNALS:
            return self._signalled(request, name, moment)
        self.deaf = kind if name == "deaf" else ""
        if name == "lag":
            self._lag(int(moment))
        elif name == "elsewhere":
            self.rotate_elsewhere(int(moment))
        elif name == "rival":
            self.let_rival(moment)
        elif moment == "before" or name in {"429", "refused"}:
            self.down = name == "refused"
            return instead(name, moment)
        return _spoilt(self._acted(request), kind)

    def _signalled(self, request: httpx.Request, name: str, moment: str) -> Sent:
        if moment == "before":
            self.send_signal(name)
        sent = self._acted(request)
        if moment == "acted":
            self.send_signal(name)
        elif moment == "answered":
            self.send_signal(f"{name} after")
        return sent

    def let_rival(self, kind: str) -> None:
        self.by, self.rival_changed = "rival", False
        try:
            self.rival(kind)
        finally:
            self.by = "us"
        if kind == "recover" and self.begun == 1 and self.rival_changed:
            self.complaints.append("`recover` took over an operation that was still running")

    def _acted(self, request: httpx.Request) -> Sent:
        if match := _KEY_CALL.fullmatch(request.url.path):
            self._before(request, *match.groups())
        transport = self._transport
        if request.method == "GET" and self._lagging and self.by == "us" and self._replica:
            self._lagging -= 1
            transport = httpx.WSGITransport(app=self._replica.app, raise_app_exceptions=False)
        response = transport.handle_request(request)
        body = response.read()
        self._learn(request, response.status_code, body)
        headers = {"Content-Type": response.headers.get("content-type", ""), "Content-Length": str(len(body))}
        return Sent(response.status_code, headers, body)

    def _lag(self, reads: int) -> None:
        """Answer so many reads as of now, whatever is changed meanwhile."""
        if self._replica is not None:
            self._replica.close()
            self._replica = None
        if reads:
            self._replica = Replica(self._store, self.replica_path)
        self._lagging = reads

    def close(self) -> None:
        self._lag(0)

    # -- another machine -------------------------------------------------------------------------

    def rotate_elsewhere(self, grace: int) -> None:
        """Somebody else who holds the key rotates it, wherever that is."""
        key = self._store.keys.get(self.target)
        if key.revoked_at is None:
            issued = self._store.keys.rotate(key.id, grace, None)
            assert issued.secret is not None
            self.made.append(Made(key.id, issued.rotation, issued.secret.reveal(), "elsewhere"))

    target = ""  # the key that another machine rotates

    # -- the order of things ---------------------------------------------------------------------

    def _before(self, request: httpx.Request, key_id: str, call: str | None) -> None:
        body = json.loads(request.content or b"{}")
        if call == "/rotate":
            self.first_rotation.setdefault(key_id, Asked(body.get("if_rotation"), tuple(self.made)))
        if call == "/expire-previous":
            newest = self.newest(key_id)
            if newest is None or newest.by == "elsewhere":
                return
            if newest.secret not in self.held():
                self.complaints.append("an old secret was to end while nobody held the new one")
            if (key_id, newest.rotation) not in self.proved:
                self.complaints.append("an old secret was to end before the new one was proved")

    def _learn(self, request: httpx.Request, status: int, body: bytes) -> None:
        if request.method == "GET":
            if status == 200 and request.url.path == contract.API_KEYS_CURRENT:
                secret = request.headers["authorization"].removeprefix("Bearer ")
                self.proved |= {(made.key_id, made.rotation) for made in self.made if made.secret == secret}
            return
        self.rival_changed = self.rival_changed or self.by == "rival"
        if status == 201 and _SECRET.search(body):
            data: dict[str, Any] = json.loads(body)["data"]
            self.made.append(Made(data["id"], data["rotation"], data["secret"], self.by))
        if request.method != "DELETE":
            self._nobody_is_locked_out(request)

    def _nobody_is_locked_out(self, request: httpx.Request) -> None:
        held, last = self.held(), [made for made in self.made if made.by == "elsewhere"]
        if self.target and not last and not self.works(held, self.target) and self._is_active(self.target):
            self.complaints.append(
                f"no secret that anybody held worked after {request.method} {request.url.path}"
            )

    def works(self, held: set[str], key_id: str) -> bool:
        """Whether one of these secrets opens this key now."""
        hashes = self.secrets_of(key_id)
        return any(each in hashes and self._store.keys.accepts(Secret(each)) for each in held)

    def secrets_of(self, key_id: str) -> set[str]:
        return {made.secret for made in self.made if made.key_id == key_id}

    def newest(self, key_id: str) -> Made | None:
        """The key's newest secret, whoever had it made."""
        found = [made for made in self.made if made.key_id == key_id]
        return max(found, key=lambda made: made.rotation) if found else None

    def _is_active(self, key_id: str) -> bool:
        return self._store.keys.get(key_id).revoked_at is None


def instead(name: str, moment: str) -> Sent:
    """An answer, or none, of a service that has not acted."""
    limited = {**_JSON, "Retry-After": moment, "X-RateLimit-Limit": "60"}
    return {
        "refused": Sent(lost="refuse"),
        "drop": Sent(lost="drop"),
        "deaf": Sent(lost="drop"),
        "hold": Sent(lost="hold"),
        "401": Sent(401, _JSON, b'{"message": "Unauthenticated."}'),
        "403": Sent(403, _JSON, b'{"message": "Forbidden."}'),
        "html": Sent(403, _HTML, b"<html><h1>Request blocked</h1></html>"),
        "portal": Sent(200, _HTML, b"<html><h1>Sign in to this network</h1></html>"),
        "302": Sent(302, {**_HTML, "Location": "https://portal.example/"}),
        "409": Sent(409, {**_JSON, "Retry-After": "1"}, b'{"message": "Still running."}'),
        "429": Sent(429, limited, b'{"message": "Too Many Attempts."}'),
        "500": Sent(500, _JSON, b'{"message": "Server Error"}'),
    }[name]


def _spoilt(sent: Sent, kind: str) -> Sent:
    """The answer of a service that has acted, as it arrives."""
    name = kind.removesuffix("-after")
    status = 200 if sent.status == 204 else sent.status
    wrong = new_secret().reveal().encode()
    return {
        "drop": Sent(lost="drop"),
        "deaf": Sent(lost="drop"),
        "hold": Sent(lost="hold"),
        "cut": replace(sent, cut=len(sent.body) // 2),
        "garbage": Sent(status, _JSON, b'{"data": {"id": "\xff\x00'),
        "500": Sent(500, _JSON, b'{"message": "Server Error"}'),
        "502": Sent(502, {"Content-Type": "text/html"}, b"<html><h1>Bad gateway</h1></html>"),
        "409": Sent(409, {**_JSON, "Retry-After": "1"}, b'{"message": "Still running."}'),
        "other-secret": replace(sent, body=_SECRET.sub(wrong, sent.body, count=1)),
    }.get(name, sent)
