"""Figures against the plainest way to get them, and how they are drawn."""

import math
from array import array
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astalty_cli.api.models import KeyReference
from astalty_cli.base.vocabulary import By
from astalty_cli.output import charts
from astalty_cli.services.history.stats import Stats, Timeline, percentiles
from tests.support.histories import entry

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EXAMPLES = settings(deadline=None, derandomize=True, database=None)
PARTS = st.lists(st.lists(st.floats(-1e3, 1e12) | st.sampled_from([0.0, 7.0, 7.25, 7.75])))


def nearest_rank(values: list[float], percent: int) -> float:
    return sorted(values)[max(math.ceil(percent * len(values) / 100), 1) - 1]


@EXAMPLES
@given(PARTS)
def test_percentiles_are_the_nearest_ranks(parts: list[list[float]]) -> None:
    values = [value for part in parts for value in part]
    percents = (0, 1, 50, 95, 99, 100)
    expected = [nearest_rank(values, each) if values else None for each in percents]
    assert percentiles([array("d", part) for part in parts], percents) == expected


@EXAMPLES
@given(st.lists(st.integers(-5_000, 100_000)), st.integers(1, 90_000), st.integers(1, 60))
def test_a_timeline_counts_every_request_once(moments: list[int], span: int, most: int) -> None:
    line = Timeline(NOON, NOON + timedelta(seconds=span), most)
    for each in moments:
        line.add(NOON + timedelta(seconds=each))
    assert sum(line.counts) == len(moments)
    assert 1 <= len(line.counts) <= most
    assert line.step * len(line.counts) >= timedelta(seconds=span)


def test_a_timeline_of_no_length_and_of_a_century_have_marks() -> None:
    assert len(Timeline(NOON, NOON - timedelta(days=1), 60).counts) == 1
    assert 1 <= len(Timeline(NOON - timedelta(days=36_500), NOON, 1).counts) <= 60


def test_many_groups_share_everything() -> None:
    stats = Stats(By.IP, NOON, NOON, marks=1)
    stats.add(entry(NOON, ip_address=f"10.0.0.{number % 7}") for number in range(100))
    groups = stats.groups()
    assert sum(group.requests for group in groups) == stats.total.requests == 100
    assert [group.group for group in groups] == [f"10.0.0.{number}" for number in range(7)]
    assert sum(group.share for group in groups) == pytest.approx(1)


def test_what_was_renamed_goes_by_its_newest_name() -> None:
    key_id = str(UUID(int=7))
    stats = Stats(By.KEY, NOON, NOON, marks=1)
    stats.add(entry(NOON, api_key=KeyReference(key_id, name)) for name in ("old", "old", "new"))
    (group,) = stats.groups()
    assert (group.group, group.group_id, group.requests) == ("new", key_id, 3)


@pytest.mark.parametrize(
    ("share", "blocks", "text"),
    [
        (1, True, "██████████"),
        (0.5, True, "█████"),
        (0.56, True, "█████▋"),
        (0.000_1, True, "▏"),
        (0, True, " "),
        (1, False, "##########"),
        (0.000_1, False, "#"),
        (0, False, " "),
    ],
)
def test_bars(share: float, blocks: bool, text: str) -> None:
    assert charts.bar(share, blocks=blocks) == text


@EXAMPLES
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_longer_bar_never_stands_for_less(one: float, other: float) -> None:
    def eighths(share: float) -> int:
        bar = charts.bar(share, blocks=True).strip()
        return sum("▏▎▍▌▋▊▉█".index(each) + 1 for each in bar)

    assert one > other or eighths(one) <= eighths(other)


def test_sparklines_show_silence_and_the_smallest_noise() -> None:
    assert charts.sparkline([0, 1, 500, 1000], blocks=True) == " ▁▄█"
    assert charts.sparkline([0, 1, 500, 1000], blocks=False) == " .=@"
    assert charts.sparkline([0, 0], blocks=True) == "  "


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0%"), (0.000_4, "<0.1%"), (0.001, "0.1%"), (0.254, "25.4%"), (1, "100.0%")]
)
def test_percents(share: float, text: str) -> None:
    assert charts.percent(share) == text
