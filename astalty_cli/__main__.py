"""`python -m astalty_cli`, and the console script's entry."""

import gc
import os
import sys

_RARELY = 100_000  # objects made before cycles are looked for


def entry() -> None:
    """Answer `--version` before anything heavy loads; otherwise run, and exit with the code."""
    # Most commands end before there is a cycle to collect, and looking for some took a fifth of their time:
    # it is looked for rarely on the way, and not in what the process leaves behind.
    gc.set_threshold(_RARELY)
    try:
        if sys.argv[1:] in (["--version"], ["-V"]):
            from astalty_cli import __version__

            sys.exit(_print_version(__version__))
        from astalty_cli.main import main

        code = main(sys.argv[1:])
        if gc.get_threshold()[0] == _RARELY:  # else it takes long, and may hold what must be ended (duckdb)
            gc.freeze()
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(130)


def _print_version(version: str) -> int:
    try:
        os.write(1, f"astalty {version}\n".encode())
    except BrokenPipeError:
        return 0
    except OSError as error:
        os.write(2, f"astalty: Cannot write the output: {error.strerror}.\n".encode())
        return 2
    return 0


if __name__ == "__main__":
    entry()
