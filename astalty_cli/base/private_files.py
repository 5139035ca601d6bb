"""Files that only their owner may read: born 0600 in a 0700 folder, replaced in one step.

A looser file is refused, not repaired: somebody else may have read or written it already.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from astalty_cli.base import locks
from astalty_cli.base.errors import LocalError
from astalty_cli.base.shell_words import command

_PATIENCE: Final = 1.0  # seconds: whoever looks for leftovers locks a file for a moment


def read_private(path: Path, *, others_may_read: bool = False) -> bytes | None:
    """The file's bytes, or None if there is none.

    Raises LocalError if it is a link, is not ours, or is open to others; with `others_may_read`, only if
    they can write it.
    """
    with _translate_errors(path, "read"):
        try:
            file = _opened(path)
        except FileNotFoundError:
            return None
        with file:
            ensure_private(path, os.fstat(file.fileno()), others_may_read=others_may_read)
            return file.read()


def read_text(path: Path) -> str:
    """The text of a file that need not be private. Raises OSError if it is not a regular file."""
    with _opened(path) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path} is not a regular file")
        return file.read().decode()


def read_named(path: Path, most: int) -> bytes:
    """The bytes of a file that the user named, or more than `most` of them if there are more.

    A link is followed. Raises OSError, also if it is not a regular file.
    """
    with _opened(path, follow=True) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(most + 1)


def read_shared(path: Path, most: int) -> bytes | None:
    """The bytes of a file that others may read, or None if there is none.

    Raises LocalError if it is a link, is no regular file, or has more than `most` bytes.
    """
    with _translate_errors(path, "read"):
        try:
            file = _opened(path)
        except FileNotFoundError:
            return None
        with file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise LocalError(f"{path} is not a regular file.", hint="Move it out of the way.")
            data = file.read(most + 1)
    if len(data) > most:
        raise LocalError(f"{path} has more than {most} bytes.", hint="Check that it is the file you mean.")
    return data


def replace_shared(path: Path, data: bytes) -> None:
    """As `replace_private`, but a file that is there keeps its permissions."""
    with _translate_errors(path, "write"), _written_beside(path, data) as new:
        with suppress(FileNotFoundError):
            new.chmod(stat.S_IMODE(path.lstat().st_mode))
        os.replace(new, path)  # noqa: PTH105 - as above


def _opened(path: Path, *, follow: bool = False) -> BinaryIO:
    """Open without waiting for whoever writes into a FIFO."""
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    return os.fdopen(os.open(path, flags), "rb")


def ensure_private(path: Path, status: os.stat_result, *, others_may_read: bool = False) -> None:
    """Raises LocalError for what is no file, is not ours, or is open to others."""
    if not stat.S_ISREG(status.st_mode):
        raise LocalError(f"{path} is not a regular file.", hint="Move it out of the way.")
    if not locks.is_private(status, others_may_read=others_may_read):
        raise LocalError(
            f"{path} can be read or written by others.",
            hint=f"If its content can still be trusted: {command('chmod 600', str(path))}",
        )


def write_private(path: Path, data: bytes) -> None:
    """Replace the file in one step, 0600 at every moment, on the disk at the return; create its folder."""
    private_folder(path.parent)
    replace_private(path, data)


def replace_private(path: Path, data: bytes) -> None:
    """As `write_private`, in a folder that must be there."""
    with _translate_errors(path, "write"), _written_beside(path, data) as new:
        os.replace(new, path)  # noqa: PTH105 - the same call, and it is the point here


def create_private(path: Path, data: bytes) -> None:
    """Create the file, 0600, in one step: it is there whole or not at all, and never over another one."""
    with _translate_errors(path, "create"), _written_beside(path, data) as new:
        try:
            os.link(new, path)
        except FileExistsError:
            raise already_there(path) from None


def open_new(path: Path) -> int:
    """Create the file, 0600, and open it for writing. Raises OSError, also if something is there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)


def already_there(path: Path) -> LocalError:
    return LocalError(
        f"{path} already exists and was not overwritten.",
        hint="Choose another path, or replace it with --force.",
    )


def ensure_writable(path: Path, size: int) -> None:
    """Try to put a file of this size at the path, in a folder that must be there, and leave nothing."""
    with _translate_errors(path, "write"), _written_beside(path, os.urandom(size)) as new:
        trial = Path(f"{new}.probe")
        os.link(new, trial, follow_symlinks=False)
        trial.unlink()
        _raise_if_irreplaceable(path)
        if new.stat().st_mode & 0o077:
            raise LocalError(
                f"The file system of {path.parent} cannot keep a file from being read by others.",
                hint="Choose a folder on another one.",
            )


