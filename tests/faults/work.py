"""A part of a campaign, as one of several worker processes does it."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults import campaign, plan
from tests.faults.by_hand import campaign as hand_campaign
from tests.faults.by_hand import plan as hand_plan
from tests.faults.by_hand.engines import HandByProcess, HandInProcess
from tests.faults.by_hand.world import forget_foreign
from tests.faults.by_process import ByProcess
from tests.faults.campaign import Counts
from tests.faults.home import Engine, forget_template
from tests.faults.in_process import InProcess


@dataclass(frozen=True)
class Job:
    """Which runs: each `stride`th from `first` on, of `runs` by chance or of every fault of `shapes`."""

    seed: str
    double: bool
    in_process: bool
    first: int = 0
    runs: int = 0
    stride: int = 1
    shapes: tuple[plan.Shape | hand_plan.Shape, ...] = ()
    by_hand: bool = False


@contextlib.contextmanager
def engine(*, in_process: bool, by_hand: bool = False) -> Iterator[Engine]:
    try:
        if in_process:
            with HandInProcess() if by_hand else InProcess() as made:
                yield made
        else:
            yield HandByProcess() if by_hand else ByProcess()
    finally:
        forget_foreign()
        forget_template()


def work(job: Job) -> Counts:
    counts = Counts()
    way = hand_campaign if job.by_hand else campaign
    with engine(in_process=job.in_process, by_hand=job.by_hand) as here:
        cases = way.Cases(here, job.seed, double=job.double)
        for shape in job.shapes:
            for number, case in itertools.islice(enumerate(cases.all_of(shape)), job.first, None, job.stride):
                counts.add(f"{number} of --every {shape}", way.play(case, here))
        for index in range(job.first, job.runs, job.stride):
            counts.add(f"--only {index}", way.play(cases[index], here))
        for verdict in cases.verdicts:
            if verdict.violations:
                counts.add("without a fault", verdict)
    return counts
