"""The installed command without its interpreter's start, which is most of the time that a test takes.

A process imports what commands import, runs none of them, and forks for each command line: the child has
the streams, environment and folder that it was sent, runs the console script's own entry, and ends as that
does. So a test still sees a process of its own for each command, except that it waits for the service in
no time (see `clock.py`). `ASTALTY_TESTS_COLD=1` starts the installed script instead, as tests of start-up,
terminals, signals and whole scripts always do.
"""

import atexit
import importlib
import io
import json
import mimetypes
import os
import pkgutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.support import clock

_LENGTH = struct.Struct("!I")


class Warm:
    """The process that forks; one for each process of tests, started at the first command."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen([sys.executable, "-m", "tests.support.warm"], stdin=theirs.fileno())
        theirs.close()
        self._socket = ours
        atexit.register(self.close)

    def run(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        folder: Path,
        streams: Sequence[IO[bytes]],
        timeout: float,
    ) -> int:
        """Run a command line on these streams; return its exit code. Raises TimeoutError."""
        asked = json.dumps([list(argv), dict(environ), str(folder)]).encode("utf-8", "surrogateescape")
        self._socket.settimeout(timeout)
        socket.send_fds(self._socket, [_LENGTH.pack(len(asked))], [stream.fileno() for stream in streams])
        self._socket.sendall(asked)
        code: int = _LENGTH.unpack(_read(self._socket, _LENGTH.size))[0]
        return code - 256

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


def _read(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = source.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def _serve() -> None:
    _import_what_commands_import()
    requests = socket.socket(fileno=os.dup(0))
    while True:
        head, streams, *_ = socket.recv_fds(requests, _LENGTH.size, 3)
        if not head:
            return
        argv, environ, folder = json.loads(_read(requests, _LENGTH.unpack(head)[0]))
        child = os.fork()
        if child == 0:
            requests.close()
            clock.wait_by(clock.Clock())
            _run(argv, environ, folder, streams)
        for stream in streams:
            os.close(stream)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        requests.sendall(_LENGTH.pack(code + 256))  # a signal's code is negative


def _import_what_commands_import() -> None:
    """All of the package: none of it runs anything when it is imported."""
    import astalty_cli

    for module in pkgutil.walk_packages(astalty_cli.__path__, "astalty_cli."):
        importlib.import_module(module.name)
    libraries = "humanize", "jmespath", "keyring", "platformdirs.unix", "tomlkit", "tomllib", "truststore"
    for library in libraries:
        importlib.import_module(library)
    mimetypes.init()  # falcon would read the table for each sandbox


def _run(argv: list[str], environ: dict[str, str], folder: str, streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["astalty", *argv]
    sys.stdin, sys.stdout, sys.stderr = _opened(0, "r"), _opened(1, "w"), _opened(2, "w")
    code: Any = 0
    try:
        from astalty_cli.__main__ import entry

        entry()
    except SystemExit as ended:
        code = ended.code
    finally:
        for output in (sys.stdout, sys.stderr):
            try:
                output.flush()
            except OSError:
                code = code or 120  # as Python ends where it cannot flush
        os._exit(code if isinstance(code, int) else 1 if code else 0)


def _opened(number: int, mode: str) -> io.TextIOWrapper:
    stream = open(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    assert isinstance(stream, io.TextIOWrapper)
    return stream


if __name__ == "__main__":
    _serve()
