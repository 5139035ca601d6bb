"""What a server offers beyond the documented calls: keys and the request history, in full or not at all.

A command's own first GET is the probe: `observe` makes it, and what comes of it decides what was not known.
Commands and services ask this object; nothing else tests for a 404. The rules are in
docs/reference/api-contract.md.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Final, Generic, NamedTuple, TypeVar

from astalty_cli.api import contract
from astalty_cli.api.answers import Page, failure, is_html, is_json, page
from astalty_cli.api.capability_memory import Capability, CapabilityMemory, Offer, Offers
from astalty_cli.api.http import Http, HttpResponse
from astalty_cli.api.models import ApiKey, ApiRequest
from astalty_cli.base.errors import AstaltyError, ForbiddenError, NotOfferedError, ServiceError

T = TypeVar("T")

_GATEWAY: Final = "x-astalty-gateway"  # a header that only the gateway of this program sends
_LISTS: Final[dict[Capability, tuple[str, type[Any]]]] = {
    Capability.KEYS: (contract.API_KEYS, ApiKey),
    Capability.HISTORY: (contract.API_REQUESTS, ApiRequest),
}


class Asked(Enum):
    """What kind of question a GET is: it decides what its answer may say about the capability."""

    LIST = auto()  # all of it
    FILTERED = auto()  # a list that may be empty for its filters
    ONE = auto()  # a thing by its id
    CURRENT = auto()  # the key that makes the call


class Sign(Enum):
    """What one answer says about a capability."""

    FULL = auto()  # every row is what this program expects
    GONE = auto()  # 404, 405, or HTML below 500
    OTHER = auto()  # a redirect, 401, 403, or other JSON
    NOTHING = auto()  # 400, 422, or no rows under a filter
    UNKNOWN = auto()  # broken JSON, 429, 5xx, no answer, and whatever else
    GATEWAY = auto()  # a gateway of this program is in between


class Seen(NamedTuple, Generic[T]):
    """What came of a GET: its sign, and the value that it brought or the error that it ends with."""

    sign: Sign
    value: T | None = None
    error: AstaltyError | None = None

    def result(self) -> T:
        """Raises the error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


