"""When a long read may call: never more than the limit less three in any minute, and hardly less."""

import itertools
import multiprocessing
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astalty_cli.api.pacing import LEFT_TO_OTHERS, SPAN, Pacer


class Ticks:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Ticks:
    return Ticks()


@pytest.fixture
def pacer(tmp_path: Path, clock: Ticks) -> Pacer:
    return Pacer(tmp_path / "pace.json", clock)


def called(pacer: Pacer, clock: Ticks, count: int, took: float = 0.05) -> list[float]:
    """Make so many calls one after the other, each when it may be; return when they were made."""
    times = []
    for _ in range(count):
        clock.now += pacer.reserve()
        times.append(clock.now)
        clock.now += took
    return times


def most_in_a_span(times: list[float], span: float = SPAN) -> int:
    return max(sum(start <= each < start + span for each in times) for start in times)


def test_a_long_read_keeps_to_the_limit_and_uses_nine_tenths_of_it(pacer: Pacer, clock: Ticks) -> None:
    times = called(pacer, clock, 600)
    assert most_in_a_span(times) <= 60 - LEFT_TO_OTHERS
    assert len(times) / (times[-1] - times[0]) >= 0.9 * 60 / SPAN


def test_a_short_read_is_not_slowed_down_and_a_long_one_never_stands_still(
    pacer: Pacer, clock: Ticks
) -> None:
    times = called(pacer, clock, 120)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert sum(gaps[:19]) < 2
    assert max(gaps) < 4


def test_who_cannot_wait_takes_no_call_from_others(pacer: Pacer, clock: Ticks) -> None:
    called(pacer, clock, 30)
    waits = [pacer.reserve(patience=0.1) for _ in range(20)]
    assert min(waits) == max(waits) > 0.1


@given(st.lists(st.floats(0, 20), min_size=1, max_size=200), st.sampled_from([10, 60, 61, 1000]))
def test_whatever_else_is_done_between_calls(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float], limit: int
) -> None:
    clock = Ticks()
    pacer = Pacer(tmp_path_factory.mktemp("pace") / "pace.json", clock)
    pacer.heed(200, {"x-ratelimit-limit": str(limit)}, None)
    times = []
    for pause in pauses:
        clock.now += pause
        clock.now += pacer.reserve()
        times.append(clock.now)
    assert most_in_a_span(times) <= max(1, limit - LEFT_TO_OTHERS)


def test_the_service_may_name_another_limit(pacer: Pacer, clock: Ticks) -> None:
    pacer.heed(200, {"x-ratelimit-limit": "13", "x-ratelimit-remaining": "12"}, None)
    assert most_in_a_span(called(pacer, clock, 40)) == 10
    pacer.heed(200, {"x-ratelimit-limit": "1000000"}, None)
    before = clock.now
    called(pacer, clock, 500, took=0.001)
    assert clock.now - before < 1


@pytest.mark.parametrize("junk", ["", "-1", "many", "9" * 40, "6.5", "²"])
def test_a_limit_that_is_none_changes_nothing(pacer: Pacer, clock: Ticks, junk: str) -> None:
    pacer.heed(200, {"x-ratelimit-limit": junk, "x-ratelimit-remaining": junk}, None)
    assert most_in_a_span(called(pacer, clock, 120)) == 57


def test_what_others_have_used_is_left_alone(pacer: Pacer, clock: Ticks) -> None:
    pacer.reserve()
    pacer.heed(200, {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "30"}, None)
    clock.now += 10
    pacer.reserve()
    pacer.heed(200, {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "3"}, None)
    assert pacer.reserve() == pytest.approx(50)


def test_a_service_that_says_wait_is_obeyed_by_all(tmp_path: Path, clock: Ticks) -> None:
    one, other = (Pacer(tmp_path / "pace.json", clock) for _ in range(2))
    one.heed(429, {}, 25.0)
    assert other.reserve() == pytest.approx(25)


@pytest.mark.parametrize("asked", [None, 9_999_999_999.0])
def test_a_service_that_asks_for_nothing_or_for_ever_holds_nobody(
    pacer: Pacer, clock: Ticks, asked: float | None
) -> None:
    pacer.heed(429, {}, asked)
    assert pacer.reserve() == 0


def test_a_restart_of_the_machine_is_noticed(pacer: Pacer, clock: Ticks) -> None:
    called(pacer, clock, 57)
    clock.now = 3.0
    assert pacer.reserve() == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"limit": "x"}', b"\xff"])
def test_a_damaged_file_is_replaced(tmp_path: Path, clock: Ticks, content: bytes) -> None:
    path = tmp_path / "pace.json"
    path.write_bytes(content)
    assert most_in_a_span(called(Pacer(path, clock), clock, 100)) == 57


def test_the_file_is_private(pacer: Pacer, tmp_path: Path) -> None:
    pacer.reserve()
    assert stat.S_IMODE((tmp_path / "pace.json").stat().st_mode) == 0o600


def test_without_a_place_for_the_file_it_paces_itself(tmp_path: Path, clock: Ticks) -> None:
    pacer = Pacer(tmp_path / "missing" / "pace.json", clock)
    assert most_in_a_span(called(pacer, clock, 120)) == 57


def test_a_full_disk_does_not_stop_it(clock: Ticks) -> None:
    assert most_in_a_span(called(Pacer(Path("/dev/full"), clock), clock, 120)) == 57


def _reserve(path: Path, count: int) -> list[float]:
    now = 500.0  # one moment for all: the times that are given out are what counts
    pacer = Pacer(path, lambda: now)
    return [now + pacer.reserve() for _ in range(count)]


def test_processes_share_it(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        times = pool.starmap(_reserve, [(tmp_path / "pace.json", 30)] * 4)
    assert most_in_a_span(sorted(itertools.chain(*times))) <= 57
    assert len(set(itertools.chain(*times))) >= 100
