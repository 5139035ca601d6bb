"""Requests to one origin: the only module that imports httpx.

The key goes to exactly one scheme, host and port: redirects are refused, `~/.netrc` and proxies for
loopback are ignored. A GET is tried again within the command's time; nothing else ever is, since only
the services know what a lost answer means. An answer is bounded in time and in size.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from astalty_cli import __version__
from astalty_cli.api import tls
from astalty_cli.api.import_stubs import block, stub
from astalty_cli.api.limits import ACCEPTED, EXCHANGE_SECONDS, Budget, Exchange, Watchdog, look_up, read_body
from astalty_cli.api.origin import is_host
from astalty_cli.api.pacing import Pacer
from astalty_cli.api.proxy import proxy_for
from astalty_cli.api.retry import MAX_TRIES, RETRIED_STATUSES, parse_retry_after, wait_before_retry
from astalty_cli.base import hiding, times
from astalty_cli.base.durations import format_seconds
from astalty_cli.base.errors import ServiceError, UsageError, brief
from astalty_cli.base.secret import Secret

# Its own command line (click, rich), asynchronous requests, and a list of authorities beside the system's.
with block("httpx._main", "anyio"), stub("certifi"):
    import httpcore
    import httpx

NOT_MODIFIED: Final = 304  # an answer to a conditional request, and no redirect
MAX_WAIT: Final = 300.0  # seconds that a server may ask for, however long the command may take
_CONNECT_SECONDS: Final = 10.0
_LONG_PAUSE: Final = 5.0  # seconds from which a user is told
_MAX_TRYING: Final = 2 * EXCHANGE_SECONDS  # seconds without an answer, of all tries of one request
_WITHOUT_KEY: Final = "astalty_without_key"  # an extension of a request that must not carry the key


class HttpResponse(NamedTuple):
    """What a server said, whole. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"  # which may be health data, or a secret


@dataclass(frozen=True)
class Connection:
    """How to reach an origin. `app` is a WSGI application to call in this process instead of a host."""

    origin: str
    secret: Secret | None = None
    timeout: float | None = 60.0  # seconds for the whole command, waiting included
    ca_file: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)  # it may hold a key
    app: Any = None
    pace_folder: Path | None = None  # where the long reads of this machine agree on their pace
    once: bool = False  # do not try a GET again
    hide: Secret | None = None  # a key that is not sent, and not let through in what is answered either


