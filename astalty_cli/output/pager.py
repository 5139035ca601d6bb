"""Long text, through the user's pager: `ASTALTY_PAGER`, `PAGER`, else `less`."""

import shlex
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress

from astalty_cli.base.vocabulary import without_key
from astalty_cli.output.streams import Streams


def command(environ: Mapping[str, str]) -> str:
    return environ.get("ASTALTY_PAGER") or environ.get("PAGER") or "less"


def through_pager(pieces: Iterable[str], streams: Streams) -> bool:
    """Show a text in the pager, piece by piece, and wait for its end. False if there is no pager."""
    environ = streams.environ
    try:
        arguments = shlex.split(command(environ))
        pager = subprocess.Popen(  # noqa: S603 - the user's own pager
            arguments,
            stdin=subprocess.PIPE,
            env={"LESS": "FRX", "LV": "-c", **without_key(environ)},
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError, IndexError):
        return False
    assert pager.stdin is not None  # noqa: S101 - a pipe was asked for
    try:
        # The reader may have seen enough; and Ctrl-C belongs to the pager while it runs.
        with suppress(BrokenPipeError, KeyboardInterrupt):
            for piece in pieces:
                pager.stdin.write(piece)
                pager.stdin.flush()
    finally:  # also if the next piece could not be had: what there is stays on the screen
        with suppress(BrokenPipeError):
            pager.stdin.close()
        _wait(pager)
    return True


def _wait(pager: "subprocess.Popen[str]") -> None:
    while True:
        try:
            pager.wait()
        except KeyboardInterrupt:
            continue
        return
