"""`python -m astalty_cli`, and the console script's entry."""

import os
import sys


def entry() -> None:
    """Answer `--version` before anything heavy loads; otherwise run, and exit with the code."""
    try:
        if sys.argv[1:] in (["--version"], ["-V"]):
            from astalty_cli import __version__

            os.write(1, f"astalty {__version__}\n".encode())
            sys.exit(0)
        from astalty_cli.main import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError:  # stdout is closed or full
        sys.exit(2)


if __name__ == "__main__":
    entry()
