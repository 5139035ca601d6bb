"""What may go wrong, as data: the shapes of an operation, the faults, and which of them a run meets."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class At(StrEnum):
    """What the number of a fault counts."""

    REQUEST = "request"
    STEP = "step"  # of the process: files, locks, programs
    LOCK = "lock"  # locks that it takes
    STORE = "store"  # times that a destination's file is replaced
    READ = "read"  # times that it is read, from this one on
    STDOUT = "stdout"
    EXEC = "exec"
    KEYRING = "keyring"  # calls of it, from this one on
    WAIT = "wait"  # for a person, or for a moment
    PERSON = "person"  # at the web page


@dataclass(frozen=True)
class Fault:
    at: At
    kind: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.kind} at {self.at} {self.number}"


def at_steps(fault: Fault | None) -> tuple[str, int, str]:
    """For `Steps.begin`: what happens at which of the process's own steps, and which of them count."""
    if fault is None:
        return "", -1, ""
    destination, _, kind = fault.kind.rpartition(" ")
    file = re.escape(FILES.get(destination, ""))
    match fault.at:
        case At.STEP:
            return kind, fault.number, ""
        case At.LOCK:
            return kind, fault.number, "^lock "
        case At.STORE:
            return kind, fault.number, rf"^os\.(link|rename) {file}$"
        case At.READ:
            return kind, fault.number, f"^read {file}$"
    return "", -1, ""


# -- at a request: the name says whether the service has acted ------------------------------------

ANSWERS: Final = (
    "refused",  # the connection cannot be made, now and later
    "deaf-before", "deaf-after",  # no answer arrives any more, to this request and to later ones
    "drop-before", "drop-after", "cut-after", "hold-before", "hold-after", "garbage-after",
    "500-before", "500-after", "502-after", "401-before", "429-0", "429-1", "409-before", "409-after",
    "other-secret",
    "lag-1", "lag-3", "lag-99",  # reads from this request on that are answered from before it
)  # fmt: skip
SIGNALS: Final = ("kill", "int", "term", "hup", "insist")  # insist: Ctrl-C three times
MOMENTS: Final = ("before", "acted", "answered")
KILLS: Final = tuple(f"{name}-{moment}" for name in SIGNALS for moment in MOMENTS)
# a rival is another command of the same user, at the same time
ELSEWHERE: Final = ("elsewhere-0", "elsewhere-86400", "elsewhere-604800")  # another machine rotates

# -- at a step ------------------------------------------------------------------------------------

STEPS: Final = (*SIGNALS, "disk-full", "full-for-good", "denied", "io-error")

# Another process locks a file first: for a moment, until the command ends, or until one recovery has ended.
LOCKS: Final = ("busy-moment", "busy-command", "busy-recovery")

# -- around a sink --------------------------------------------------------------------------------

# Destinations whose probe finds nothing wrong, and what then comes of storing in them or reading them.
FILES: Final = {"file": "new.key", "dotenv": "app.env"}  # in the user's home
STORES: Final = ("fails", "takes-and-fails", "takes-other")
READS: Final = ("says-other", "says-nothing")
STDOUTS: Final = ("full", "closed", "left")
EXECS: Final = ("fails", "takes-and-fails", "dies")
KEYRINGS: Final = ("hang", "lie", "lock", "takes-and-fails", "takes-other", *READS)


@dataclass(frozen=True)
class Shape:
    """An operation as a user types it. `own`: on the key that the profile holds."""

    operation: str
    destinations: tuple[str, ...] = ()
    own: bool = False
    grace: str = "24h"

    def __str__(self) -> str:
        key = " own" if self.own else ""
        grace = f" --grace {self.grace}" if self.operation == "rotate" else ""
        return f"{self.operation}{key}{grace} to {'+'.join(self.destinations) or 'nowhere'}"


_ONE: Final = ("stdout", "file", "dotenv", "keyring", "exec")
_SINKS: Final = (
    *((destination,) for destination in _ONE),
    *((first, second) for first in _ONE[1:] for second in _ONE[1:] if first != second),
)
SHAPES: Final = (
    *(Shape("create", destinations) for destinations in _SINKS),
    *(
        Shape("rotate", destinations, own=own, grace=grace)
        for destinations in _SINKS
        for own in (False, True)
        for grace in ("24h", "0")
    ),
    Shape("revoke"),
    Shape("revoke", own=True),
)


