"""Another program, given a secret on its stdin: no shell, nothing of it in argv, never waited for in vain."""

import errno
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final

from astalty_cli.base import signals
from astalty_cli.base.durations import format_seconds
from astalty_cli.base.errors import LocalError
from astalty_cli.base.vocabulary import without_key

CAPTURE: Final = 64 * 1024  # bytes kept of what a program says, the last ones; the rest is read and dropped
_LOOK: Final = 0.02  # seconds between two looks whether it has ended, while it says nothing
_LONGEST_WORDS: Final = 200


@dataclass(frozen=True)
class Finished:
    """How a program ended, and the last of what it said: that may hold the secret, so it is not in a repr."""

    code: int
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)


def found(name: str, environ: Mapping[str, str]) -> str | None:
    """Where the program is that `run` would run, or None."""
    return shutil.which(name, path=environ.get("PATH", os.defpath))


def run(argv: Sequence[str], *, given: bytes, seconds: float, environ: Mapping[str, str]) -> Finished:
    """Run a program with `given` on its stdin, and wait for its end; it need not read it.

    It gets no ASTALTY_API_KEY, which may be another key than the one handed over, and a session of its
    own: a Ctrl-C on the terminal is for us, not for a program that is just taking a secret. Raises
    LocalError if it cannot be started, and if it takes too long: then all that it started is killed.
    """
    deadline = time.monotonic() + seconds
    process = _started(argv, environ)
    try:
        out, err = _talk(process, given, deadline)
        return Finished(process.wait(max(0, deadline - time.monotonic())), out, err)
    except subprocess.TimeoutExpired:
        raise LocalError(
            f"{Path(argv[0]).name} did not finish within {format_seconds(seconds)}.",
            hint="It was stopped. Try it by hand to see what it waits for.",
        ) from None
    finally:
        _ended(process)


def first_line(said: bytes) -> str:
    """What a program said first, fit for a message: of one that was given no secret to repeat."""
    lines = said.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
    return lines[0].strip()[:_LONGEST_WORDS]


def failure(done: Finished) -> str:
    """How a program failed that was given a secret: of what it said, only words that we know.

    It may repeat the secret in any form: in pieces, spelled with spaces, encoded.
    """
    said = done.err.decode("utf-8", "replace")
    known = [*map(os.strerror, sorted(errno.errorcode)), *(f"HTTP {status:d}" for status in HTTPStatus)]
    reason = next((f": {each}" for each in known if re.search(rf"\b{re.escape(each)}\b", said)), "")
    return f"exit {done.code}{reason}"


def _started(argv: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the user's own program, and no shell
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=without_key(environ),
            start_new_session=True,
        )
    except OSError as error:
        raise LocalError(
            f"Cannot run {Path(argv[0]).name}: {error.strerror or error}.", hint="Check that it is installed."
        ) from error


def _talk(process: subprocess.Popen[bytes], given: bytes, deadline: float) -> tuple[bytes, bytes]:
    """Write and read at once until it ends, whoever still holds its pipes: xclip leaves a child behind."""
    assert process.stdin  # noqa: S101 - all three are pipes
    assert process.stdout  # noqa: S101
    assert process.stderr  # noqa: S101
    heard = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    unsent = memoryview(given)
    with selectors.DefaultSelector() as ready:
        for pipe in (process.stdin, process.stdout, process.stderr):
            os.set_blocking(pipe.fileno(), False)
        ready.register(process.stdin, selectors.EVENT_WRITE)
        for handle in heard:
            ready.register(handle, selectors.EVENT_READ)
        while ready.get_map() and process.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in ready.select(_LOOK):
                if key.fileobj is process.stdin:
                    unsent = unsent[_sent(key.fd, unsent) :]
                    if not unsent:
                        ready.unregister(process.stdin)
                        process.stdin.close()
                elif not _hear(key.fd, heard[key.fd]):
                    ready.unregister(key.fd)
    for handle, said in heard.items():  # what it said last; a pipe holds no more than this
        _hear(handle, said)
    return bytes(heard[process.stdout.fileno()]), bytes(heard[process.stderr.fileno()])


def _sent(handle: int, data: memoryview) -> int:
    try:
        return os.write(handle, data)
    except BrokenPipeError:  # it does not want to know; its exit code says what it makes of that
        return len(data)


def _hear(handle: int, said: bytearray) -> bool:
    """Read once. False at the end, and if there is nothing to read."""
    try:
        data = os.read(handle, CAPTURE)
    except BlockingIOError:
        return False
    said += data
    del said[:-CAPTURE]
    return bool(data)


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        signals.kill_group(process.pid)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
