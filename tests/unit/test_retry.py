from datetime import UTC, datetime

import pytest

from astalty_cli.api.retry import parse_retry_after, wait_before_retry

NOW = datetime(2026, 11, 23, 5, 33, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("12", 12.0),
        (" 12 ", 12.0),
        ("9999999999", 9999999999.0),
        ("Mon, 23 Nov 2026 05:34:22 GMT", 30.0),
        ("Mon, 23 Nov 2026 05:34:22", 30.0),
        ("Mon, 23 Nov 2020 05:34:22 GMT", 0.0),
        ("-5", None),
        ("1e3", None),
        ("junk", None),
        ("", None),
        (None, None),
    ],
)
def test_what_the_header_asks_for(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


def test_without_the_servers_word_the_wait_grows_and_is_bounded() -> None:
    waits = [wait_before_retry(tries, None) for tries in range(1, 12)]
    assert all(0 < wait <= 8 for wait in waits)
    assert min(waits[5:]) > waits[0]