def shape(rng: random.Random) -> Shape:
    """A shape by chance; there are many more of rotations than of others."""
    operation = rng.choices(("create", "rotate", "revoke"), (4, 8, 1))[0]
    return rng.choice([each for each in SHAPES if each.operation == operation])


def kinds(shape: Shape, *, slow: bool) -> list[tuple[At, str]]:
    """Every fault that this operation can meet. `slow` leaves in those that cost seconds of real time."""
    asked = [*ANSWERS, *KILLS, "rival-recover"]
    if shape.operation == "rotate":
        asked += ["rival-rotate", *ELSEWHERE]
    else:
        asked.remove("other-secret")
    found = [(At.REQUEST, kind) for kind in asked] + [(At.STEP, kind) for kind in STEPS]
    found += [(At.LOCK, kind) for kind in LOCKS]
    for destination in [each for each in shape.destinations if each in FILES]:
        found += [(At.STORE, f"{destination} {kind}") for kind in STORES]
        found += [(At.READ, f"{destination} {kind}") for kind in READS]
    if "stdout" in shape.destinations:
        found += [(At.STDOUT, kind) for kind in STDOUTS]
    if "exec" in shape.destinations:
        found += [(At.EXEC, kind) for kind in EXECS]
    if "keyring" in shape.destinations:
        found += [(At.KEYRING, kind) for kind in KEYRINGS]
    return [each for each in found if slow or each[1] not in {"hang", "hold-before", "hold-after"}]


@dataclass(frozen=True)
class Measured:
    """How many requests, steps and locks a command has where nothing goes wrong.

    `call`, `entry` and `entry_lock`: the number of the request that makes or ends a secret, and of the step
    and the lock before it that begin the journal's entry. What fails earlier changes nothing.
    `waits`: how often a command by hand waits for a person or for a moment.
    """

    requests: int
    steps: int
    locks: int
    call: int = 0
    entry: int = 0
    entry_lock: int = 0
    waits: int = 0


def places(at: At, measured: Measured, *, late: bool = False) -> range:
    """The numbers that a fault of this kind can have; `late`: only those that may leave something open."""
    match at:
        case At.REQUEST:
            return range(measured.call if late else 0, measured.requests)
        case At.STEP:
            return range(measured.entry if late else 0, measured.steps)
        case At.LOCK:
            return range(measured.entry_lock if late else 0, measured.locks)
        case At.STDOUT | At.EXEC | At.STORE | At.WAIT | At.PERSON:  # the last two are by hand
            return range(1)
        case At.READ:
            return range(4)
        case At.KEYRING:
            return range(6)


def every(shape: Shape, measured: Measured, *, slow: bool) -> Iterator[Fault]:
    for at, kind in kinds(shape, slow=slow):
        for number in places(at, measured):
            yield Fault(at, kind, number)


def some(rng: random.Random, shape: Shape, measured: Measured, *, slow: bool, late: bool = False) -> Fault:
    """A fault by chance: first where, then which, then when, so that rare places are met as often."""
    possible = kinds(shape, slow=slow)
    weights = {At.REQUEST: 10, At.STEP: 10, At.LOCK: 5}
    present = sorted({at for at, _ in possible})
    at = rng.choices(present, [weights.get(each, 3) for each in present])[0]
    kind = rng.choice([kind for where, kind in possible if where is at])
    if at is At.REQUEST and measured.call and rng.random() < 0.3:  # the call that all is about
        return Fault(at, kind, measured.call)
    return Fault(at, kind, rng.choice(places(at, measured, late=late) or range(1)))


# About what a recovery has: it is not known before. A fault beyond its end does not happen.
_RECOVERY: Final = Measured(requests=6, steps=36, locks=8)


def in_recovery(rng: random.Random, shape: Shape, *, slow: bool) -> Fault:
    """The second fault of two; in half of the runs it ends the process."""
    if rng.random() < 0.5:
        if rng.random() < 0.5:
            return Fault(At.REQUEST, f"kill-{rng.choice(MOMENTS)}", rng.randrange(_RECOVERY.requests))
        return Fault(At.STEP, "kill", rng.randrange(_RECOVERY.steps))
    return some(rng, shape, _RECOVERY, slow=slow)
