"""One run: an operation with a fault, its recoveries, and the verdict. Many runs: counts."""

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from tests.faults import invariants, plan
from tests.faults.home import Done, Engine, World, world
from tests.faults.invariants import Kind, Violation
from tests.faults.plan import Fault, Measured, Shape

S = TypeVar("S")  # a shape
C = TypeVar("C")  # a case


@dataclass(frozen=True)
class Case:
    shape: Shape
    first: Fault | None
    second: Fault | None = None
    hours: int = 0  # until the user comes back to recover

    def __str__(self) -> str:
        second = f", then {self.second} of recover" if self.second else ""
        later = f", {self.hours} h later" if self.hours else ""
        return f"{self.shape}: {self.first or 'no fault'}{later}{second}"


class AnyCase(Protocol):
    @property
    def first(self) -> Fault | None: ...


@dataclass
class Verdict:
    """What became of a run."""

    case: "AnyCase"
    fired: bool = False
    codes: list[int | None] = field(default_factory=list)  # of the operation, and of each `recover --yes`
    notes: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    measured: Measured = field(default_factory=lambda: Measured(0, 0, 0))


class Run:
    """One case in one world."""

    def __init__(self, case: Case, here: World) -> None:
        self.case, self.world = case, here
        self.verdict = Verdict(case)

    def play(self) -> Verdict:
        verdict, here = self.verdict, self.world
        done = self._command(*here.words(), fault=self.case.first)
        verdict.codes.append(done.code)
        verdict.fired = done.fired
        verdict.measured = _measured(done, here)
        if done.code == 0:
            self._judge(invariants.after_success(here, done))
        elif self.case.first is None:
            self._judge([Violation(Kind.OTHER, f"without a fault it ends with exit {done.code}")])
        if self.case.first is not None and self.case.first.kind.partition("-")[0] in {"int", "term", "hup"}:
            self._judge(invariants.after_interrupt(here, done))
        listing = self._list(done)
        here.clock.move(hours=self.case.hours)
        busy = _still_busy(done, self.case.first)
        if self.case.second or busy:
            with here.locking(busy):
                done = self._recover(fault=self.case.second)
            if self.case.second and not done.fired:
                verdict.notes.append("the second fault came too late")
            listing = self._list(done)
        if invariants.listed(listing) or done.code != 0:
            self._recover()
            listing = self._list(None)
        redirected = bool(invariants.listed(listing))
        if redirected:
            verdict.notes.append("needed --to")
            self._sign_in_again()
            self._recover("--to", f"file:{here.home / 'rescue.key'}")
            listing = self._list(None)
        late = self.case.hours > 24
        if invariants.listed(listing):
            verdict.notes.append("open past a day" if late else "open")
        self._judge(invariants.in_the_end(here, listing, redirected=redirected, late=late))
        return verdict

    def _command(self, *words: str, fault: Fault | None = None) -> Done:
        before = len(self.world.done)
        done = self.world.run(*words, fault=fault)
        for each in self.world.done[before:]:  # a rival's comes first
            self.verdict.story += [str(each), *(f"    {line}" for line in each.log)]
            self._judge(invariants.after_command(self.world, each))
        return done

    def _recover(self, *words: str, fault: Fault | None = None) -> Done:
        done = self._command("keys", "recover", "--yes", *words, fault=fault)
        self.verdict.codes.append(done.code)
        return done

    def _list(self, last: Done | None) -> Done:
        """What is open, by its own words. `last` is None where nothing must be lost any more."""
        listing = self._command("keys", "recover", "--json")
        final = last is None
        self._judge(invariants.after_listing(self.world, last or listing, listing, final=final))
        return listing

    def _sign_in_again(self) -> None:
        """What a user does whose profile has a key that works no more: another key of the account."""
        stored, here = self.world.stored(), self.world
        works = {made.secret for made in here.service.made if here.service.works({made.secret}, made.key_id)}
        if stored not in works:
            self.verdict.notes.append("signed in with another key")
            here.sign_in(*here.key("another"))

    def _judge(self, found: Iterable[Violation]) -> None:
        self.verdict.violations += found


def _still_busy(done: Done, fault: Fault | None) -> str:
    """The file that another process keeps locked after this command, in the user's home; "" for none."""
    locked = [step.removeprefix("lock ") for step in done.steps if step.startswith("lock ")]
    keeps = fault is not None and fault.kind == "busy-recovery" and fault.number < len(locked)
    return locked[fault.number] if fault is not None and keeps else ""


def _measured(done: Done, here: World) -> Measured:
    journal = str(here.journal.relative_to(here.home))
    call = next((number for number, line in enumerate(done.log) if " GET " not in line), 0)
    writes = (step.startswith("write") and f"{journal}/." in step for step in done.steps)
    entry = next((number for number, is_first in enumerate(writes) if is_first), 0)
    locks = [number for number, step in enumerate(done.steps) if step.startswith("lock")]
    entry_lock = sum(number < entry for number in locks)
    return Measured(done.requests, len(done.steps), len(locks), call, entry, entry_lock)


