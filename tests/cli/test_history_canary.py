"""Health data in the history: looking at it leaves nothing of it behind."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from astalty_cli.sandbox.history import insert_entry, logged_side
from tests.support.accounts import Account
from tests.support.histories import entry

CANARY = "Schizoaffective-8861"
LOOKS = (
    "history list --all",
    "history list --all --json",
    f"history list --path '/participants/*{CANARY}' -o csv",
    "history show {id}",
    "history show {id} --json --reveal",
    "history show {id} --as curl",
    "history stats --by path --since 2d",
    "history tail --since 1d --timeout 4",
)


@pytest.fixture
def entry_id(served: Account) -> str:
    """An entry with the canary wherever a request can have it."""
    made = entry(
        served.clock.now - timedelta(hours=1),
        method="POST",
        path=f"/public/v1/participants/{CANARY}?note={CANARY}",
    )
    body = f'{{"diagnosis": "{CANARY}"}}'.encode()
    with closing(served.store()) as store, store.database.write() as connection:
        insert_entry(connection, made, logged_side({"X-Note": CANARY}, body), logged_side({}, body))
    return made.id


def left_behind(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


@pytest.mark.parametrize("line", LOOKS)
def test_nothing_of_it_is_on_disk_or_in_a_log(served: Account, entry_id: str, line: str) -> None:
    shell = served.shell
    looked = shell(f"{line.format(id=entry_id)} -v", env={"TMPDIR": str(shell.home)})
    if "stats" in line:  # which folds it away
        assert "/participants/" in looked.out
    assert (CANARY in looked.out) == ("stats" not in line)
    assert CANARY not in looked.err
    assert left_behind(shell.home) == []


def test_what_is_looked_for_is_really_found(served: Account, entry_id: str) -> None:
    (served.shell.home / "note").write_text(CANARY)
    assert left_behind(served.shell.home)
