from datetime import UTC, datetime, timedelta

import pytest

from astalty_cli.base.times import iso, parse_moment, relative

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
