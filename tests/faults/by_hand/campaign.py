"""One run by hand: an operation with a fault, its recoveries as a user does them, and the verdict."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.faults.by_hand import invariants, plan
from tests.faults.by_hand.plan import Shape
from tests.faults.by_hand.world import HandWorld, hand_world, is_slot_fault
from tests.faults.campaign import CasesOf, Verdict
from tests.faults.home import Done, Engine
from tests.faults.invariants import Kind, Violation
from tests.faults.plan import At, Fault, Measured

_WAYS: Final = ("recover", "id", "yes", "token")  # to recover
_LAST: Final = ("yes", "id", "recover", "recover")  # so that it comes to an end


@dataclass(frozen=True)
class Case:
    shape: Shape
    first: Fault | None
    second: Fault | None = None
    way: str = "recover"  # of the first recovery

    def __str__(self) -> str:
        second = f", then {self.second} of a recovery ({self.way})" if self.second else ""
        return f"{self.shape}: {self.first or 'no fault'}{second}"


class Run:
    """One case in one world."""

    def __init__(self, case: Case, here: HandWorld) -> None:
        self.case, self.world = case, here
        self.verdict = Verdict(case)
        self._abandoned = False

    def play(self) -> Verdict:
        verdict, here = self.verdict, self.world
        done = self._command(here.words(), self.case.first, operation=True)
        verdict.codes.append(done.code)
        verdict.fired = done.fired
        verdict.measured = _measured(done, here)
        if self.case.first is None and done.code != self._code_without_a_fault():
            self._judge([Violation(Kind.OTHER, f"without a fault it ends with exit {done.code}")])
        self._list(done)
        if self.case.second:
            again = self._recover(self.case.way, self.case.second)
            if again is None or not again.fired:
                verdict.notes.append("the second fault came too late")
            self._list(again)
        self._recover_until_nothing_is_due(self.case.way)
        here.age(timedelta(hours=25))
        self._recover_until_nothing_is_due("yes")
        here.age(timedelta(days=7))
        self._recover_until_nothing_is_due("recover")
        if here.entries():
            self._abandon()
        kinds = {
            fault.kind for fault in (self.case.first, self.case.second) if fault and fault.at is At.PERSON
        }
        mine = bool(kinds & {"deletes-both"}) or {"deletes-new", "deletes-before-paste"} <= kinds
        if not here.required() - {"exec"}:  # nothing here has the new key: nobody can tell that it is gone
            mine = mine or "deletes-new" in kinds
        self._judge(invariants.in_the_end(here, abandoned=self._abandoned, own_fault=mine))
        return verdict

    def _code_without_a_fault(self) -> int:
        hand = self.case.shape
        return 7 if not hand.terminal and (hand.operation == "revoke" or hand.grace == "0") else 0

    def _command(self, words: list[str], fault: Fault | None = None, *, operation: bool = False) -> Done:
        before, open_before = len(self.world.done), self.world.entries()
        done = self.world.run_with(words, fault, blocked=is_slot_fault(fault))
        for each in self.world.done[before:]:  # a rival's comes first
            self.verdict.story += [str(each), *(f"    {line}" for line in each.log)]
        self._judge(invariants.after_command(self.world, done, operation=operation))
        if "--abandon" not in words:
            self._judge(invariants.after_closing(self.world, done, open_before))
        return done

    def _recover(self, way: str, fault: Fault | None = None) -> Done | None:
        """One recovery in this way; None if nothing is open."""
        entries = sorted(self.world.entries(), key=lambda entry: str(entry["started_at"]))
        if not entries:
            return None
        words = ["keys", "recover"]
        if way in {"id", "token"}:
            words.append(entries[0]["id"])
        words += {"yes": ["--yes"], "token": ["--with-token", "--yes"]}.get(way, [])
        done = self._command(words, fault)
        self.verdict.codes.append(done.code)
        return done

    def _recover_until_nothing_is_due(self, first: str) -> None:
        for way in (first, *_LAST):
            done = self._recover(way)
            if done is None or done.code == 0:
                break
        if self.world.entries():
            self._list(done)

    def _abandon(self) -> None:
        """On the word of a person who has looked at the page."""
        self._abandoned = True
        self.verdict.notes.append("abandoned")
        self.world.tidy_the_page()
        for entry in self.world.entries():
            self._command(["keys", "recover", entry["id"], "--abandon", "--yes"])

    def _list(self, last: Done | None) -> None:
        listing = self._command(["keys", "recover", "--json"])
        self._judge(invariants.after_listing(self.world, last or listing, listing))

    def _judge(self, found: Iterable[Violation]) -> None:
        self.verdict.violations += found


def _measured(done: Done, here: HandWorld) -> Measured:
    journal = str(here.journal.relative_to(here.home))
    entries = [
        number
        for number, step in enumerate(done.steps)
        if step.startswith("write") and f"{journal}/." in step
    ]
    waits = done.err.count("not shown") + done.err.count("[y/N]") + 2
    return Measured(done.requests, len(done.steps), 0, entry=entries[0] if entries else 0, waits=waits)


def play(case: Case, engine: Engine) -> Verdict:
    with hand_world(case.shape, engine) as here:
        return Run(case, here).play()


class Cases(CasesOf[Shape, Case]):
    salt = "by hand "
    plan = plan

    def case(self, rng: random.Random, shape: Shape, first: Fault, second: Fault | None) -> Case:
        return Case(shape, first, second, rng.choice(_WAYS))

    def play(self, shape: Shape) -> Verdict:
        return play(Case(shape, None), self._engine)