def _raise_if_irreplaceable(path: Path) -> None:
    """Raises OSError for what nothing can be moved over: an immutable file, or a mount point.

    Nothing is linked to it for that: a probe that is killed would leave a second name of the old secret.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            os.close(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        return
    except PermissionError as error:
        if error.errno != errno.EACCES:  # its mode, which does not keep it from being replaced
            raise
        return
    if not stat.S_ISLNK(mode) and _is_mount_point(path):  # a link is replaced, whatever it leads to
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _is_mount_point(path: Path) -> bool:
    """Whether Linux lists it; elsewhere a file is hardly ever one."""
    try:
        mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return False
    spelled = os.fsencode(path.resolve())
    for special in (b"\\", b" ", b"\t", b"\n"):  # as the kernel spells them; the backslash first
        spelled = spelled.replace(special, b"\\%03o" % special[0])
    return any(line.split(b" ")[4:5] == [spelled] for line in mounts)


def ensure_one_name(path: Path) -> None:
    """Raises LocalError for a file with hard links: they would keep what it held before it was replaced."""
    with _translate_errors(path, "read"), suppress(FileNotFoundError):
        names = path.lstat().st_nlink
        if names > 1:
            raise LocalError(
                f"{path} is a file with {names} names (hard links); replacing it would leave the others.",
                hint="Remove the other names, or choose another file.",
            )


def private_folder(folder: Path) -> None:
    """Create the folder, and what is missing above it, 0700. Raises LocalError."""
    missing = []
    with _translate_errors(folder, "create"):
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            with suppress(FileExistsError):  # another process was first
                each.mkdir(mode=0o700)
                each.chmod(0o700)  # whatever the umask


def listed(folder: Path) -> list[Path]:
    """What is in the folder; nothing if there is none. Raises LocalError."""
    with _translate_errors(folder, "read"):
        try:
            return list(folder.iterdir())
        except FileNotFoundError:
            return []


def remove(path: Path) -> None:
    """Remove the file if it is there. Raises LocalError."""
    clear_leftovers(path)
    with _translate_errors(path, "remove"):
        path.unlink(missing_ok=True)


def clear_leftovers(path: Path) -> None:
    """Remove what a killed process has left beside the file it was about to write: it may hold a secret.

    What a running process writes is locked by it before anything is in it, and left alone. Raises LocalError
    where the folder cannot be looked into.
    """
    import glob

    with _translate_errors(path.parent, "read"):
        leftovers = list(path.parent.glob(f"{glob.escape(_beginning(path))}*"))
    for left in leftovers:
        with suppress(OSError), _opened(left) as file:
            if locks.lock_open_file(file.fileno()) and os.fstat(file.fileno()).st_size:
                left.unlink(missing_ok=True)


@contextmanager
def _written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a new 0600 file with the data in the same folder, on the disk; it is gone afterwards."""
    import tempfile

    clear_leftovers(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_beginning(path))
    try:
        with os.fdopen(handle, "wb") as file:
            if not locks.lock_open_file(handle, wait=_PATIENCE):
                raise LocalError(f"Busy: another process holds the lock of {name}.", hint="Try again.")
            _keep_access(handle, path)
            file.write(data)
            file.flush()
            os.fsync(handle)
            yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
    sync(path.parent)


def _keep_access(handle: int, path: Path) -> None:
    """Give the new file its owner's bits whatever the umask, and the bits and the group of the file there."""
    mode, new = 0o600, os.fstat(handle)
    with suppress(FileNotFoundError):
        old = path.lstat()
        if stat.S_ISREG(old.st_mode) and old.st_uid == new.st_uid:
            mode = old.st_mode & 0o700 | stat.S_IRUSR
            if old.st_gid != new.st_gid:
                os.chown(handle, -1, old.st_gid)
    os.fchmod(handle, mode)


def _beginning(path: Path) -> str:
    """How the names of temporary files for `path` begin: no user's file is called so."""
    return f".{path.name[:32]}.astalty-"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Change a file by what is in it, alone among processes of ours. Raises LocalError.

    The lock is a file beside it, which is there for that moment only.
    """
    lock = path.with_name(f".{path.name[:32]}.astalty.lock")
    with locks.exclusive(lock):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()


def sync(path: Path) -> None:
    """Let a file, or what a folder lists, be on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translate_errors(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise LocalError(
                f"{path} is a symbolic link, and those are not followed.", hint="Put the file itself there."
            ) from error
        raise LocalError(
            f"Cannot {verb} {path}: {error.strerror or error}.",
            hint="Check the folder and its permissions.",
        ) from error
