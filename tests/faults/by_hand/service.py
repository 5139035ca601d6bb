"""The service of an account whose keys are on a web page: its documented calls, with one fault in them."""

from collections import Counter
from collections.abc import Callable

import httpx

from astalty_cli.base.vocabulary import Surface
from astalty_cli.sandbox.store import Store
from tests.faults.plan import Fault
from tests.faults.service import Sent, Service, instead


class PageService(Service):
    """`foreign` is another account at the same service. `seen` are the secrets that our commands have shown,
    `accepted` those that the service has accepted.
    """

    def __init__(self, store: Store, foreign: Service) -> None:
        self._wall = ""
        super().__init__(store, Surface.DOCUMENTED)
        self._foreign = foreign
        self.foreign_secrets: set[str] = set()
        self.seen: set[str] = set()
        self.accepted: set[str] = set()
        self.late_401: Counter[str] = Counter()  # secrets that some reads do not know yet
        self.late_200: Counter[str] = Counter()  # secrets that some reads know still
        self._later: dict[int, Callable[[], None]] = {}
        self.working = ""  # a secret that always works, to read with what was deleted

    def begin(self, fault: Fault | None) -> None:
        self._wall = ""
        self._later = {}
        super().begin(fault)

    def later(self, requests: int, act: Callable[[], None]) -> None:
        """Let something happen at the page before the request after so many."""
        self._later[len(self.log) + requests] = act

    def handle(self, request: httpx.Request) -> Sent:
        number = len(self.log)
        if act := self._later.pop(number, None):
            act()
        kind = self.fault.kind if self.fault is not None and self.fault.number == number else ""
        name, _, how = kind.partition("-")
        if self.by == "us" and (self._wall or how in {"once", "on"}):
            if how == "on":
                self._wall = name
            self.fired = True
            answer = self._wall or name
            self.log.append(f"{number} {request.method} {request.url.path}  <- {answer}")
            return instead(answer, "0")
        return super().handle(request)

    def _acted(self, request: httpx.Request) -> Sent:
        secret = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.late_401[secret]:
            self.late_401[secret] -= 1
            return instead("401", "")
        if secret in self.foreign_secrets:
            return self._foreign._acted(request)
        if self.late_200[secret]:
            self.late_200[secret] -= 1
            request.headers["authorization"] = f"Bearer {self.working}"
        sent = super()._acted(request)
        if secret:
            self.seen.add(secret)
        if secret and sent.status == 200:
            self.accepted.add(secret)
        return sent