class Capabilities:
    """What one server offers to one key.

    `known` holds whatever is remembered; `on_none` gets a capability that is found to be missing.
    """

    def __init__(
        self,
        http: Http,
        *,
        memory: CapabilityMemory | None = None,
        known: Offers | None = None,
        on_none: Callable[[Capability], None] = lambda _: None,
    ) -> None:
        self._http, self._memory, self._on_none = http, memory, on_none
        self._given = dict(known or {})
        self._offers: dict[Capability, Offer] | None = None
        self._accepted: HttpResponse | None = None
        self._behind_a_gateway = False

    def has_keys(self) -> bool:
        """May make one call. Raises ServiceError if that decides nothing, or UnauthorizedError."""
        return self._has(Capability.KEYS)

    def has_history(self) -> bool:
        """As `has_keys`, of the request history."""
        return self._has(Capability.HISTORY)

    def ensure_keys(self) -> None:
        """Raises NotOfferedError without keys, and as `has_keys`."""
        if not self.has_keys():
            raise not_offered(Capability.KEYS)

    def known(self, capability: Capability) -> Offer | None:
        """What is known without a call."""
        if self._behind_a_gateway:
            return Offer.NONE
        return self._known().get(capability)

    def note(self, offers: Offers) -> None:
        """Remember what was seen just now."""
        for capability, offer in offers.items():
            if offer is Offer.NONE and self._known().get(capability) is not Offer.NONE:
                self._on_none(capability)
        self._known().update(offers)
        if self._memory is not None:
            self._memory.note(self._http.fingerprint, offers)

    def forget(self) -> None:
        """Let the next question be asked of the service."""
        self._offers, self._behind_a_gateway = {}, False
        if self._memory is not None:
            self._memory.forget()

    def check_key(self) -> HttpResponse:
        """Whether the service accepts the key, asked once. Raises as `key_check.check_key`."""
        if self._accepted is None:
            from astalty_cli.api.key_check import check_key

            self._accepted = check_key(self._ask)
        return self._accepted

    def check_pasted_key(self, wait: Callable[[float], None]) -> HttpResponse:
        """As `check_key`, for a key that may be new."""
        from astalty_cli.api.key_check import check_pasted_key

        self._accepted = check_pasted_key(self._ask, wait)
        return self._accepted

    def observe(
        self,
        capability: Capability,
        asked: Asked,
        path: str,
        send: Callable[[], HttpResponse],
        decode: Callable[[HttpResponse], T],
    ) -> T:
        """Make a GET that needs a capability, and learn from it. Raises NotOfferedError under `none`."""
        known = self.known(capability)
        if known is Offer.NONE:
            raise not_offered(capability)
        found = self._passed_on(capability, seen(send, decode, path, asked))
        if known is Offer.FULL:
            self._ensure_not_gone(capability, asked, found)
            self.ensure_refused(found.error, path)
        else:
            self._learn(capability, asked, found)
        return found.result()

    def ensure_not_gone(self, capability: Capability) -> None:
        """Tell "no such thing" from "no such call" after a 404 for one id. Raises NotOfferedError."""
        if self.known(capability) is not Offer.NONE and self._list(capability).sign is not Sign.GONE:
            return
        self._conclude_none(capability, None)

    def ensure_refused(self, error: AstaltyError | None, path: str) -> None:
        """Whether a 401 means that the key is not accepted is for a documented call to say.

        Raises ForbiddenError if that accepts the key, and as `check_key`.
        """
        if error is not None and error.status == 401:
            self.check_key()
            raise ForbiddenError(
                f"The service accepts this key, but answers {path} with 401.",
                hint="There may be no such call, or this key may not make it: see astalty auth status",
                status=401,
            )

    def _known(self) -> dict[Capability, Offer]:
        if self._offers is None:
            remembered = self._memory.read(self._http.fingerprint) if self._memory else {}
            self._offers = remembered | self._given
        return self._offers

    def _has(self, capability: Capability) -> bool:
        if self.known(capability) is None:
            listed = self._list(capability)
            try:
                self._learn(capability, Asked.LIST, listed)
            except NotOfferedError:
                return False
            if listed.sign is not Sign.FULL:
                assert listed.error is not None  # noqa: S101 - only a list in full is without one
                raise ServiceError(listed.error.message, hint=listed.error.hint, status=listed.error.status)
        return self.known(capability) is Offer.FULL

    def _learn(self, capability: Capability, asked: Asked, seen: Seen[T]) -> None:
        """Decide by what was seen of a capability that is not known; raises unless `seen` may stand."""
        deciding: Seen[Any] = seen
        if (seen.sign is Sign.NOTHING and asked is not Asked.LIST) or (
            seen.sign in {Sign.GONE, Sign.OTHER} and asked is Asked.ONE
        ):
            deciding = self._list(capability)
        if deciding.sign is Sign.FULL:
            self.note({capability: Offer.FULL})
        elif deciding.sign in {Sign.GONE, Sign.OTHER}:
            self._conclude_none(capability, deciding.error)
        elif deciding.sign is Sign.UNKNOWN:
            deciding.result()

    def _ensure_not_gone(self, capability: Capability, asked: Asked, seen: Seen[T]) -> None:
        """Under a remembered `full` only a list that is gone takes it back."""
        deciding: Seen[Any] = seen
        if seen.sign is Sign.GONE and asked in {Asked.ONE, Asked.CURRENT}:
            deciding = self._list(capability)
        if deciding.sign is Sign.GONE:
            self._conclude_none(capability, deciding.error)

    def _conclude_none(self, capability: Capability, error: AstaltyError | None) -> None:
        """Raises NotOfferedError while the key is accepted; otherwise what came instead of an answer."""
        try:
            self.check_key()
        except ServiceError as undecided:
            raise (error if isinstance(error, ServiceError) else undecided) from None
        self.note({capability: Offer.NONE})
        raise not_offered(capability)

    def _list(self, capability: Capability) -> Seen[Page[Any]]:
        """Ask for the plain list, one row of it."""
        path, model = _LISTS[capability]
        target = f"{path}?{contract.PAGE_SIZE}=1"
        listed = seen(
            lambda: self._http.request("GET", target), lambda answer: page(answer, model), path, Asked.LIST
        )
        return self._passed_on(capability, listed)

    def _passed_on(self, capability: Capability, found: Seen[T]) -> Seen[T]:
        """Raises NotOfferedError behind a gateway of this program, which passes on no such call."""
        if found.sign is Sign.GATEWAY:
            self._behind_a_gateway = True
            raise not_offered(capability)
        return found

    def _ask(self, target: str, *, with_key: bool) -> HttpResponse:
        return self._http.request("GET", target, with_key=with_key)


def seen(
    send: Callable[[], HttpResponse], decode: Callable[[HttpResponse], T], path: str, asked: Asked
) -> Seen[T]:
    """Make a GET, and say what its answer says about the capability that it needs."""
    try:
        answer = send()
    except ServiceError as error:
        redirected = error.status is not None and 300 <= error.status < 400
        return Seen(Sign.OTHER if redirected else Sign.UNKNOWN, error=error)
    if _GATEWAY in answer.headers:
        return Seen(Sign.GATEWAY)
    if not 200 <= answer.status < 300:
        return Seen(_sign_of_failure(answer), error=failure(answer, path))
    try:
        value = decode(answer)
    except ServiceError as error:
        if is_html(answer.body):
            return Seen(Sign.GONE, error=error)
        return Seen(Sign.OTHER if is_json(answer.body) else Sign.UNKNOWN, error=error)
    empty = asked is Asked.FILTERED and isinstance(value, Page) and not value.rows
    return Seen(Sign.NOTHING if empty else Sign.FULL, value)


def _sign_of_failure(answer: HttpResponse) -> Sign:
    if answer.status in {404, 405} or (answer.status < 500 and is_html(answer.body)):
        return Sign.GONE
    if answer.status in {401, 403}:
        return Sign.OTHER
    return Sign.NOTHING if answer.status in {400, 422} else Sign.UNKNOWN


def not_offered(capability: Capability) -> NotOfferedError:
    """For a server without the calls that this project assumes: which page of the web app has it."""
    if capability is Capability.KEYS:
        return NotOfferedError(
            "This service has no API for keys.", hint=f"See them in the web app: {contract.MANAGE_KEYS}."
        )
    return NotOfferedError(
        "This service has no API for the request history.",
        hint=f"See it in the web app: {contract.REQUEST_HISTORY}.",
    )
