"""A server in a process of its own: `python serve_process.py DATABASE`; its base URL is its first line."""

import signal
import sys
from pathlib import Path

from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.server import serve
from astalty_cli.sandbox.store import Store


def ready(url: str) -> None:
    print(url, flush=True)  # noqa: T201 - how the test learns of it


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as the command itself does
    store = Store.open(Path(sys.argv[1]))
    serve(create_app(store, rate_limit=0), "127.0.0.1", 0, ready=ready)
    store.close()