class _Bearer(httpx.Auth):
    """Adds the key at the last moment, so that no request object carries it before it is sent."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        if _WITHOUT_KEY not in request.extensions:
            request.headers["Authorization"] = f"Bearer {self._secret.reveal()}"
        yield request


class _Backend(httpcore.SyncBackend):
    """Connects within a time: it is for looking the name up, and for all of its addresses together."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        limit = _CONNECT_SECONDS if timeout is None else timeout
        end = time.monotonic() + limit
        try:
            addresses = look_up(host, limit)
        except OSError as error:
            raise httpcore.ConnectError(f"the name {host} cannot be looked up: {error}") from None
        while True:
            share = max(end - time.monotonic(), 0.001) / len(addresses)
            try:
                return super().connect_tcp(addresses.pop(0), port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if not addresses:
                    raise


class Http:
    """Makes requests. `log` gets method, path, status and time; `notice` what a waiting user should know."""

    def __init__(
        self,
        connection: Connection,
        *,
        log: Callable[[str], None] = lambda _: None,
        notice: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._origin = connection.origin
        self._secret = connection.secret
        for each in (connection.secret, connection.hide):
            if each is not None:
                hiding.see(each.reveal())
        self._pace_folder = connection.pace_folder
        self._log, self.notice, self._sleep = log, notice, sleep
        self._budget = Budget(connection.timeout)
        self._watchdog = Watchdog()
        self._once = connection.once
        self.security: tls.Security | None = None  # of the last connection
        self._client = httpx.Client(
            base_url=connection.origin,
            transport=_transport(connection),
            auth=_Bearer(connection.secret) if connection.secret else None,
            headers={
                "Accept": "application/json",
                "Accept-Encoding": ACCEPTED,
                "User-Agent": f"astalty-cli/{__version__}",
            },
            follow_redirects=False,
            event_hooks={"response": [self._refuse_redirect]},
            trust_env=False,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        paced: bool = False,
        with_key: bool = True,
    ) -> HttpResponse:
        """Send, and return whatever the server answered, also a 4xx or 5xx.

        `paced` is for the calls of a long read: they wait if the rate limit asks for it. Raises
        ServiceError if no usable answer came; it says whether the server may have acted.
        """
        try:
            request = self._client.build_request(method, path, content=body, headers=dict(headers or {}))
        except httpx.InvalidURL as error:
            raise UsageError(f"This cannot be asked for: {_reason(error)}.") from None
        except UnicodeError:  # a name that begins with xn-- and is not the spelling of another one
            raise UsageError(
                f"Cannot use the base URL {self._origin!r}: its host is not a valid name.",
                hint="Check how it is spelled.",
            ) from None
        if body is not None:
            request.headers.setdefault("Content-Type", "application/json")
        if not with_key:
            request.extensions[_WITHOUT_KEY] = True
        with self._budget.running():
            return self._send_until_answered(request, self._pacer if paced else None)

    def pause(self, seconds: float, what_for: str) -> None:
        """Let time pass. Raises ServiceError if the command has not so much left."""
        with self._budget.running():
            self._pause(seconds, what_for)

    def close(self) -> None:
        self._client.close()

    @property
    def fingerprint(self) -> str:
        """What tells one key at one origin from others; of its secret, a hash is all that a file may hold."""
        secret = self._secret.reveal() if self._secret else ""
        return hashlib.sha256(f"{self._origin} {secret}".encode()).hexdigest()[:16]

    @cached_property
    def _pacer(self) -> Pacer | None:
        if self._pace_folder is None or self._secret is None:
            return None
        with suppress(OSError):
            self._pace_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Pacer(self._pace_folder / f"{self.fingerprint}.json")

    def _send_until_answered(self, request: httpx.Request, pacer: Pacer | None) -> HttpResponse:
        unanswered = 0.0
        for tries in range(1, MAX_TRIES + 1):
            last = self._once or tries == MAX_TRIES or request.method != "GET"
            if pacer is not None:
                self._keep_pace(pacer.reserve(self._budget.left))
            exchange = Exchange(self._budget, len(request.content))
            try:
                answer = self._send(request, exchange)
            except ServiceError as error:
                unanswered += exchange.elapsed
                if last or self._budget.spent or unanswered >= _MAX_TRYING or not error.worth_retrying:
                    raise
                self._wait(wait_before_retry(tries, None), "No answer")
                continue
            asked = parse_retry_after(answer.headers.get("retry-after"), times.utc_now())
            if pacer is not None:
                pacer.heed(answer.status, answer.headers, asked)
            if last or answer.status not in RETRIED_STATUSES:
                break
            seconds = wait_before_retry(tries, asked)
            if seconds > min(self._budget.left, MAX_WAIT):
                break
            self._wait(seconds, "Rate limited" if answer.status == 429 else f"HTTP {answer.status}")
        return answer

    def _keep_pace(self, seconds: float) -> None:
        if seconds >= _LONG_PAUSE:
            self.notice(f"Waiting {format_seconds(seconds)} for the rate limit of this key.")
        self._pause(seconds, "the rate limit of this key")

    def _pause(self, seconds: float, what_for: str) -> None:
        if seconds > self._budget.left:
            raise ServiceError(
                f"There is no time left to wait {format_seconds(seconds)} for {what_for}.",
                hint=f"The limit is {format_seconds(self._budget.seconds)}; --timeout SECONDS changes it.",
            )
        if seconds > 0:
            self._sleep(seconds)

    def _wait(self, seconds: float, why: str) -> None:
        if seconds >= 1:
            self.notice(f"{why}; trying again in {format_seconds(seconds)}.")
        self._sleep(min(seconds, self._budget.left))

    def _send(self, request: httpx.Request, exchange: Exchange) -> HttpResponse:
        outcome = "no answer"
        limit = max(exchange.left, 0.001)
        request.extensions["timeout"] = httpx.Timeout(limit, connect=min(limit, _CONNECT_SECONDS)).as_dict()
        try:
            with self._told_as_service(exchange), self._watchdog.watching(exchange, self._connected) as trace:
                request.extensions["trace"] = trace
                response = self._client.send(request, stream=True)
                try:
                    headers = {
                        name.lower(): self._scrubbed(value.encode()).decode()
                        for name, value in response.headers.items()
                    }
                    answer = HttpResponse(response.status_code, headers, self._read(response, exchange))
                finally:
                    response.close()
            outcome = str(answer.status)
        finally:
            path = self._scrubbed(request.url.raw_path.partition(b"?")[0]).decode("ascii", "replace")
            self._log(f"{request.method} {path} {outcome} {exchange.elapsed * 1000:.0f} ms")
        return answer

    def _connected(self, stream: Any) -> None:
        secured = stream.get_extra_info("ssl_object")
        self.security = tls.security(secured) if secured else None

    def _read(self, response: httpx.Response, exchange: Exchange) -> bytes:
        encoding = response.headers.get("content-encoding", "")
        return self._scrubbed(read_body(self._received(response, exchange), encoding, self._origin))

    def _received(self, response: httpx.Response, exchange: Exchange) -> Iterator[bytes]:
        for chunk in response.iter_raw():
            exchange.moved += len(chunk)
            if exchange.spent:
                break
            yield chunk
        if exchange.spent:  # also where the watchdog's shut socket looks like an orderly end
            raise self._timed_out()

    def _scrubbed(self, data: bytes) -> bytes:
        """A server that echoes a key, as a debug page does, must not make us print or keep it."""
        return hiding.hide_seen(data)

    @contextmanager
    def _told_as_service(self, exchange: Exchange) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            reason = _reason(error)
            check = "the network, the base URL and HTTPS_PROXY"
            if tls.is_no_tls(reason):
                check = "whether that port speaks https"
            raise ServiceError(
                f"Cannot reach {self._origin}: {reason}.",
                hint=f"Check {check}; nothing was sent.",
                worth_retrying="CERTIFICATE" not in str(error),
            ) from None
        except httpx.TimeoutException:
            raise self._timed_out() from None
        except (httpx.HTTPError, httpx.StreamError) as error:
            if exchange.spent:
                raise self._timed_out() from None
            raise ServiceError(
                f"The connection to {self._origin} broke off: {_reason(error)}.", outcome_unknown=True
            ) from None

    def _timed_out(self) -> ServiceError:
        limit = f"The limit is {format_seconds(self._budget.seconds)}; --timeout SECONDS changes it."
        if self._budget.seconds > EXCHANGE_SECONDS and not self._budget.spent:
            limit = f"A request and its answer may take {format_seconds(EXCHANGE_SECONDS)}. Try again later."
        return ServiceError(
            f"{self._origin} did not answer in time.",
            hint=limit,
            outcome_unknown=True,
        )

    def _refuse_redirect(self, response: httpx.Response) -> None:
        """Before httpx looks at the target, which may be anything. Raises ServiceError."""
        if not 300 <= response.status_code < 400 or response.status_code == NOT_MODIFIED:
            return
        target = brief(self._scrubbed(response.headers.get("location", "nowhere").encode()).decode())
        end, hint = (
            ("redirects are not followed", "If the API has moved there, give its new origin with --base-url.")
            if self._secret is None
            else (
                "a key is never sent on to another address",
                "If that address is right, use it as the base URL.",
            )
        )
        raise ServiceError(
            f"{self._origin} redirects to {target}, and {end}.",
            hint=hint,
            status=response.status_code,
            worth_retrying=False,
        )


def _transport(connection: Connection) -> httpx.BaseTransport:
    if connection.app is not None:
        return httpx.WSGITransport(app=_utf8_paths(connection.app), raise_app_exceptions=False)
    parts = urlsplit(connection.origin)
    address = proxy_for(parts.hostname or "", connection.environ)
    context = tls.context(parts.scheme, connection.ca_file)
    try:
        to_proxy = context if address and urlsplit(address).scheme == "https" else None
        proxy = httpx.Proxy(address, ssl_context=to_proxy) if address else None
        if proxy and not is_host(proxy.url.host.rstrip(".")):
            raise _bad_proxy()
        with stub("certifi"):
            transport = httpx.HTTPTransport(verify=context, proxy=proxy)
    except (ValueError, ImportError, httpx.InvalidURL):
        raise _bad_proxy() from None
    transport._pool._network_backend = _Backend()  # noqa: SLF001 - httpx takes none
    return transport


def _bad_proxy() -> UsageError:
    return UsageError(
        "HTTPS_PROXY is not the address of a proxy that can be used.", hint="Such as http://host:3128"
    )


def _utf8_paths(app: Any) -> Any:
    """WSGI wants a path's bytes as Latin-1; httpx puts the decoded text there."""

    def called(environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].encode().decode("latin-1")
        return app(environ, start_response)

    return called


def _reason(error: BaseException) -> str:
    if isinstance(error, httpx.LocalProtocolError):  # its text quotes the header that holds the key
        return "the request cannot be sent as it is"
    text = tls.in_words(str(error)).strip().rstrip(".")
    return brief(text) or type(error).__name__
