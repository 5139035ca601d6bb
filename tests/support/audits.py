"""Words for tests of the audit: keys of an age, calls from an address, and what was found."""

from contextlib import closing
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from astalty_cli.api.models import ApiRequest, KeyReference
from astalty_cli.base.times import iso
from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support.accounts import Account

HERE, ELSEWHERE = "198.51.100.10", "203.0.113.99"


def days(account: Account, number: float) -> datetime:
    """The moment so many days before the test."""
    return account.clock.now - timedelta(days=number)


def made(account: Account, name: str, age: float = 1, **past: float | str) -> KeyReference:
    """Make a key of that age; `rotated_at` and `last_used_at` are days ago, too."""
    columns = {"created_at": age, **past}
    values = [each if isinstance(each, str) else iso(days(account, each)) for each in columns.values()]
    with closing(account.store()) as store:
        key = store.keys.create(name, store.owner().id)
        with store.database.write() as connection:
            changes = ", ".join(f"{column} = ?" for column in columns)
            connection.execute(f"UPDATE api_keys SET {changes} WHERE id = ?", [*values, key.id])
    return KeyReference(key.id, key.name)


def called(account: Account, key: KeyReference, address: str | None, *ago: float) -> None:
    """Write entries into the history: the key was used from there, so many days ago."""
    nothing = logged_side({}, b"")
    with closing(account.store()) as store, store.database.write() as connection:
        for each in ago:
            entry = ApiRequest(
                id=str(uuid4()),
                status=200,
                method="GET",
                path="/public/v1/participants",
                created_at=days(account, each),
                duration_ms=1,
                ip_address=address,
                user_agent=None,
                user=None,
                api_key=key,
            )
            insert_entry(connection, entry, nothing, nothing)


def found(account: Account, name: str, flags: str = "") -> dict[str, dict[str, Any]]:
    """The findings about one key, by their kind."""
    rows = account.shell(f"keys audit --json {flags}").json
    return {row["finding"]: row for row in rows if row["key_name"] == name}
