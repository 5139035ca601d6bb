"""The account's users, as a list to read."""

from astalty_cli.api.models import PageMeta, User
from astalty_cli.sandbox.database import Database
from astalty_cli.sandbox.listing import Listing, Query, fetch_page

USERS = Listing(filters={}, sorts={"name": "name"}, default_sort="name")


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: Query) -> tuple[list[User], PageMeta]:
        with self._database.read() as connection:
            rows, meta = fetch_page(connection, "SELECT id, name, email FROM users", [], query, USERS)
        return [User(*row) for row in rows], meta
