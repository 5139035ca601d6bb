"""A name that nobody answers for, and addresses that nobody answers at: connecting has an end."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.api.http import Connection, Http
from astalty_cli.base.errors import ServiceError
from tests.support.hostile import at, speaking
from tests.support.serving import free_port
from tests.support.shell import Shell

NAME = "astalty.example"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def silent(address: str, port: int) -> Iterator[None]:
    """Let nobody who connects to the address be answered: its queue is full."""
    with ExitStack() as closing:
        listener = closing.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield


def resolve(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], list[str]]) -> None:
    """Let the system find these addresses for the name."""
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **named: Any) -> Any:
        if host != NAME:
            return real(host, *arguments, **named)
        port = arguments[0] or 0
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answer()]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def never() -> list[str]:
    threading.Event().wait(60)
    return []


def test_a_resolver_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, never)
    client = Http(Connection(f"https://{NAME}", timeout=1.0))
    started = time.monotonic()
    with pytest.raises(ServiceError, match=f"the name {NAME} cannot be looked up: no answer in time"):
        client.request("POST", "/")
    assert time.monotonic() - started < 30
    client.close()


@pytest.mark.parametrize("line", ["keys list", "keys create x --plain", "history tail"])
def test_a_command_ends_in_time_whose_name_is_never_looked_up(
    shell: Shell, tmp_path: Path, line: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, threading\nsocket.getaddrinfo = lambda *_: threading.Event().wait()\n"
    )
    env = at(f"https://{NAME}", "k" * 20) | {"PYTHONPATH": str(tmp_path)}
    started = time.monotonic()
    told = shell._run([*line.split(), "--timeout", "1"], b"", {**shell.environ, **env})
    assert time.monotonic() - started < 30
    assert told.code == (0 if "tail" in line else 6), told.err
    assert f"the name {NAME} cannot be looked up: no answer in time" in told.err or "tail" in line


def test_all_of_the_addresses_together_have_one_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [f"127.0.0.{number}" for number in range(2, 22)]
    resolve(monkeypatch, lambda: addresses)
    with free_port() as port, ExitStack() as closing:
        for address in addresses:
            closing.enter_context(silent(address, port))
        client = Http(Connection(f"http://{NAME}:{port}", timeout=2.0))
        started = time.monotonic()
        with pytest.raises(ServiceError, match="Cannot reach"):
            client.request("POST", "/")
        assert time.monotonic() - started < 20  # and not 2 s for each
        client.close()


def test_an_address_that_answers_is_found_among_those_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = ["127.0.0.2", "127.0.0.3"]
    resolve(monkeypatch, lambda: [*dead, "127.0.0.1"])
    with speaking(lambda connection: connection.sendall(OK)) as url, ExitStack() as closing:
        port = int(url.rpartition(":")[2])
        for address in dead:
            closing.enter_context(silent(address, port))
        client = Http(Connection(f"http://{NAME}:{port}", timeout=3.0))
        assert client.request("POST", "/").body == b"ok"
        client.close()
