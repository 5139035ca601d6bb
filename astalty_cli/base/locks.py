"""Locks between processes: `flock` on a file that only its owner may open, and never an endless wait.

A lock is on a file, not on a folder: whoever may read a folder can hold a lock on it for ever.
"""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from astalty_cli.base.errors import LocalError

_BETWEEN_TRIES: Final = 0.02  # seconds
_PATIENCE: Final = 10.0  # seconds, for changes that take a moment


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of a file for a short change. Raises LocalError if another process keeps it."""
    file = acquire(path, wait=_PATIENCE)
    if file is None:
        raise LocalError(f"Busy: another process holds the lock {path}.", hint="Try again when it has ended.")
    with file:
        yield


def acquire(path: Path, *, shared: bool = False, wait: float = 0.0) -> BinaryIO | None:
    """Create the file if it is missing, and lock it until it is closed.

    Returns None if another process still holds the lock after `wait` seconds. Raises LocalError if the
    file cannot be a lock: it is not a regular file, or others may open it.
    """
    for _ in _tries(wait):
        with ExitStack() as closing, _translate_errors(path):
            handle = _opened(path)
            if handle is None:
                continue
            closing.callback(os.close, handle)
            _ensure_private(path, os.fstat(handle))
            if _is_locked(handle, shared=shared) and is_still_at(path, handle):
                closing.pop_all()
                return os.fdopen(handle, "r+b")
    return None


def lock_open_file(handle: int, *, wait: float = 0.0) -> bool:
    """Lock a file that is open already. False if another process still holds it after `wait` seconds."""
    return any(_is_locked(handle, shared=False) for _ in _tries(wait))


def is_still_at(path: Path, handle: int) -> bool:
    """Whether this is the file at the path: whoever holds a lock may remove its file, or move it."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def is_private(status: os.stat_result, *, others_may_read: bool = False) -> bool:
    """Whether it is this user's, and no one else may open it, or write it."""
    others = 0o022 if others_may_read else 0o077
    return status.st_uid == os.getuid() and not status.st_mode & others


def _tries(wait: float) -> Iterator[None]:
    """Counted, not timed: a clock that stands still must not make the wait endless."""
    yield
    for _ in range(round(wait / _BETWEEN_TRIES)):
        time.sleep(_BETWEEN_TRIES)
        yield


def _opened(path: Path) -> int | None:
    """Open the file or create it; None if it was removed at this moment.

    Earlier versions left lock files that others could open, and so keep locked: those are replaced. They
    are empty; what has content, such as a part file of an export, may be somebody's only copy.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK  # the last: opening a FIFO must not wait for its reader
    try:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
        os.fchmod(handle, 0o600)  # a umask may have taken more than the bits of others
    except FileExistsError:
        try:
            handle = os.open(path, flags)
        except FileNotFoundError:
            return None
        if _is_old_lock_file(os.fstat(handle)):
            os.close(handle)
            path.unlink(missing_ok=True)
            return _opened(path)
    return handle


def _is_old_lock_file(status: os.stat_result) -> bool:
    is_ours_and_empty = status.st_uid == os.getuid() and status.st_size == 0
    return stat.S_ISREG(status.st_mode) and is_ours_and_empty and bool(status.st_mode & 0o077)


def _ensure_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LocalError(f"Cannot lock {path}: it is not a regular file.", hint="Move it away.")
    if not is_private(status):
        raise LocalError(
            f"Cannot lock {path}: it is not a file that only its owner can read and write.",
            hint="Move it away.",
        )


def _is_locked(handle: int, *, shared: bool) -> bool:
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _translate_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror or error
        raise LocalError(f"Cannot lock {path}: {reason}.", hint="Check the file and its folder.") from error
