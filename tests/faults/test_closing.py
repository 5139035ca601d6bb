"""The journal cannot be closed: a command that leaves something open ends with exit code 7."""

import re
from collections.abc import Iterator

import pytest

from tests.faults.campaign import Case, play
from tests.faults.home import Engine, world
from tests.faults.plan import At, Fault, Shape
from tests.faults.work import engine

CREATE, ROTATE, REVOKE = Shape("create", ("file",)), Shape("rotate", ("file",)), Shape("revoke")
WRITTEN = r"^os\.rename .*/journal/[0-9a-f]{32}\.json$"


@pytest.fixture(scope="module")
def here() -> Iterator[Engine]:
    with engine(in_process=True) as made:
        yield made


@pytest.mark.parametrize("shape", [CREATE, ROTATE, REVOKE], ids=str)
def test_a_journal_that_fails_at_any_step_after_the_call(here: Engine, shape: Shape) -> None:
    with world(shape, here) as made:
        steps = made.run(*made.words()).steps
    last_write = max(number for number, step in enumerate(steps) if re.search(WRITTEN, step))
    closing = [n for n, step in enumerate(steps) if n > last_write and "/journal" in step]
    assert closing
    for number in closing:
        verdict = play(Case(shape, Fault(At.STEP, "io-error", number)), here)
        assert not verdict.violations, (steps[number], verdict.story)
