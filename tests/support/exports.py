"""What tests of `history export` share: a history that is known, and a look at what was written."""

import hashlib
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from astalty_cli.base.times import iso
from tests.support.accounts import Account
from tests.support.histories import add, entry, listed, series

START = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)
UNTIL = "--until 2026-03-08"  # all that the tests put there, and nothing that the sandbox has of itself


def fill(account: Account, count: int = 250, step: timedelta = timedelta(minutes=1)) -> None:
    """Entries over midnight; many of them at one moment, across the border of two pages."""
    add(account, series(START, count, step))
    tied = START + 80 * step
    add(account, (entry(tied, status=418, path=f"/public/v1/ties/{number}") for number in range(60)))


def there(account: Account, before: str = "2026-03-08") -> list[str]:
    """The ids that the server has, as an export has to give them."""
    with closing(account.store()) as store, store.database.read() as connection:
        rows = connection.execute(
            "SELECT id FROM api_requests WHERE created_at < ? ORDER BY created_at, id", (before,)
        )
        return [row["id"] for row in rows]


def exported(target: Path) -> list[dict[str, Any]]:
    return listed(target.read_text())


def manifest_of(target: Path) -> dict[str, Any]:
    """The manifest, after a check that it says what is there."""
    place = target / "_manifest.json" if target.is_dir() else target.with_name(f"{target.name}.manifest.json")
    manifest: dict[str, Any] = json.loads(place.read_text())
    for file in manifest["files"]:
        data = (place.parent / file["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    assert sum(file["requests"] for file in manifest["files"]) == manifest["requests"]
    return manifest


def lasting(manifest: dict[str, Any]) -> dict[str, Any]:
    """What must be the same whenever the same is exported."""
    return {name: value for name, value in manifest.items() if name != "written_at"}


def modes(path: Path) -> set[str]:
    """The modes of a file, or of a folder and all in it."""
    every = [path, *path.rglob("*")] if path.is_dir() else [path]
    return {f"{'folder' if each.is_dir() else 'file'} {each.stat().st_mode & 0o777:o}" for each in every}


def names(folder: Path) -> set[str]:
    """What is there, but for what a kill has left of a file before anything was in it."""
    return {each.name for each in folder.iterdir() if not _is_a_stub(each)}


def _is_a_stub(path: Path) -> bool:
    return ".astalty-" in path.name and path.is_file() and not path.stat().st_size


def at(minutes: int) -> str:
    return iso(START + timedelta(minutes=minutes))
