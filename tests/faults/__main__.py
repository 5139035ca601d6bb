"""`python -m tests.faults`: a campaign of many runs, its counts, and each violation with its story."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from tests.faults import plan
from tests.faults.by_hand import plan as hand_plan
from tests.faults.campaign import Counts, too_few
from tests.faults.invariants import Kind
from tests.faults.work import Job, work


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="how many runs (default 200)")
    parser.add_argument("--seed", default="1", help="which ones (default 1)")
    parser.add_argument("--only", type=int, metavar="INDEX", help="this run alone, with its story")
    parser.add_argument("--every", action="store_true", help="every fault at every step, instead of --runs")
    parser.add_argument(
        "--shape", default="", help="with --every: this shape, or all whose words contain this"
    )
    parser.add_argument(
        "--part", type=_part, default=(1, 1), metavar="K/N", help="of all these runs, part K of N"
    )
    parser.add_argument("--double", action="store_true", help="a second fault, during recovery")
    parser.add_argument("--by-hand", action="store_true", help="keys are created and deleted on the web page")
    parser.add_argument("--in-process", action="store_true", help="in this process: much faster")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="worker processes")
    parser.add_argument("--stories", type=int, default=3, help="how many violations are told in full")
    return parser.parse_args()


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    job = Job(arguments.seed, arguments.double, arguments.in_process, by_hand=arguments.by_hand)
    known: Sequence[plan.Shape | hand_plan.Shape] = hand_plan.SHAPES if arguments.by_hand else plan.SHAPES
    if arguments.only is not None:
        return [replace(job, first=arguments.only, runs=arguments.only + 1)]
    if arguments.every:
        named = [shape for shape in known if arguments.shape == str(shape)]
        shapes = named or [shape for shape in known if arguments.shape in str(shape)]
        job = replace(job, shapes=tuple(shapes))
    else:
        job = replace(job, runs=arguments.runs)
    part, parts = arguments.part
    return [
        replace(job, first=part - 1 + number * parts, stride=parts * arguments.jobs)
        for number in range(arguments.jobs)
    ]


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    if not 1 <= int(part) <= int(parts):
        raise ValueError(text)
    return int(part), int(parts)


def main() -> int:
    arguments = _arguments()
    started, counts, jobs = time.monotonic(), Counts(), _jobs(arguments)
    if len(jobs) == 1:
        counts.take(work(jobs[0]))
    else:
        with ProcessPoolExecutor(len(jobs), multiprocessing.get_context("spawn")) as pool:
            for part in pool.map(work, jobs):
                counts.take(part)
    _print(counts, arguments, time.monotonic() - started)
    return 1 if counts.found or (too_few(counts) and arguments.only is None) else 0


def _print(counts: Counts, arguments: argparse.Namespace, seconds: float) -> None:
    engine = "in process" if arguments.in_process else "by process"
    rate = counts.runs / seconds * 60 if seconds else 0
    lines = [f"{counts.runs} runs {engine}, seed {arguments.seed}, {seconds:.0f} s, {rate:.0f} a minute"]
    for what, counter in counts.by.items():
        lines.append(f"{what}:")
        lines += [f"  {number:6} {value}" for value, number in sorted(counter.items())]
    lines += [f"{kind}: {counts.violated(kind)}" for kind in Kind]
    lines.append("" if not too_few(counts) else "HARDLY A FAULT HAPPENED: this campaign says nothing.")
    for number, (label, verdict) in enumerate(counts.found):
        lines.append(f"-- {label}: {verdict.case}")
        lines += [f"   {violation.kind}: {violation.what}" for violation in verdict.violations]
        if number < arguments.stories or arguments.only is not None:
            lines += verdict.story
    if not counts.found and arguments.only is not None:
        lines.append("nothing was violated")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
