"""A campaign by hand that finds nothing in these programs is none."""

import pytest

from astalty_cli.services.keys.by_hand.slots import Slots
from astalty_cli.services.keys.profiles import Profiles
from tests.faults.invariants import Kind
from tests.faults.work import Job, work


def found(runs: int = 15) -> set[Kind]:
    counts = work(Job(seed="a", double=False, in_process=True, runs=runs, by_hand=True))
    return {violation.kind for _, verdict in counts.found for violation in verdict.violations}


def test_it_finds_a_slot_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slots, "remove", lambda *_: None)
    assert Kind.ORPHAN in found()


def test_it_finds_a_deletion_that_is_asked_for_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    def forget(*_: object) -> list[str]:
        return []

    monkeypatch.setattr(Profiles, "replace", forget)
    assert Kind.LOCK_OUT in found()
