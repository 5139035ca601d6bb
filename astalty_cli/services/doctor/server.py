"""The server as the doctor sees it: a handful of questions, each asked once and not for long."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from astalty_cli.api import answers, contract
from astalty_cli.api.capabilities import Asked, Seen, seen
from astalty_cli.api.capability_memory import Capability, Offer, Offers
from astalty_cli.api.http import Http, HttpResponse
from astalty_cli.api.key_check import check_key
from astalty_cli.api.models import CurrentKey
from astalty_cli.api.tls import Security
from astalty_cli.base.errors import AstaltyError, ServiceError
from astalty_cli.base.secret import Secret
from astalty_cli.base.times import utc_now

_SECONDS: Final = 10.0  # for an answer; a quarter of the whole time if that is more
_LEAST: Final = 1.0  # seconds, where there are so many: half of what is left may be too few to connect in


Connect = Callable[[Secret | None, float, Secret | None], Http]


@dataclass(frozen=True)
class Reply:
    """What came of a question, and when by our clock."""

    outcome: HttpResponse | AstaltyError
    security: Security | None
    at: datetime

    @property
    def answer(self) -> HttpResponse:
        """Raises the error that stood in its way."""
        if isinstance(self.outcome, AstaltyError):
            raise self.outcome
        return self.outcome

    @property
    def status(self) -> int | None:
        return self.outcome.status

    @property
    def clock_ahead(self) -> timedelta | None:
        """How far our clock is ahead of the server's, in whole seconds; None if the server sends no date."""
        date = answers.date(self.outcome) if isinstance(self.outcome, HttpResponse) else None
        return None if date is None else self.at - date

    def raise_for_failure(self) -> None:
        """Raises the error where nothing can have reached the server, be it a time-out or a refusal."""
        error = self.outcome
        arrived = isinstance(error, ServiceError) and (error.outcome_unknown or error.status is not None)
        if isinstance(error, AstaltyError) and not arrived:
            raise error


class Server:
    """`connect` gives the way to it: with a key or without, for so many seconds, hiding a key in any case.

    `seconds` are for all questions.

    `secret` is None as long as there is no key, and `accepts_key` false until it has been seen to work: then
    nothing is asked that needs one. `catalogue` is what the OpenAPI document says, if there is one, and
    `offers` what was learned about this key.
    """

    def __init__(self, connect: Connect, seconds: float) -> None:
        self._connect = connect
        self._end = time.monotonic() + seconds
        self._most = max(_SECONDS, seconds / 4)
        self.secret: Secret | None = None
        self.accepts_key = False
        self.catalogue: Offers | None = None
        self.offers: dict[Capability, Offer] = {}

    @property
    def patience(self) -> float:
        """Seconds that the next question may take, to a tenth; 0.0: the time is up."""
        left = max(self._end - time.monotonic(), 0.0)
        return round(min(self._most, max(left / 2, _LEAST), left), 1)

    @cached_property
    def document(self) -> Reply:
        """The OpenAPI document, asked for without a key."""
        return self._ask(contract.OPENAPI, None)

    def ask_openly(self, path: str, _etag: str | None = None) -> HttpResponse:
        """Ask for a document, without a key. Raises the error that stood in its way."""
        reply = self.document if path == contract.OPENAPI else self._ask(path, None)
        return reply.answer

    @cached_property
    def proof(self) -> Reply:
        """The documented call that says whether the key works."""
        outcome: HttpResponse | AstaltyError
        try:
            outcome = check_key(self._answer)
        except AstaltyError as error:
            outcome = error
        return Reply(outcome, None, utc_now())

    @cached_property
    def current(self) -> Seen[answers.Row[CurrentKey]]:
        """What the key says of itself."""
        path = contract.API_KEYS_CURRENT
        return seen(
            lambda: self._answer(path), lambda answer: answers.one(answer, CurrentKey), path, Asked.CURRENT
        )

    def first_row(self, path: str, model: type[Any]) -> Seen[answers.Page[Any]]:
        """Ask a list for its first row: the cheapest question there is."""
        target = f"{path}?{contract.PAGE_SIZE}=1"
        return seen(
            lambda: self._answer(target), lambda answer: answers.page(answer, model), path, Asked.LIST
        )

    def _answer(self, target: str, *, with_key: bool = True) -> HttpResponse:
        return self._ask(target, self.secret if with_key else None).answer

    def _ask(self, path: str, secret: Secret | None) -> Reply:
        security = None
        outcome: HttpResponse | AstaltyError
        try:
            http = self._connect(secret, self._patience_left(), self.secret)
            try:
                outcome = http.request("GET", path)
            finally:
                security = http.security
        except AstaltyError as error:
            outcome = error
        return Reply(outcome, security, utc_now())

    def _patience_left(self) -> float:
        patience = self.patience
        if not patience:
            raise ServiceError(
                "The time is up: what was asked before has taken all of it.",
                hint="--timeout SECONDS gives it more.",
            )
        return patience
