"""The same program inside this process: thousands of runs a minute, with the same faults.

What leaves the process is replaced at its edges: httpx's transport, the streams, the keyring behind the
keyring library, the clock of the waits. Files and other programs are real. A kill is an exception that
nothing catches; from then on each edge raises it again, so that no cleaning up gets out either.
"""

import contextlib
import functools
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final, Self

import httpx

from astalty_cli.api import http
from astalty_cli.base import hiding
from astalty_cli.cli import app
from astalty_cli.config import credentials
from astalty_cli.main import run
from astalty_cli.output.streams import Streams
from astalty_cli.program import Folders, Program
from tests.faults.home import Done, World
from tests.faults.plan import At, Fault, at_steps
from tests.faults.service import Sent
from tests.faults.site.sitecustomize import (
    SECRET_SERVICE,
    SIGNALS,
    Keyring,
    Steps,
    put_keyring_in_place,
)
from tests.support.clock import Clock, wait_by

_HEARD: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Killed(BaseException):
    """SIGKILL. What may still run are `finally` clauses, and nothing of them is seen outside."""


class Stdout(io.StringIO):
    """A stream whose text counts once it is flushed; `kind` is what is wrong with it."""

    def __init__(self, steps: Steps, kind: str) -> None:
        super().__init__()
        self._steps, self._kind = steps, kind
        self.handed = ""

    def flush(self) -> None:
        text = self.getvalue()
        if len(text) > len(self.handed):
            self._steps.step("stdout")
            if self._kind == "full":
                raise OSError(28, "No space left on device")
            if self._kind:
                raise BrokenPipeError(32, "Broken pipe")
            self.handed = text


class Edge(httpx.BaseTransport):
    """Instead of a connection: the world's service, in this process."""

    def __init__(self, engine: "InProcess") -> None:
        self._engine = engine

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        engine = self._engine
        engine.must_live()
        assert engine.world is not None
        request.read()
        with engine.steps.unwatched():
            sent = engine.world.service.handle(request)
        engine.must_live()
        if sent.lost:
            raise self._lost(sent, request)
        return httpx.Response(sent.status, headers=sent.headers, stream=_Body(sent))

    def _lost(self, sent: Sent, request: httpx.Request) -> httpx.HTTPError:
        if sent.lost == "refuse":
            return httpx.ConnectError("[Errno 111] Connection refused", request=request)
        if sent.lost == "hold":
            seconds = request.extensions.get("timeout", {}).get("read") or 60.0
            self._engine.clock.sleep(seconds)
            return httpx.ReadTimeout("timed out", request=request)
        return httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)


class _Body(httpx.SyncByteStream):
    def __init__(self, sent: Sent) -> None:
        self._sent = sent

    def __iter__(self) -> Iterator[bytes]:
        yield self._sent.body[: self._sent.cut]
        if self._sent.cut is not None:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class InProcess:
    """Runs commands for one world at a time. To be used as a context: it holds the process's edges."""

    slow = True  # since waits cost nothing here

    def __init__(self) -> None:
        self.clock = Clock()
        self.world: World | None = None
        self.steps = _steps()

    def __enter__(self) -> Self:
        self._undo = contextlib.ExitStack()
        replace = functools.partial(swap, self._undo)
        replace(http, "_transport", lambda _: Edge(self))
        replace(app, "command", functools.cache(app.command))  # 6 ms each time
        replace(credentials, "KEYRING_SECONDS", 0.05)
        wait_by(self.clock, replace)
        replace(time, "sleep", self.clock.sleep)
        replace(time, "perf_counter", self.clock.perf_counter)
        replace(threading, "excepthook", lambda _: None)  # a kill on the keyring's thread
        for number in _HEARD:
            self._undo.callback(signal.signal, number, signal.getsignal(number))
        self._undo.callback(_put_back, sys.modules.get(SECRET_SERVICE))
        put_keyring_in_place()
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @contextlib.contextmanager
    def address(self, world: World) -> Iterator[str]:
        self.world = world
        yield "http://127.0.0.1:9"
        self.world = None

    def run(self, world: World, words: list[str], fault: Fault | None) -> Done:
        world.service.begin(fault)
        world.service.send_signal = self._send
        world.service.rival = lambda kind: world.done.append(
            self._execute(world, world.rival_words(kind), None)
        )
        Keyring.calls, Keyring.file = 0, world.keyring
        Keyring.mode, Keyring.after = "ok", 0
        Keyring.released.clear()
        if fault is not None and fault.at is At.KEYRING:
            Keyring.mode, Keyring.after = fault.kind, fault.number
        try:
            return self._execute(world, words, fault)
        finally:
            Keyring.released.set()

    def _execute(self, world: World, words: list[str], fault: Fault | None) -> Done:
        steps = self.steps
        outer, handlers = dict(vars(steps)), [(number, signal.getsignal(number)) for number in _HEARD]
        steps.send = self._signal
        steps.begin(*at_steps(fault))
        stdout = Stdout(steps, fault.kind if fault is not None and fault.at is At.STDOUT else "")
        stdin, stderr = self.streams()
        environ = {"HOME": str(world.home), "LANG": "C.UTF-8", "TZ": "UTC", "PATH": os.environ["PATH"]}
        environ |= world.environ
        folders = Folders(
            world.config, world.home / ".local" / "share" / "astalty", world.home / ".cache" / "astalty"
        )
        program = Program(words, Streams(stdin, stdout, stderr, environ), environ, run, lambda: folders)
        hiding._seen.clear()  # a command is a process, and has seen nothing yet
        code: int | None
        try:
            for number in _HEARD:
                signal.signal(number, signal.default_int_handler)
            world.printing.append(lambda: stdout.handed)
            steps.root = str(world.home)
            code = run(program)
            with contextlib.suppress(OSError):
                stdout.flush()  # as the interpreter does in the end
        except KeyboardInterrupt:
            code = 130
        except Killed:
            code = None
        finally:
            steps.root = ""
            steps.neighbour.let_go()
            world.printing.pop()
            for number, handler in handlers:
                signal.signal(number, handler)
        if steps.dead:
            code = None
        around = fault is not None and fault.at in {At.STDOUT, At.EXEC, At.KEYRING}
        done = Done(
            line=" ".join(words),
            code=code,
            out=stdout.handed,
            err=stderr.getvalue(),
            fired=steps.fired or world.service.fired or around,
            log=tuple(world.service.log),
            steps=tuple(steps.seen),
        )
        vars(steps).update(outer)
        return done

    def streams(self) -> tuple[io.StringIO, io.StringIO]:
        """stdin and stderr of the next command."""
        return io.StringIO(), io.StringIO()

    # -- signals ---------------------------------------------------------------------------------

    def _send(self, name: str) -> None:
        """From the service, to the process that asks it."""
        name, _, after = name.partition(" ")
        if after and name == "kill":
            self.steps.dead = True  # found at the next edge: the answer has arrived
            return
        for number in SIGNALS[name]:
            self._signal(number)

    def _signal(self, number: signal.Signals) -> None:
        if number is signal.SIGKILL:
            self.steps.dead = True
            raise Killed
        signal.raise_signal(number)

    def must_live(self) -> None:
        if self.steps.dead:
            raise Killed


@functools.cache
def _steps() -> Steps:
    steps = Steps(lambda _: None)
    steps.install()
    return steps


def swap(undo: contextlib.ExitStack, owner: Any, name: str, value: object) -> None:
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _put_back(secret_service: ModuleType | None) -> None:
    if secret_service is None:
        del sys.modules[SECRET_SERVICE]
    else:
        sys.modules[SECRET_SERVICE] = secret_service
