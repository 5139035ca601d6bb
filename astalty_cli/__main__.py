"""`python -m astalty_cli`, and the console script's entry."""

import os
import sys


def entry() -> None:
    """Answer `--version` before anything heavy loads; otherwise run, and exit with the code."""
    try:
        if sys.argv[1:] in (["--version"], ["-V"]):
            from astalty_cli import __version__

            sys.exit(_print_version(__version__))
        from astalty_cli.base import garbage

        garbage.collect_rarely()  # also while the rest is imported
        from astalty_cli.main import main

        code = main(sys.argv[1:])
        garbage.freeze_if_rare()
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
