"""`python -m astalty_cli`, and the console script's entry."""

import sys


def entry() -> None:
    """Answer `--version` before anything heavy loads; otherwise run, and exit with the code."""
    try:
        if sys.argv[1:] in (["--version"], ["-V"]):
            from astalty_cli import __version__

            sys.stdout.write(f"astalty {__version__}\n")
            sys.exit(0)
        from astalty_cli.main import main

        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    entry()
