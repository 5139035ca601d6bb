"""A server that keeps a command waiting: each request and its answer have an end of their own."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from astalty_cli.api.http import Connection, Http
from astalty_cli.base.errors import ServiceError
from tests.support.hostile import at, speaking
from tests.support.shell import Shell

Speak = Callable[[socket.socket], None]
LIMIT = 0.6  # seconds, instead of 60
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astalty_cli.api.limits.EXCHANGE_SECONDS", LIMIT)
    monkeypatch.setattr("astalty_cli.api.http._MAX_TRYING", 2 * LIMIT)


def short_limit(folder: Path) -> None:
    """The same for a command that runs with this folder in PYTHONPATH."""
    (folder / "sitecustomize.py").write_text(
        f"from astalty_cli.api import limits\nlimits.EXCHANGE_SECONDS = {LIMIT}\n"
        "from astalty_cli.api import http\n"
    )


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def drip(start: bytes, piece: bytes = b"x", pause: float = 0.05) -> Speak:
    """Say `start`, then a piece again and again until the other side has had enough."""

    def speak(connection: socket.socket) -> None:
        connection.settimeout(pause or 0.001)
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            try:
                if connection.recv(65536) == b"":
                    return
            except TimeoutError:
                continue

    return speak


KEPT_WAITING: dict[str, Speak] = {
    "silent": silent,
    "status line": drip(b"HTTP/1.1 200 O"),
    "headers": drip(OK + b"X: "),
    "header lines": drip(OK, b"X: y\r\n"),
    "body": drip(OK + b"Content-Length: 99999\r\n\r\n"),
    "body without an end": drip(OK + b"\r\n"),
    "chunks": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "size of a chunk": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "trailers": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "100 Continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless 100 Continue": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 500, 0),
    "early hints": drip(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
    "empty gzip": drip(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\0\0\0\xff\xff"),
}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("speak", KEPT_WAITING.values(), ids=KEPT_WAITING)
@pytest.mark.parametrize("timeout", [None, 600.0])
def test_an_exchange_ends(speak: Speak, timeout: float | None) -> None:
    heard: list[bytes] = []
    with speaking(speak, heard) as url:
        client = Http(Connection(url, timeout=timeout), sleep=lambda _: None)
        with pytest.raises(ServiceError, match="did not answer in time") as raised:
            client.request("GET", "/")
        client.close()
    assert "A request and its answer" in raised.value.hint
    assert raised.value.outcome_unknown
    assert 2 <= len(heard) <= 3  # tried again, within a total of its own


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", ["silent", "headers", "body", "100 Continue"])
def test_what_is_not_repeated_is_sent_once(name: str) -> None:
    heard: list[bytes] = []
    with speaking(KEPT_WAITING[name], heard) as url:
        client = Http(Connection(url, timeout=None))
        with pytest.raises(ServiceError, match="did not answer in time"):
            client.request("POST", "/", body=b"{}")
        client.close()
    assert len(heard) == 1


@pytest.mark.usefixtures("short")
def test_a_reader_that_reads_nothing_or_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astalty_cli.api.limits.LEAST_RATE", 64 * 1024 * 1024)
    ended = threading.Event()

    def deaf(_: socket.socket) -> None:
        ended.wait(20)

    def slow(connection: socket.socket) -> None:
        while connection.recv(1):
            ended.wait(0.01)

    for speak in (deaf, slow):
        ended.clear()
        with speaking(speak) as url:
            client = Http(Connection(url, timeout=None))
            with pytest.raises(ServiceError, match="did not answer in time"):
                client.request("POST", "/", body=b"x" * 16 * 1024 * 1024)
            client.close()
            ended.set()


@pytest.mark.usefixtures("short")
def test_a_connection_that_is_used_again_is_watched_too() -> None:
    """Of the second exchange no connection is opened: its socket is that of the first."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")
        connection.recv(65536)
        drip(OK + b"X: ")(connection)

    with speaking(speak) as url:
        client = Http(Connection(url, timeout=None, once=True))
        assert client.request("GET", "/a").body == b"{}"
        with pytest.raises(ServiceError, match="did not answer in time"):
            client.request("GET", "/b")
        client.close()


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("speak", [silent, drip(b"HTTP/1.1 200 O")], ids=["silent", "drips"])
def test_a_proxy_that_never_answers(speak: Speak) -> None:
    with speaking(speak) as proxy:
        environ = {"HTTPS_PROXY": proxy}
        client = Http(Connection("https://astalty.example", timeout=None, environ=environ, once=True))
        with pytest.raises(ServiceError, match=r"in time|Cannot reach"):
            client.request("GET", "/")
        client.close()


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("speak", [silent, drip(b"\x16\x03\x03\x40\x00", b"\x02")], ids=["silent", "drips"])
def test_a_handshake_that_never_ends(speak: Speak) -> None:
    with speaking(speak) as url:
        origin = url.replace("http:", "https:")
        client = Http(Connection(origin, timeout=None, once=True))
        with pytest.raises(ServiceError, match=r"in time|Cannot reach"):
            client.request("GET", "/")
        client.close()


@pytest.mark.usefixtures("short")
def test_an_answer_that_drips_through_tls(authority: trustme.CA, ca_file: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as connection:
            connection.recv(65536)
            try:
                drip(OK + b"X: ")(connection)
            except OSError:
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    origin = f"https://127.0.0.1:{listener.getsockname()[1]}"
    client = Http(Connection(origin, timeout=None, ca_file=ca_file, once=True))
    with pytest.raises(ServiceError, match="did not answer in time"):
        client.request("GET", "/")
    client.close()
    thread.join(10)
    listener.close()


@pytest.mark.usefixtures("short")
def test_what_flows_may_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astalty_cli.api.limits.LEAST_RATE", 1024)
    size = 4096

    def speak(connection: socket.socket) -> None:
        connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % size)
        connection.settimeout(0.25)
        for _ in range(4):
            connection.sendall(b"x" * (size // 4))
            try:
                connection.recv(1)
            except TimeoutError:
                continue

    with speaking(speak) as url:
        client = Http(Connection(url, timeout=None))
        assert len(client.request("GET", "/").body) == size
        client.close()


@pytest.mark.parametrize("name", ["silent", "headers", "body", "endless 100 Continue"])
def test_a_smaller_time_out_wins(shell: Shell, name: str) -> None:
    with speaking(KEPT_WAITING[name]) as url:
        told = shell("history list --all --timeout 1", env=at(url), code=6).err
    assert "did not answer in time" in told
    assert "The limit is 1 s" in told


@pytest.mark.parametrize(
    "line",
    [
        "history list --all",
        "history list -L 600",
        "history export out.jsonl",
        "history sync",
        "api participants --paginate",
        "keys audit",
    ],
)
@pytest.mark.parametrize("name", ["silent", "body", "100 Continue"])
def test_commands_that_may_take_any_time_do_not_hang(
    shell: Shell, tmp_path: Path, line: str, name: str
) -> None:
    short_limit(tmp_path)
    started = time.monotonic()
    with speaking(KEPT_WAITING[name]) as url:
        result = shell(line, env={**at(url), "PYTHONPATH": str(tmp_path)}, code=6)
    assert "did not answer in time" in result.err
    assert time.monotonic() - started < 50


def test_tail_says_that_nobody_answers_and_continues(shell: Shell, tmp_path: Path) -> None:
    short_limit(tmp_path)
    with speaking(KEPT_WAITING["body"]) as url:
        env = {**at(url), "PYTHONPATH": str(tmp_path)}
        assert "asked again until it answers" in shell("history tail --timeout 4", env=env).err
