"""Steps of a program as its operating system sees them, and a fault at one of them.

This folder is put on PYTHONPATH of the commands under test (only of those), so that Python loads this
module before anything of theirs. It imports nothing of the product, and the product knows nothing of it.
The engine that runs commands in its own process uses the same classes.
"""

import errno
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LOCK_UN: Final = 8  # letting a lock go: the system does that for a process that dies
_PATHS: Final = {"os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.link": 2, "os.chmod": 1, "os.scandir": 1}
_ERRORS: Final = {
    "disk-full": errno.ENOSPC, "full-for-good": errno.ENOSPC, "denied": errno.EACCES, "io-error": errno.EIO,
}  # fmt: skip
SIGNALS: Final = {
    "kill": [signal.SIGKILL], "int": [signal.SIGINT], "term": [signal.SIGTERM], "hup": [signal.SIGHUP],
    "insist": [signal.SIGINT] * 3,
}  # fmt: skip


class Steps:
    """Counts what a program does to the files below `root`, to locks and to other programs.

    At the step numbered `at` the fault `kind` happens: a signal is handed to `send`, an error is raised
    from within the call that was about to be made.
    """

    def __init__(self, root: str, send: Callable[[signal.Signals], None]) -> None:
        self.root = root
        self.send = send
        self.kind = ""
        self.at = -1
        self.seen: list[str] = []
        self.fired = False
        self.log = -1
        self.dead = False  # nothing gets out of a process that was killed

    def install(self) -> None:
        """Begin to watch. There is no end to it, but without a `root` nothing is seen."""
        fsync = os.fsync

        def watched_fsync(handle: int) -> None:
            self.step("fsync")
            fsync(handle)

        os.fsync = watched_fsync  # type: ignore[assignment]
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.root:
            return
        if event == "open":
            self._opening(args[0], args[2])
        elif event in _PATHS:
            if any(self._is_ours(path) for path in args[: _PATHS[event]]):
                self.step(f"{event} {self._short(args[_PATHS[event] - 1])}")
        elif event == "fcntl.flock" and args[1] != _LOCK_UN:
            self.step("lock")
        elif event == "subprocess.Popen":
            self.step("run")

    def _opening(self, path: object, flags: int) -> None:
        if path == "/dev/tty":  # whoever runs these tests has a terminal that secrets must not appear on
            raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        if self._is_ours(path):
            self.step(f"{'write' if flags & _WRITING else 'read'} {self._short(path)}")

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, (str, bytes, os.PathLike)) and os.fsdecode(path).startswith(self.root)

    def _short(self, path: Any) -> str:
        return os.fsdecode(path).removeprefix(self.root).lstrip("/")

    def step(self, name: str) -> None:
        if not self.root:
            return
        index = len(self.seen)
        self.seen.append(name)
        due = index == self.at or (self.kind == "full-for-good" and index > self.at >= 0)
        if _ERRORS.get(self.kind) == errno.ENOSPC and not _fills(name):
            due = False
        if due:
            self.fired = True
        if self.log >= 0:
            os.write(self.log, f"{'!' if due else ' '}{name}\n".encode())
        if self.dead:
            self.send(signal.SIGKILL)
        elif due and self.kind in SIGNALS:
            for number in SIGNALS[self.kind]:
                self.send(number)
        elif due and (code := _ERRORS.get(self.kind)) is not None:
            raise OSError(code, os.strerror(code))


def _fills(name: str) -> bool:
    """Whether this takes room on the disk."""
    return name.startswith(("write", "fsync", "os.mkdir", "os.link", "os.rename"))


class Keyring:
    """A keyring in a file, with a mode of its own from the call numbered `after` on: ok, hang, lie, lock."""

    priority = 5
    file: Path
    mode = "ok"
    after = 0
    calls = 0
    released = threading.Event()  # set: those that hang may end

    def get_password(self, service: str, username: str) -> str | None:
        lying = self._called() == "lie"
        value: str | None = self._all().get(f"{service}\n{username}")
        return None if lying else value

    def set_password(self, service: str, username: str, password: str) -> None:
        if self._called() != "lie":
            self._save({**self._all(), f"{service}\n{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        self._called()
        entries = self._all()
        del entries[f"{service}\n{username}"]
        self._save(entries)

    def _called(self) -> str:
        number, kind = Keyring.calls, type(self)
        Keyring.calls += 1
        mode = kind.mode if number >= kind.after else "ok"
        if mode == "hang":
            kind.released.wait()
        if mode in {"hang", "lock"}:
            raise RuntimeError("the keyring is locked")
        return mode

    def _all(self) -> dict[str, str]:
        entries: dict[str, str] = json.loads(self.file.read_text()) if self.file.exists() else {}
        return entries

    def _save(self, entries: dict[str, str]) -> None:
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(entries))
        draft.replace(self.file)


SECRET_SERVICE = "keyring.backends.SecretService"


def put_keyring_in_place() -> None:
    module = ModuleType(SECRET_SERVICE)
    module.Keyring = Keyring  # type: ignore[attr-defined]
    sys.modules[SECRET_SERVICE] = module


def _begin(plan: dict[str, Any]) -> None:
    steps = Steps("", lambda number: os.kill(os.getpid(), number))
    steps.kind, steps.at = plan["kind"], plan["at"]
    steps.log = os.open(plan["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    Keyring.file = Path(plan["keyring"])
    Keyring.mode, Keyring.after = plan["keyring_mode"], plan["keyring_after"]
    put_keyring_in_place()
    pause = time.sleep
    time.sleep = lambda seconds: pause(seconds * plan["pace"])
    steps.install()
    steps.root = plan["root"]


if "ASTALTY_FAULTS" in os.environ:  # only in a process of its own
    _begin(json.loads(os.environ["ASTALTY_FAULTS"]))
