"""The sandbox's whole state: one SQLite file, and what reads and writes it."""

import sqlite3
from pathlib import Path
from typing import Self

from astalty_cli.api.models import Account, User
from astalty_cli.base.times import Clock, utc_now
from astalty_cli.base.vocabulary import KeyStyle
from astalty_cli.sandbox.database import Database, open_database
from astalty_cli.sandbox.history import History
from astalty_cli.sandbox.keys import Keys
from astalty_cli.sandbox.participants import Participants
from astalty_cli.sandbox.users import Users


class Store:
    """What there is of one account. All times are of `clock`, so a test can move it."""

    def __init__(self, database: Database, clock: Clock, key_style: KeyStyle = KeyStyle.ASTALTY) -> None:
        self.database = database
        self.clock = clock
        self.keys = Keys(database, clock, key_style)
        self.history = History(database, clock)
        self.participants = Participants(database, clock)
        self.users = Users(database)

    @classmethod
    def open(cls, path: Path, *, clock: Clock = utc_now, key_style: KeyStyle = KeyStyle.ASTALTY) -> Self:
        """Open the file, or make one that is filled with an account's plainly fictional life so far.

        Any number of threads and processes may have it open. Raises `LocalError` (see `open_database`).
        """

        def fill(connection: sqlite3.Connection) -> None:
            from astalty_cli.sandbox.seed import seed

            seed(connection, clock())

        return cls(open_database(path, fill), clock, key_style)

    def account(self) -> Account:
        with self.database.read() as connection:
            row = connection.execute("SELECT id, name FROM account").fetchone()
        return Account(row["id"], row["name"])

    def owner(self) -> User:
        with self.database.read() as connection:
            row = connection.execute("SELECT id, name, email FROM users WHERE role = 'owner'").fetchone()
        return User(row["id"], row["name"], row["email"])

    def close(self) -> None:
        """Close the connections of all threads; none of them may still be at work."""
        self.database.close()
