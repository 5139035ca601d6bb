"""What may go wrong by hand: the shapes of an operation, and the faults of services, machines and people."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.faults.plan import EXECS, KEYRINGS, MOMENTS, SIGNALS, STEPS, At, Fault, Measured

# -- at a request: the service has only documented calls, and all of them are reads ----------------

_NO_ANSWER: Final = ("refused", "deaf-before", "drop-before", "cut-after", "hold-before")
_FIREWALL: Final = tuple(
    f"{answer}-{how}" for answer in ("403", "html", "portal", "302", "429", "500") for how in ("once", "on")
)
_ANSWERS: Final = (*_NO_ANSWER, *_FIREWALL, "garbage-after", "401-before", "rival-recover")
_KILLS: Final = tuple(f"{name}-{moment}" for name in ("kill", "int", "term") for moment in MOMENTS)

# -- of the person, and of the web page -------------------------------------------------------------

# what is pasted instead of the new secret; 0: once, 1: whenever it is asked for
PASTES: Final = ("garbage", "truncated", "foreign", "profile", "old", "empty", "end-of-input")
DRESSED: Final = ("quoted", "bearer", "spaced")  # the new secret, with something around it
_REPLACING: Final = (
    "deletes-new",
    "deletes-both",
    "deletes-before-paste",
    "deletes-before-delivery",
    "never",
)
_ANY: Final = (
    "stranger-creates", "stranger-deletes", "lag-new-1", "lag-new-3", "lag-old-1", "lag-old-3", "declines",
    "slot-blocked", "forgets", "rival-rotate",
)  # fmt: skip
_TWICE: Final = frozenset(PASTES)
# A keyring that gives another secret with the same end: only the old secret can tell that its key is gone.
_UNNOTICED: Final = "says-other"


@dataclass(frozen=True)
class Shape:
    """An operation as a user types it. `held` is where the old secret is: in a profile, in a destination
    (`dotenv`, `keyring`), in the environment, or nowhere (`typed`).
    """

    operation: str
    held: str = ""
    destinations: tuple[str, ...] = ()
    grace: str = "24h"
    terminal: bool = True

    @property
    def own(self) -> bool:
        return self.held == "profile"

    def __str__(self) -> str:
        how = "on a terminal" if self.terminal else "with a token"
        grace = f" --grace {self.grace}" if self.operation == "rotate" else ""
        held = f" of {self.held}" if self.held else ""
        return f"{self.operation}{held}{grace} to {'+'.join(self.destinations) or 'nowhere'} {how}"


_BOTH: Final = (True, False)
_SINKS: Final = ((), ("file",), ("dotenv",), ("keyring",), ("exec",), ("dotenv", "exec"))
_ROTATIONS: Final = {
    "profile": ((), ("file",), ("exec",)),
    "dotenv": (("dotenv",), ("dotenv", "exec"), ("dotenv", "file")),
    "keyring": (("keyring",), ("keyring", "file")),
    "environment": (("file",), ("exec",)),
    "typed": (("file",), ("dotenv", "exec")),
}
SHAPES: Final = (
    *(Shape("create", "", sinks, terminal=terminal) for sinks in _SINKS for terminal in _BOTH),
    *(
        Shape("rotate", held, sinks, grace, terminal)
        for held, possible in _ROTATIONS.items()
        for sinks in possible
        for grace in ("24h", "0")
        for terminal in _BOTH
    ),
    *(Shape("revoke", held, terminal=terminal) for held in _ROTATIONS for terminal in _BOTH),
)


def shape(rng: random.Random) -> Shape:
    operation = rng.choices(("create", "rotate", "revoke"), (3, 8, 2))[0]
    return rng.choice([each for each in SHAPES if each.operation == operation])


def kinds(shape: Shape, *, slow: bool) -> list[tuple[At, str]]:
    """Every fault that this operation can meet. `slow` leaves in those that cost seconds of real time."""
    person = [*_ANY]
    if shape.operation != "revoke":
        person += [*PASTES, *DRESSED]
    if shape.operation == "rotate":
        person += _REPLACING
    if shape.operation == "revoke":
        person.append("never")
    found = [
        *((At.REQUEST, kind) for kind in (*_ANSWERS, *_KILLS)),
        *((At.STEP, kind) for kind in STEPS),
        *((At.WAIT, kind) for kind in SIGNALS),
        *((At.PERSON, kind) for kind in person),
    ]
    if "exec" in shape.destinations:
        found += [(At.EXEC, kind) for kind in EXECS]
    if "keyring" in {*shape.destinations, shape.held}:
        found += [(At.KEYRING, kind) for kind in KEYRINGS if kind != _UNNOTICED]
    return [each for each in found if slow or each[1] not in {"hang", "hold-before"}]


def places(at: At, kind: str, measured: Measured, *, late: bool = False) -> range:
    match at:
        case At.REQUEST:
            return range(measured.requests)
        case At.STEP:
            return range(measured.entry if late else 0, measured.steps)
        case At.WAIT:
            return range(measured.waits)
        case At.PERSON:
            return range(2 if kind in _TWICE else 1)
        case At.KEYRING:
            return range(6)
    return range(1)


def every(shape: Shape, measured: Measured, *, slow: bool) -> Iterator[Fault]:
    for at, kind in kinds(shape, slow=slow):
        for number in places(at, kind, measured):
            yield Fault(at, kind, number)


_WEIGHTS: Final = {At.REQUEST: 10, At.STEP: 10, At.WAIT: 6, At.PERSON: 14, At.EXEC: 3, At.KEYRING: 3}


def some(rng: random.Random, shape: Shape, measured: Measured, *, slow: bool, late: bool = False) -> Fault:
    """A fault by chance: first where, then which, then when."""
    possible = kinds(shape, slow=slow)
    present = sorted({at for at, _ in possible})
    at = rng.choices(present, [_WEIGHTS[each] for each in present])[0]
    kind = rng.choice([kind for where, kind in possible if where is at])
    return Fault(at, kind, rng.choice(places(at, kind, measured, late=late) or range(1)))


# About what a recovery has: it is not known before. A fault beyond its end does not happen.
_RECOVERY: Final = Measured(requests=7, steps=45, locks=0, waits=5)


def in_recovery(rng: random.Random, shape: Shape, *, slow: bool) -> Fault:
    """The second fault of two; in half of the runs it ends the process."""
    if rng.random() < 0.5:
        at = rng.choice((At.REQUEST, At.STEP, At.WAIT))
        kind = f"kill-{rng.choice(MOMENTS)}" if at is At.REQUEST else "kill"
        return Fault(at, kind, rng.choice(places(at, kind, _RECOVERY)))
    return some(rng, shape, _RECOVERY, slow=slow)
