"""A sandbox whose reads lag behind its writes, as those of a replica do."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from astalty_cli.sandbox.app import create_app
from astalty_cli.sandbox.store import Store

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class Replica:
    """What a store held at one moment, as an application of its own; nothing that comes later is in it."""

    def __init__(self, source: Store, path: Path) -> None:
        with source.database.read() as connection, closing(sqlite3.connect(path)) as copy:
            connection.backup(copy)
        path.chmod(0o600)
        self._path = path
        self.store = Store.open(path, clock=source.clock)
        self.app: WSGIApplication = create_app(self.store, rate_limit=0)

    def close(self) -> None:
        self.store.close()
        for path in self._path.parent.glob(f"{self._path.name}*"):
            path.unlink()
