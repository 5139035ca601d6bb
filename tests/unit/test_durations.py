from datetime import timedelta

import pytest

from astalty_cli.base.durations import (
    format_duration,
    format_milliseconds,
    format_seconds,
    parse_duration,
    typed,
)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("0", timedelta()),
        ("45s", timedelta(seconds=45)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
    ],
)
def test_what_people_type(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize("text", ["", "1", "h", "1.5h", "-1h", "1 h", "1H", "٣h", "1h30m", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


def test_the_longest_duration() -> None:
    assert parse_duration("3650d") == timedelta(days=3650)
    with pytest.raises(ValueError, match="the longest duration is 3650d"):
        parse_duration("3651d")


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59.9), "59 seconds"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=61), "61 seconds"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=1, seconds=1), "24 hours"),
        (timedelta(days=190, hours=23), "190 days"),
    ],
)
def test_in_a_sentence(length: timedelta, text: str) -> None:
    assert format_duration(length) == text


@pytest.mark.parametrize(("seconds", "text"), [(60.0, "60 s"), (0.5, "0.5 s"), (1.234, "1.2 s"), (3, "3 s")])
def test_waits_and_limits(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0.0 ms"),
        (3.46, "3.5 ms"),
        (10, "10 ms"),
        (9_999, "9999 ms"),
        (12_345, "12.3 s"),
        (1e308, "1e+305 s"),
        (-1e308, "-1e+305 s"),
    ],
)
def test_how_long_a_request_took(milliseconds: float, text: str) -> None:
    assert format_milliseconds(milliseconds) == text


@pytest.mark.parametrize("text", ["45s", "15m", "90m", "1h", "24h", "25h", "2d", "90d", "3650d"])
def test_a_duration_is_spelled_as_it_was_typed(text: str) -> None:
    assert typed(parse_duration(text)) == text
