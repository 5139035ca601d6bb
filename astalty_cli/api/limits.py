"""What one request and its answer may take: of time, and of memory."""

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from astalty_cli.base.errors import ServiceError, brief

EXCHANGE_SECONDS: Final = 60.0  # for a request and its answer, whatever the command may take
LEAST_RATE: Final = 64 * 1024  # bytes a second: what flows at this rate may take longer
MAX_BODY: Final = 32 * 1024 * 1024  # bytes, as sent and as decoded
ACCEPTED: Final = "gzip"  # the one encoding that is asked for
_GZIP: Final = {"gzip", "x-gzip"}
_PIECE: Final = 64 * 1024  # bytes that are decoded at once: a bomb is noticed before it is in memory

# -- time ----------------------------------------------------------------------------------------


class Budget:
    """The seconds that all requests of a command may take together; a user who thinks costs none."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = float("inf") if seconds is None else seconds
        self._left = self.seconds
        self._end = float("inf")

    @contextmanager
    def running(self) -> Iterator[None]:
        self._end = time.monotonic() + self._left
        try:
            yield
        finally:
            self._left = self.left

    @property
    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def spent(self) -> bool:
        return self.left <= 0


class Exchange:
    """The time that one request and its answer may take; `moved` counts the bytes that earn more of it."""

    def __init__(self, budget: Budget, sent: int) -> None:
        self._budget = budget
        self._started = time.monotonic()
        self.moved = sent

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @property
    def left(self) -> float:
        own = EXCHANGE_SECONDS + self.moved / LEAST_RATE - self.elapsed
        return max(0.0, min(self._budget.left, own))

    @property
    def spent(self) -> bool:
        return self.left <= 0


class Watchdog:
    """Shuts the socket under a reader whose time is over, who then fails at once.

    The limits of the library are for one read or write: a server that drips bytes outlives them, and so
    does one that never stops saying `100 Continue`. The socket is kept for the next exchange, which may
    use the same connection.
    """

    def __init__(self) -> None:
        self._socket: Any = None

    @contextmanager
    def watching(
        self, exchange: Exchange, connected: Callable[[Any], None]
    ) -> Iterator[Callable[[str, Mapping[str, Any]], None]]:
        """Yields what wants to know of each step; it tells `connected` of each stream that is opened."""

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
                self._socket = info["return_value"].get_extra_info("socket")
                connected(info["return_value"])
                if exchange.spent:
                    self._shut()

        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(exchange, ended), daemon=True)
        watch.start()
        try:
            yield trace
        finally:
            ended.set()

    def _watch(self, exchange: Exchange, ended: threading.Event) -> None:
        while (left := exchange.left) > 0:
            if ended.wait(left):
                return
        self._shut()

    def _shut(self) -> None:
        import socket

        if self._socket is None:
            return
        try:
            # Not its own shutdown(): that of a TLS socket forgets the encryption first.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return


def look_up(host: str, seconds: float) -> list[str]:
    """The addresses, as the system orders them. Raises OSError; TimeoutError if it takes longer.

    Nothing can interrupt the system's own look-up, which may take minutes: its thread is left behind.
    """
    import socket

    found: list[str] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            answers = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(address[0]) for *_, address in answers))
        except (OSError, UnicodeError) as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise OSError(getattr(failures[0], "strerror", None) or "it is not a name")
    if not found:
        raise TimeoutError("no answer in time")
    return list(found)


# -- memory --------------------------------------------------------------------------------------


def read_body(chunks: Iterable[bytes], encoding: str, origin: str) -> bytes:
    """Raises ServiceError for a body that is too large, cut off, or in an encoding nobody asked for."""
    body = bytearray()
    for piece in _decoded(_counted(chunks, origin), encoding, origin):
        body += piece
        if len(body) > MAX_BODY:
            raise _too_large(origin)
    return bytes(body)


def _counted(chunks: Iterable[bytes], origin: str) -> Iterator[bytes]:
    received = 0
    for chunk in chunks:
        received += len(chunk)
        if received > MAX_BODY:
            raise _too_large(origin)
        yield chunk


def _decoded(chunks: Iterator[bytes], encoding: str, origin: str) -> Iterator[bytes]:
    names = [name for each in encoding.lower().split(",") if (name := each.strip()) not in {"", "identity"}]
    if not names:
        return chunks
    if len(names) == 1 and names[0] in _GZIP:
        return _unzipped(chunks, origin)
    raise ServiceError(
        f"{origin} sent an answer encoded as {brief(encoding, 40)!r}, which was not asked for.",
        hint="Check the base URL; a proxy may stand in between.",
        outcome_unknown=True,
        worth_retrying=False,
    )


def _unzipped(chunks: Iterator[bytes], origin: str) -> Iterator[bytes]:
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    begun = False
    try:
        for chunk in chunks:
            rest, begun = chunk, True
            while rest and not decoder.eof:
                yield decoder.decompress(rest, _PIECE)
                rest = decoder.unconsumed_tail
        while begun and not decoder.eof and (piece := decoder.decompress(b"", _PIECE)):
            yield piece
    except zlib.error:
        raise _cut_off(origin, "it is not gzip") from None
    if begun and not decoder.eof:
        raise _cut_off(origin, "its end is missing")


def _too_large(origin: str) -> ServiceError:
    return ServiceError(
        f"{origin} sent more than 32 MiB, which is no answer of this API.",
        outcome_unknown=True,
        worth_retrying=False,
    )


def _cut_off(origin: str, why: str) -> ServiceError:
    return ServiceError(f"The answer of {origin} cannot be decoded: {why}.", outcome_unknown=True)
