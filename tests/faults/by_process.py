"""The installed command in a process of its own, against sockets: what a user really has."""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from tests.faults.home import Done, World
from tests.faults.plan import At, Fault, at_steps
from tests.faults.proxy import Proxy, serving
from tests.faults.site.sitecustomize import SIGNALS
from tests.support.shell import ASTALTY

_SITE: Final = Path(__file__).with_name("site")
_PACE: Final = 0.02  # of the waits between two tries, which are the command's own
LIMIT: Final = 90.0  # seconds after which a command hangs


class ByProcess:
    """Runs commands for one world at a time."""

    slow = False

    def __init__(self) -> None:
        self._proxy: Proxy | None = None
        self._children: list[subprocess.Popen[bytes]] = []
        self.given = b""  # on stdin of the next command

    @contextlib.contextmanager
    def address(self, world: World) -> Iterator[str]:
        with serving(world.service) as self._proxy:
            yield self._proxy.url

    def run(self, world: World, words: list[str], fault: Fault | None) -> Done:
        assert self._proxy is not None
        service, proxy = world.service, self._proxy
        service.begin(fault)
        service.send_signal = self._send
        service.rival = lambda kind: world.done.append(self._execute(world, world.rival_words(kind), None))
        proxy.begin()
        if fault is not None and fault.kind.startswith("hold"):
            words = [*words, "--timeout", "2"]
        done = self._execute(world, words, fault)
        proxy.end()
        return done

    def _send(self, name: str) -> None:
        assert self._proxy is not None
        name, _, after = name.partition(" ")
        if after:
            self._proxy.on_answer_sent = name
        elif self._children[0].poll() is None:
            for number in SIGNALS[name]:
                self._children[0].send_signal(number)

    def _execute(self, world: World, words: list[str], fault: Fault | None) -> Done:
        log = world.folder / f"steps-{len(self._children)}"
        log.unlink(missing_ok=True)
        command: list[str] = [str(ASTALTY), *words]
        with contextlib.ExitStack() as closing:
            printed = world.folder / f"stdout-{len(self._children)}"  # seen while the command runs
            stdout: int | IO[bytes] = closing.enter_context(printed.open("wb"))
            if fault is not None and fault.at is At.STDOUT:
                command, stdout = _without_stdout(fault.kind, command, closing)
            child = closing.enter_context(
                subprocess.Popen(
                    command,
                    env=environ_of(world, fault, log),
                    cwd=world.home,
                    stdin=subprocess.PIPE,
                    stdout=stdout,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # no terminal that a secret could be shown on
                )
            )
            self._children.append(child)
            world.printing.append(lambda: printed.read_text(errors="replace"))
            closing.callback(world.printing.pop)
            watchdog = threading.Timer(LIMIT, child.kill)
            watchdog.start()
            _, err = child.communicate(self.given)
            out = printed.read_text(errors="replace")
            hung = not watchdog.is_alive()
            watchdog.cancel()
        self._children.remove(child)
        steps = log.read_text().splitlines() if log.exists() else []
        killed = child.returncode < 0 and not hung
        fired = world.service.fired or any(line.startswith("!") for line in steps)
        around = fault is not None and fault.at in {At.STDOUT, At.EXEC, At.KEYRING}
        return Done(
            line=" ".join(words),
            code=None if killed else child.returncode,
            out=out,
            err=err.decode(errors="replace") + (f"(hung for {LIMIT:.0f} s)" if hung else ""),
            fired=fired or around,
            log=tuple(world.service.log),
            steps=tuple(line[1:] for line in steps),
        )


def environ_of(world: World, fault: Fault | None, log: Path) -> dict[str, str]:
    of_keyring = fault is not None and fault.at is At.KEYRING
    plan = {
        "root": str(world.home),
        "steps": at_steps(fault),
        "log": str(log),
        "keyring": str(world.keyring),
        "keyring_mode": fault.kind if fault is not None and of_keyring else "ok",
        "keyring_after": fault.number if fault is not None and of_keyring else 0,
        "pace": _PACE,
    }
    return {
        "HOME": str(world.home),
        "PATH": f"{ASTALTY.parent}{os.pathsep}{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **world.environ,
        "PYTHONPATH": os.pathsep.join([str(_SITE), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "ASTALTY_FAULTS": json.dumps(plan),
    }


def _without_stdout(
    kind: str, command: list[str], closing: contextlib.ExitStack
) -> tuple[list[str], int | IO[bytes]]:
    if kind == "closed":
        return ["sh", "-c", 'exec "$0" "$@" >&-', *command], subprocess.DEVNULL
    if kind == "full":
        return command, closing.enter_context(Path("/dev/full").open("wb"))
    reading, writing = os.pipe()
    os.close(reading)
    closing.callback(os.close, writing)
    return command, writing
