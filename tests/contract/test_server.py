"""The sandbox over HTTP: many clients at once, a kill in the middle, and where it listens."""

import contextlib
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from astalty_cli.api.contract import API_KEYS, API_KEYS_CURRENT
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.sandbox.history import REQUESTS
from astalty_cli.sandbox.listing import parse_query
from astalty_cli.sandbox.server import check_host, loopback, serve
from astalty_cli.sandbox.store import Store
from tests.support.serving import Clock, serving

CLIENTS = 50


@contextlib.contextmanager
def serve_process(database: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "tests.contract.serve_process", str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def open_client(url: str, secret: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {secret}"}
    return httpx.Client(
        base_url=url, headers=headers, limits=httpx.Limits(max_connections=CLIENTS), timeout=60
    )


def test_fifty_clients_at_once_on_two_servers_of_one_database(
    store: Store, secret: str, tmp_path: Path
) -> None:
    shared = store.keys.create("shared", created_by=store.owner().id).id
    path = tmp_path / "data" / "sandbox.db"
    barrier = threading.Barrier(CLIENTS)

    def work(number: int) -> list[tuple[str, int]]:
        api = servers[number % 2]
        barrier.wait()
        done = []
        for call in range(4):
            mark = {"mark": f"{number}-{call}"}
            done.append(
                ("create", api.post(API_KEYS, params=mark, json={"name": f"same {call}"}).status_code)
            )
            rotation = api.get(f"{API_KEYS}/{shared}", params=mark).json()["data"]["rotation"]
            body = {"grace_seconds": 0, "if_rotation": rotation}
            response = api.post(f"{API_KEYS}/{shared}/rotate", params=mark, json=body)
            done.append(("rotate", response.status_code))
            done.append(("list", api.get(API_KEYS, params=mark).status_code))
        return done

    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(serve_process(path))[1] for _ in range(2)]
        servers = [stack.enter_context(open_client(url, secret)) for url in urls]
        pool = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        outcomes = Counter(outcome for done in pool.map(work, range(CLIENTS)) for outcome in done)

    assert outcomes["create", 201] == 4
    assert outcomes["create", 422] == 4 * CLIENTS - 4
    assert outcomes["list", 200] == 4 * CLIENTS
    assert outcomes["rotate", 201] == store.keys.get(shared).rotation
    assert outcomes["rotate", 201] + outcomes["rotate", 409] == 4 * CLIENTS
    with contextlib.closing(sqlite3.connect(path)) as connection:
        logged = connection.execute(
            "SELECT method, path FROM api_requests WHERE path LIKE '%mark=%'"
        ).fetchall()
    marks = Counter(path.rpartition("=")[2] for _, path in logged)
    assert marks == Counter({f"{number}-{call}": 4 for number in range(CLIENTS) for call in range(4)})


def test_a_kill_loses_nothing_that_was_answered(store: Store, secret: str, tmp_path: Path) -> None:
    enough = threading.Event()
    answered: list[tuple[str, int, str]] = []

    def work(number: int) -> None:
        for call in range(10_000):
            name = f"{number}-{call}"
            try:
                response = api.post(API_KEYS, params={"mark": name}, json={"name": name})
            except httpx.TransportError:
                return
            answered.append((name, response.status_code, response.json()["data"]["id"]))
            if len(answered) >= 100:
                enough.set()

    path = tmp_path / "data" / "sandbox.db"
    with (
        serve_process(path) as (process, url),
        open_client(url, secret) as api,
        ThreadPoolExecutor(8) as pool,
    ):
        for number in range(8):
            pool.submit(work, number)
        assert enough.wait(60)
        process.send_signal(signal.SIGKILL)

    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        keys = dict(connection.execute("SELECT name, id FROM api_keys"))
        logged = Counter(
            path.rpartition("=")[2] for (path,) in connection.execute("SELECT path FROM api_requests")
        )
    for name, status, key_id in answered:
        assert status == 201
        assert keys[name] == key_id
        assert logged[name] == 1


def test_slow_clients_hold_up_nobody_else(store: Store, tmp_path: Path) -> None:
    with serve_process(tmp_path / "data" / "sandbox.db") as (_, url), contextlib.ExitStack() as clients:
        host, port = url.removeprefix("http://").split(":")
        for _ in range(300):
            client = clients.enter_context(socket.create_connection((host, int(port))))
            client.sendall(b"GET /public/v1/api-keys HTTP/1.1\r\nHost: ")
        for _ in range(20):
            assert httpx.get(url + API_KEYS, timeout=8).status_code == 401


def test_sigterm_ends_it_cleanly(store: Store, tmp_path: Path) -> None:
    with serve_process(tmp_path / "data" / "sandbox.db") as (process, url):
        assert httpx.get(url + API_KEYS).status_code == 401
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "sandbox.example", ""])
def test_it_refuses_other_addresses_than_loopback(host: str) -> None:
    with pytest.raises(UsageError) as refusal:
        check_host(host, allow_remote=False)
    assert "--allow-remote" in refusal.value.hint