def play(case: Case, engine: Engine) -> Verdict:
    with world(case.shape, engine) as here:
        return Run(case, here).play()


class Plan(Protocol[S]):
    """The shapes and the faults of a campaign, as `plan.py` has them."""

    def shape(self, rng: random.Random) -> S: ...

    def every(self, shape: S, measured: Measured, *, slow: bool) -> Iterator[Fault]: ...

    def some(
        self, rng: random.Random, shape: S, measured: Measured, *, slow: bool, late: bool = False
    ) -> Fault: ...

    def in_recovery(self, rng: random.Random, shape: S, *, slow: bool) -> Fault: ...


class CasesOf(ABC, Generic[S, C]):
    """The cases of a seed, each known by its number. Each shape is measured by one run without a fault."""

    salt = ""  # of the seed, so that two campaigns draw differently

    def __init__(self, engine: Engine, seed: str, *, double: bool) -> None:
        self._engine, self._seed, self._double = engine, seed, double
        self._measured: dict[S, Measured] = {}
        self.verdicts: list[Verdict] = []  # of the measuring runs

    @property
    @abstractmethod
    def plan(self) -> Plan[S]: ...

    @abstractmethod
    def case(self, rng: random.Random, shape: S, first: Fault, second: Fault | None) -> C: ...

    @abstractmethod
    def play(self, shape: S) -> Verdict:
        """Play a shape without a fault."""

    def __getitem__(self, number: int) -> C:
        rng = random.Random(f"{self.salt}{self._seed} {number} {self._double}")
        shape = self.plan.shape(rng)
        slow = self._engine.slow or rng.random() < 0.02
        first = self.plan.some(rng, shape, self.measured(shape), slow=slow, late=self._double)
        second = self.plan.in_recovery(rng, shape, slow=slow) if self._double else None
        return self.case(rng, shape, first, second)

    def measured(self, shape: S) -> Measured:
        if shape not in self._measured:
            verdict = self.play(shape)
            self._measured[shape] = verdict.measured
            self.verdicts.append(verdict)
        return self._measured[shape]

    def all_of(self, shape: S) -> Iterator[C]:
        """Every single fault of a shape, and with `double` each with one second fault by chance."""
        slow = self._engine.slow
        for number, fault in enumerate(self.plan.every(shape, self.measured(shape), slow=slow)):
            rng = random.Random(f"{self._seed} {shape} {number}")
            second = self.plan.in_recovery(rng, shape, slow=slow) if self._double else None
            yield self.case(rng, shape, fault, second)


class Cases(CasesOf[Shape, Case]):
    plan = plan

    def case(self, rng: random.Random, shape: Shape, first: Fault, second: Fault | None) -> Case:
        return Case(shape, first, second, hours=rng.choice((0, 0, 0, 0, 25)))

    def play(self, shape: Shape) -> Verdict:
        return play(Case(shape, None), self._engine)

    def all_of(self, shape: Shape) -> Iterator[Case]:
        return (replace(case, hours=0) for case in super().all_of(shape))


@dataclass
class Counts:
    """What a campaign has counted."""

    runs: int = 0
    by: dict[str, Counter[str]] = field(default_factory=dict)
    found: list[tuple[str, Verdict]] = field(default_factory=list)

    def add(self, label: str, verdict: Verdict) -> None:
        self.runs += 1
        first = verdict.case.first
        self._count("fault", f"{first.at} {first.kind}" if first else "none")
        self._count("fired", "yes" if verdict.fired else "too late")
        code, *recoveries = verdict.codes or [None]
        self._count("exit code of the operation", _code(code))
        self._count("exit codes of the recoveries", " ".join(map(_code, recoveries)) or "none needed")
        for note in verdict.notes:
            self._count("notes", note)
        for kind in {violation.kind for violation in verdict.violations}:
            self._count("violations", kind)
        if verdict.violations:
            self.found.append((label, verdict))

    def _count(self, what: str, value: str) -> None:
        self.by.setdefault(what, Counter())[value] += 1

    def take(self, other: "Counts") -> None:
        self.runs += other.runs
        self.found += other.found
        for what, counter in other.by.items():
            self.by.setdefault(what, Counter()).update(counter)

    def violated(self, kind: Kind) -> int:
        return self.by.get("violations", Counter())[kind]


def _code(code: int | None) -> str:
    return "killed" if code is None else str(code)


_MAY_MISS = 4  # runs


def too_few(counts: Counts) -> bool:
    """Whether hardly a fault happened: then a campaign says nothing. Of a few runs all may miss."""
    return counts.runs == 0 or counts.by["fired"]["yes"] * 2 < counts.runs - _MAY_MISS
