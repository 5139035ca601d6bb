"""The three invariants under any order of commands, faults, other machines and waits."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.faults import home, invariants
from tests.faults.home import Done
from tests.faults.in_process import InProcess
from tests.faults.plan import At, Fault, Shape
from tests.faults.sample import SAMPLE

pytestmark = pytest.mark.timeout(600)  # on a machine that is busy it takes minutes

_REQUEST_KINDS = (
    "drop-before", "drop-after", "cut-after", "garbage-after", "500-after", "502-after", "409-before",
    "429-0", "429-1", "hold-after", "refused", "kill-before", "kill-acted", "kill-answered", "int-acted",
)  # fmt: skip
FAULTS = st.one_of(
    st.none(),
    st.builds(Fault, st.just(At.REQUEST), st.sampled_from(_REQUEST_KINDS), st.integers(0, 7)),
    st.builds(Fault, st.just(At.STEP), st.sampled_from(("kill", "int", "disk-full")), st.integers(0, 60)),
    st.builds(Fault, st.just(At.LOCK), st.sampled_from(("busy-moment", "busy-command")), st.integers(0, 15)),
)
KEYS = st.sampled_from(("app", "cli"))


@seed(int(SAMPLE, 16))
class OwnersOfKeys(RuleBasedStateMachine):
    """A user with two keys, who also makes and revokes others, on one machine of several."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = InProcess()
        self.engine.__enter__()
        self._closing = home.world(Shape("rotate", ("file",)), self.engine)
        self.here = self._closing.__enter__()
        self.names = (f"key {number}" for number in itertools.count())
        self.files = (f"{number}.key" for number in itertools.count())
        self.revoked: set[str] = set()
        self.theirs: set[str] = set()
        self.open: list[dict[str, object]] = []

    def teardown(self) -> None:
        self._closing.__exit__(None, None, None)
        self.engine.__exit__()

    # -- what happens ----------------------------------------------------------------------------

    @rule(fault=FAULTS)
    def create(self, fault: Fault | None) -> None:
        self._run("create", next(self.names), "--to", self._place(), fault=fault)

    @rule(name=KEYS, grace=st.sampled_from(("0", "24h")), printed=st.booleans(), fault=FAULTS)
    def rotate(self, name: str, grace: str, printed: bool, fault: Fault | None) -> None:
        destination = ["--plain"] if printed else ["--to", self._place()]
        self._run(
            "rotate", self._id(name), "--grace", grace, "--yes", "--allow-self", *destination, fault=fault
        )

    @precondition(lambda self: self._made())
    @rule(data=st.data(), fault=FAULTS)
    def revoke(self, data: st.DataObject, fault: Fault | None) -> None:
        key_id = data.draw(st.sampled_from(self._made()))
        self.revoked.add(key_id)
        self._run("revoke", key_id, "--yes", fault=fault)

    @rule(fault=FAULTS)
    def recover(self, fault: Fault | None) -> None:
        self._run("recover", "--yes", fault=fault)

    @precondition(lambda self: self.open)
    @rule(fault=FAULTS)
    def recover_to(self, fault: Fault | None) -> None:
        self._run("recover", "--yes", "--to", self._place(), fault=fault)

    @rule(name=KEYS, grace=st.sampled_from((3600, 604_800)))
    def another_machine_rotates(self, name: str, grace: int) -> None:
        service = self.here.service
        service.target, target = self._id(name), service.target
        service.rotate_elsewhere(grace)
        self.theirs.add(service.target)
        service.target = target

    @precondition(lambda self: not self.open)
    @rule()
    def a_week_passes(self) -> None:
        self.here.clock.move(days=8)

    # -- what holds ------------------------------------------------------------------------------

    @invariant()
    def nobody_is_locked_out(self) -> None:
        here = self.here
        for key_id in sorted({made.key_id for made in here.service.made} - self.theirs - self.revoked):
            key = here.store.keys.get(key_id)
            was_held = here.service.secrets_of(key_id) & here.held()
            if key.revoked_at is None and was_held:
                assert here.service.works(here.held(), key_id), f"{key.name} is locked"
            assert key.revoked_at is None or not was_held, f"{key.name} was revoked unasked"

    @invariant()
    def nothing_is_lost_unsaid(self) -> None:
        said = {row["key_id"] for row in self.open} | {row["name"] for row in self.open}
        for key in invariants.unheld(self.here):
            assert key.id in said or key.name in said, f"{key.name} is lost"

    # -- how -------------------------------------------------------------------------------------

    def _run(self, *words: str, fault: Fault | None) -> None:
        self._judged(self.here.run("keys", *words, fault=fault))
        listing = self.here.run("keys", "recover", "--json")
        self._judged(listing)
        rows = invariants.listed(listing)
        assert rows is not None, listing
        self.open = rows
        if self.here.stored() not in self._working():
            self.here.sign_in(*self.here.key(next(self.names)))

    def _judged(self, done: Done) -> None:
        found = [violation.what for violation in invariants.manners(self.here, done)]
        if not self.theirs:
            found += self.here.service.complaints
        self.here.service.complaints.clear()
        assert not found, f"{found}\n{done}"

    def _place(self) -> str:
        return f"file:{self.here.home / next(self.files)}"

    def _id(self, name: str) -> str:
        return self.here.target if name == "app" else self.here.service.made[0].key_id

    def _made(self) -> list[str]:
        """Keys that these commands have made."""
        first = {made.key_id for made in self.here.service.made if made.by == "us" and made.rotation == 0}
        return sorted(first - self.revoked)

    def _working(self) -> set[str]:
        made = self.here.service.made
        return {each.secret for each in made if self.here.service.works({each.secret}, each.key_id)}


@pytest.fixture(scope="module", autouse=True)
def template() -> Iterator[None]:
    yield
    home.forget_template()


TestOwnersOfKeys = OwnersOfKeys.TestCase
TestOwnersOfKeys.settings = settings(
    max_examples=100,
    stateful_step_count=14,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
