import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from astalty_cli.base.times import (
    in_local_time,
    in_utc,
    iso,
    local,
    parse_moment,
    relative,
    shifted,
    usable_clock,
)

NOW = datetime(2026, 11, 23, 5, 33, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24h", NOW - timedelta(days=1)),
        ("2026-11-23T05:30Z", datetime(2026, 11, 23, 5, 30, tzinfo=UTC)),
        ("2026-11-23T16:30+11:00", datetime(2026, 11, 23, 5, 30, tzinfo=UTC)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment


def test_a_time_without_a_zone_is_local() -> None:
    assert parse_moment("2026-11-23T05:30", NOW) == datetime(2026, 11, 23, 5, 30).astimezone(UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "999999999w", "0001-01-01T00:00+14:00"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse_moment(text, NOW)


def test_the_apis_own_form() -> None:
    assert iso(NOW) == "2026-11-23T05:33:52.000000Z"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "5s ago"),
        (timedelta(seconds=59.7), "1m ago"),
        (timedelta(minutes=59), "59m ago"),
        (timedelta(hours=47), "47h ago"),
        (timedelta(days=30), "30d ago"),
        (timedelta(hours=-23, seconds=-1), "in 23h"),
    ],
)
def test_relative(ago: timedelta, text: str) -> None:
    assert relative(NOW - ago, NOW) == text


FAR_EAST, FAR_WEST = timezone(timedelta(hours=23, minutes=59)), timezone(-timedelta(hours=23, minutes=59))
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
DAYS = [(1, 1, 2), (9999, 12, 30), (1969, 12, 31), (2038, 2, 1)]
EXTREMES = [
    moment.replace(tzinfo=zone)
    for moment in (*(datetime(*day, tzinfo=UTC) for day in DAYS), FIRST, LAST)
    for zone in (None, UTC, FAR_EAST, FAR_WEST)
]


@pytest.mark.parametrize(
    "zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Australia/Sydney", "XXX-23:59", "XXX23:59"]
)
def test_every_moment_can_be_told_everywhere(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for moment in EXTREMES:
            assert len(iso(moment)) == len("2026-11-23T05:33:52.000000Z")
            assert datetime.fromisoformat(iso(moment)) == in_utc(moment)
            assert str(in_local_time(moment).year) in local(moment)
            for other in EXTREMES:
                assert relative(moment, other)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_without_a_zone_from_elsewhere_is_utc() -> None:
    assert in_utc(NOW.replace(tzinfo=None)) == NOW


def test_the_calendar_has_ends() -> None:
    assert in_utc(LAST.replace(tzinfo=FAR_WEST)) == LAST
    assert in_utc(FIRST.replace(tzinfo=FAR_EAST)) == FIRST
    assert shifted(LAST, timedelta(days=1)) == LAST
    assert shifted(FIRST, -timedelta(days=1)) == FIRST
    assert shifted(NOW, timedelta(days=1)) == NOW + timedelta(days=1)


@pytest.mark.parametrize("moment", [None, FIRST, LAST, *EXTREMES[:8]])
def test_a_clock_that_is_centuries_off_is_none(moment: datetime | None) -> None:
    assert usable_clock(moment) is None
    assert usable_clock(NOW) == NOW
