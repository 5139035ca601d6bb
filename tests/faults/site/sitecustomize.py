"""Steps of a program as its operating system sees them, and a fault at one of them.

This folder is put on PYTHONPATH of the commands under test (only of those), so that Python loads this
module before anything of theirs. It imports nothing of the product, and the product knows nothing of it.
The engine that runs commands in its own process uses the same classes.
"""

import errno
import fcntl
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LOCK_UN: Final = 8  # letting a lock go: the system does that for a process that dies
_PATHS: Final = {"os.rename": 2, "os.remove": 1, "os.mkdir": 1, "os.link": 2, "os.chmod": 1, "os.scandir": 1}
_ERRORS: Final = {
    "disk-full": errno.ENOSPC, "full-for-good": errno.ENOSPC, "denied": errno.EACCES, "io-error": errno.EIO,
    "fails": errno.EIO,
}  # fmt: skip
SIGNALS: Final = {
    "kill": [signal.SIGKILL], "int": [signal.SIGINT], "term": [signal.SIGTERM], "hup": [signal.SIGHUP],
    "insist": [signal.SIGINT] * 3,
}  # fmt: skip
_LASTING: Final = {"full-for-good", "takes-other", "says-other", "says-nothing"}  # from the first time on
_SECRET: Final = re.compile(rb"(astalty_)([0-9A-Za-z]{20})([0-9A-Za-z]{26})")


def altered(data: bytes, kind: str) -> bytes:
    """The same text with each secret gone, or replaced by one that ends alike and opens nothing."""
    if kind == "says-nothing":
        return _SECRET.sub(b"", data)
    return _SECRET.sub(lambda found: found[1] + found[2][::-1] + found[3], data)


def _opening_of(handle: int) -> Path:
    return Path(f"/proc/self/fd/{handle}")


class Neighbour:
    """Another process that locks a file a moment before the program does."""

    def __init__(self, *, tries: int | None = None) -> None:
        self._tries = tries  # of the program, after which it lets go; None: never
        self._handle = -1

    def take(self, handle: int) -> None:
        """Lock the file that the program has open; nothing happens where it has locked it itself."""
        self._handle = os.open(_opening_of(handle), os.O_RDWR)  # a lock belongs to an opening
        with suppress(BlockingIOError):
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def see_try(self) -> None:
        if self._handle >= 0 and self._tries is not None:
            self._tries -= 1
            if self._tries < 0:
                self.let_go()

    def let_go(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class Steps:
    """Counts what a program does to the files below `root`, to locks and to other programs.

    At the step numbered `at`, of those whose names match `among`, the fault `kind` happens: a signal is
    handed to `send`, an error is raised from within the call that was about to be made, a file is stored or
    read as what it is not, or a neighbour takes a lock.
    """

    def __init__(self, send: Callable[[signal.Signals], None]) -> None:
        self.root = ""
        self.send = send
        self.log = -1
        self.begin()

    def begin(self, kind: str = "", at: int = -1, among: str = "") -> None:
        """Count from 0 again, for another command."""
        self.kind, self.at, self.among = kind, at, re.compile(among)
        self.seen: list[str] = []
        self.counted = 0  # of these, the ones that match
        self.fired = False
        self.dead = False  # nothing gets out of a process that was killed
        self.neighbour = Neighbour(tries=3 if kind == "busy-moment" else None)
        self._fsync_fails = False
        self._lie = ""  # about the file that is being opened

    def install(self) -> None:
        """Begin to watch. There is no end to it, but without a `root` nothing is seen."""
        fsync, opened = os.fsync, os.open

        def watched_fsync(handle: int) -> None:
            self.step("fsync")
            if self._fsync_fails:
                self._fsync_fails = False
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(handle)

        def watched_open(path: Any, flags: int, *more: int, **named: int) -> int:
            handle = opened(path, flags, *more, **named)
            kind, self._lie = self._lie, ""
            return _read_as(handle, kind) if kind else handle

        os.fsync = watched_fsync  # type: ignore[assignment]
        os.open = watched_open  # type: ignore[assignment]
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.root:
            return
        if event == "open":
            self._opening(args[0], args[2])
        elif event in _PATHS:
            if any(self._is_ours(path) for path in args[: _PATHS[event]]):
                self.step(f"{event} {self._short(args[_PATHS[event] - 1])}", args[0])
        elif event == "fcntl.flock" and args[1] != _LOCK_UN:
            self.neighbour.see_try()
            self.step(f"lock {self._short(_opening_of(args[0]).readlink())}", args[0])
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

    def step(self, name: str, what: Any = None) -> None:
        """`what`: the handle of a lock's file, or the path of a file that is moved."""
        if not self.root:
            return
        self.seen.append(name)
        due = False
        if self.among.search(name):
            due = self.counted == self.at or (self.kind in _LASTING and self.counted > self.at >= 0)
            self.counted += 1
        if _ERRORS.get(self.kind) == errno.ENOSPC and not _fills(name):
            due = False
        if due:
            self.fired = True
        if self.log >= 0:
            os.write(self.log, f"{'!' if due else ' '}{name}\n".encode())
        if self.dead:
            self.send(signal.SIGKILL)
        elif due:
            self._happen(what)

    def _happen(self, what: Any) -> None:
        if (code := _ERRORS.get(self.kind)) is not None:
            raise OSError(code, os.strerror(code))
        for number in SIGNALS.get(self.kind, ()):
            self.send(number)
        with self.unwatched():
            if self.kind.startswith("busy"):
                self.neighbour.take(what)
            elif self.kind == "takes-other":
                path = Path(os.fsdecode(what))
                path.write_bytes(altered(path.read_bytes(), self.kind))
            elif self.kind == "takes-and-fails":
                self._fsync_fails = True
            elif self.kind.startswith("says"):
                self._lie = self.kind

    @contextmanager
    def unwatched(self) -> Iterator[None]:
        """For what is done by others than the program."""
        root, self.root = self.root, ""
        try:
            yield
        finally:
            self.root = root


def _read_as(handle: int, kind: str) -> int:
    """The same file for its reader, with another content."""
    with os.fdopen(handle, "rb") as file:
        data = file.read()
    copy = os.memfd_create("file")
    os.fchmod(copy, 0o600)
    os.write(copy, altered(data, kind))
    os.lseek(copy, 0, os.SEEK_SET)
    return copy


def _fills(name: str) -> bool:
    """Whether this takes room on the disk."""
    return name.startswith(("write", "fsync", "os.mkdir", "os.link", "os.rename"))


class Keyring:
    """A keyring in a file, with a mode of its own from the call numbered `after` on."""

    priority = 5
    file: Path
    mode = "ok"
    after = 0
    calls = 0
    released = threading.Event()  # set: those that hang may end

    def get_password(self, service: str, username: str) -> str | None:
        mode = self._called()
        value: str | None = self._all().get(f"{service}\n{username}")
        if mode == "lie" or value is None:
            return None
        return (altered(value.encode(), mode).decode() or None) if mode.startswith("says") else value

    def set_password(self, service: str, username: str, password: str) -> None:
        mode = self._called()
        if mode == "takes-other":
            password = altered(password.encode(), mode).decode()
        if mode != "lie":
            self._save({**self._all(), f"{service}\n{username}": password})
        if mode == "takes-and-fails":
            raise RuntimeError("the keyring is gone")

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
    steps = Steps(lambda number: os.kill(os.getpid(), number))
    steps.begin(*plan["steps"])
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
