"""Long text, through the user's pager: `ASTALTY_PAGER`, `PAGER`, else `less`."""

import shlex
import subprocess

from astalty_cli.output.streams import Streams


def through_pager(text: str, streams: Streams) -> bool:
    """Show text in the pager and wait for its end. False where there is no pager to be had."""
    environ = streams.environ
    without_key = {name: value for name, value in environ.items() if name != "ASTALTY_API_KEY"}
    command = environ.get("ASTALTY_PAGER") or environ.get("PAGER") or "less"
    try:
        arguments = shlex.split(command)
        pager = subprocess.Popen(  # noqa: S603 - the user's own pager
            arguments,
            stdin=subprocess.PIPE,
            env={"LESS": "FRX", "LV": "-c", **without_key},
            encoding="utf-8",
            errors="backslashreplace",
        )
    except (OSError, ValueError, IndexError):
        return False
    try:
        pager.communicate(text)
    except BrokenPipeError:  # the reader has seen enough
        pager.wait()
    except KeyboardInterrupt:  # Ctrl-C belongs to the pager while it runs
        pager.wait()
    return True