def test_a_port_in_use_is_told(app: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalError, match="in use"):
            serve(app, "127.0.0.1", port, ready=lambda _: pytest.fail("it listens"))


def raw(url: str, request: bytes) -> bytes:
    """Send bytes as they are; return all of the answer."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"GET /public/v1/\xff\xfe?a=\xff HTTP/1.1", b"", 400),  # waitress's own, before the application
        (b"GET /public/v1/%ff%00/%2e%2e?a=%ff&%=[ HTTP/1.1", b"", 404),
        (b"GET /public/v1/api-keys HTTP/1.1\r\nAuthorization: Bearer \xe9\xff", b"", 401),
        (b"GET /public/v1/api-keys HTTP/1.1\r\nX-Large: " + b"x" * 100_000, b"", 401),
        (b"POST /public/v1/api-keys HTTP/1.1\r\nContent-Length: nonsense", b"", 400),
        (b"POST /public/v1/api-keys HTTP/1.1\r\nContent-Length: -5", b"", 400),
        (b"BREW /public/v1/api-keys HTTP/1.1", b"", 401),
        (b"POST /public/v1/api-keys HTTP/1.1\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n", 401),
    ],
)
def test_odd_requests_never_fail_the_server(app: Any, head: bytes, body: bytes, status: int) -> None:
    with serving(app) as url:
        answer = raw(url, head + b"\r\nHost: x\r\nConnection: close\r\n\r\n" + body)
        assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_chunked_bodies_are_read(app: Any, secret: str) -> None:
    with serving(app) as url:
        response = httpx.post(
            url + API_KEYS,
            content=iter([b'{"name"', b': "chunked"}']),
            headers={"Authorization": f"Bearer {secret}"},
        )
    assert response.status_code == 201


def test_calls_over_http_have_their_address(app: Any, store: Store, secret: str) -> None:
    with serving(app) as url, open_client(url, secret) as api:
        assert api.get(API_KEYS_CURRENT).status_code == 200
    rows, _ = store.history.page(parse_query("filter[path]=*/current&page[size]=1", REQUESTS))
    assert rows[0].ip_address == "127.0.0.1"


def test_each_answer_has_one_date_of_the_servers_clock(app: Any, clock: Clock, secret: str) -> None:
    headers = f"\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {secret}\r\n\r\n"
    with serving(app) as url:
        for path in (API_KEYS, "/public/v1/nothing", "/docs/openapi.json", "/"):
            answer = raw(url, f"GET {path} HTTP/1.1{headers}".encode())
            dates = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"date:")]
            assert dates == [b"Date: Mon, 23 Nov 2026 09:30:00 GMT"]


def test_in_the_process_there_is_a_date_too(api: httpx.Client, anyone: httpx.Client, clock: Clock) -> None:
    clock.move(hours=1)
    for client in (api, anyone):
        assert client.get(API_KEYS).headers["Date"] == "Mon, 23 Nov 2026 10:30:00 GMT"


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
        ("http://localhost:8787", "http://localhost:8787"),
        ("http://[::1]:8787", "http://[::1]:8787"),
        ("http://0.0.0.0:8787", "http://127.0.0.1:8787"),
        ("http://[::]:8787", "http://[::1]:8787"),
        ("http://192.0.2.7:8787", None),
    ],
)
def test_a_browser_on_this_machine_is_sent_to_a_loopback_address(base_url: str, address: str | None) -> None:
    assert loopback(base_url) == address
