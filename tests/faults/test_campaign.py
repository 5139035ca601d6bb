"""A sample of the campaign by both engines, and whether a campaign can find anything at all.

What fails is found again by the command line that is printed. More of it: `python -m tests.faults --help`.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.api.client import Client
from astalty_cli.base import locks, private_files
from astalty_cli.base.errors import ConflictError
from astalty_cli.base.secret import Secret
from astalty_cli.config.journal import Journal, JournalEntry
from astalty_cli.destinations.file import File
from astalty_cli.sandbox.keys import Keys
from tests.faults.campaign import Case, Cases, play
from tests.faults.invariants import Kind
from tests.faults.plan import At, Fault, Shape
from tests.faults.sample import SAMPLE
from tests.faults.work import engine

ROOT = Path(__file__).parents[2]
PARTS = 7  # of every fault at every step

pytestmark = pytest.mark.timeout(600)  # hundreds of runs: on a machine that is busy they take minutes


def campaign(*words: str) -> None:
    """Run one in a process of its own, and show what it found."""
    command = [sys.executable, "-m", "tests.faults", "--jobs", "1", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("faults", [[], ["--double"]], ids=["one fault", "two faults"])
def test_in_process(faults: list[str]) -> None:
    campaign("--in-process", "--runs", "250", "--seed", SAMPLE, *faults)


@pytest.mark.parametrize(
    "shape", ["rotate own --grace 0 to dotenv", "rotate --grace 24h to stdout", "revoke to nowhere"]
)
def test_a_part_of_every_fault_at_every_step(shape: str) -> None:
    part = int(SAMPLE, 16) % PARTS + 1
    campaign("--in-process", "--every", "--shape", shape, "--part", f"{part}/{PARTS}")


@pytest.mark.parametrize("faults", [[], ["--double"]], ids=["one fault", "two faults"])
def test_by_process(faults: list[str]) -> None:
    campaign("--runs", "16", "--seed", SAMPLE, *faults)


# -- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", [[], ["--double"]], ids=["one fault", "two faults"])
def test_by_hand_in_process(faults: list[str]) -> None:
    campaign("--by-hand", "--in-process", "--runs", "60", "--seed", SAMPLE, *faults)


def test_by_hand_by_process() -> None:
    campaign("--by-hand", "--runs", "3", "--seed", SAMPLE)


# -- a campaign that finds nothing in these programs is none --------------------------------------


def found(*kinds: Kind, runs: int = 300) -> bool:
    """Whether a run violates one of these; the first that does is enough."""
    with engine(in_process=True) as here:
        cases = Cases(here, "a", double=False)
        return any(
            violation.kind in kinds
            for number in range(runs)
            for violation in play(cases[number], here).violations
        )


def test_it_finds_a_journal_that_is_not_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(_: Journal, entry: JournalEntry) -> JournalEntry:
        return entry

    monkeypatch.setattr(Journal, "write", keep)
    assert found(Kind.SILENT_LOSS, Kind.ORPHAN)


def test_it_finds_a_journal_that_is_closed_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Journal.write

    def forget(journal: Journal, entry: JournalEntry) -> JournalEntry:
        write(journal, entry)
        if entry.phase == "delivering":
            journal.close(entry)
        return entry

    monkeypatch.setattr(Journal, "write", forget)
    assert found(Kind.SILENT_LOSS, Kind.ORPHAN)


def test_it_finds_an_old_secret_that_ends_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    rotate = Client.rotate_key

    def at_once(client: Client, key_id: str, **values: Any) -> Any:
        return rotate(client, key_id, **{**values, "grace_seconds": 0})

    monkeypatch.setattr(Client, "rotate_key", at_once)
    assert found(Kind.LOCK_OUT)


def test_it_finds_a_rotation_of_whatever_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    rotate = Keys.rotate

    def anyhow(keys: Keys, key_id: str, grace_seconds: int, _: int | None) -> Any:
        return rotate(keys, key_id, grace_seconds, None)

    monkeypatch.setattr(Keys, "rotate", anyhow)
    assert found(Kind.LOCK_OUT)


def found_with(shape: Shape, *faults: Fault) -> set[Kind]:
    with engine(in_process=True) as here:
        verdicts = [play(Case(shape, fault), here) for fault in faults]
    return {violation.kind for verdict in verdicts for violation in verdict.violations}


def test_it_finds_a_destination_that_is_not_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def deliver(file: File, _: object, secret: Secret) -> None:
        private_files.create_private(file.path, f"{secret.reveal()}\n".encode())

    monkeypatch.setattr(File, "deliver", deliver)
    assert Kind.SILENT_LOSS in found_with(Shape("create", ("file",)), Fault(At.STORE, "file takes-other"))


def test_it_finds_a_lock_that_is_taken_for_a_rival(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def exclusive(path: Path) -> Iterator[None]:
        file = locks.acquire(path, wait=0.1)
        if file is None:
            raise ConflictError("Busy.")
        with file:
            yield

    monkeypatch.setattr(locks, "exclusive", exclusive)
    busy = (Fault(At.LOCK, "busy-command", number) for number in range(16))
    assert Kind.OTHER in found_with(Shape("rotate", ("file",), own=True), *busy)
