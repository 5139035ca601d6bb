"""The time that all requests of one command may take together."""

import pytest

from astalty_cli.api.http import Connection, Http
from astalty_cli.errors import ServiceError
from tests.hostile import answering


class Stopwatch:
    """A monotonic clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    clock = Stopwatch()
    monkeypatch.setattr("astalty_cli.api.http.time.monotonic", clock)
    return clock


def test_a_user_who_thinks_between_two_requests_costs_no_time(stopwatch: Stopwatch) -> None:
    with answering(("200 OK", {}, b"{}")) as (_, url):
        client = Http(Connection(url, timeout=5))
        assert client.request("GET", "/a").status == 200
        stopwatch.now += 100
        assert client.request("GET", "/b").status == 200
        client.close()


def test_waiting_to_try_again_does_cost_time(stopwatch: Stopwatch) -> None:
    limited = ("429 Slow", {"Retry-After": "3"}, b"")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        stopwatch.now += seconds

    with answering(limited) as (app, url):
        client = Http(Connection(url, timeout=7), sleep=sleep)
        assert client.request("GET", "/a").status == 429
        client.close()
        assert waits == [3.0, 3.0]
        assert len(app.calls) == 3


def test_no_time_left_is_said_as_a_time_out(stopwatch: Stopwatch) -> None:
    with answering(("503 Down", {"Retry-After": "5"}, b"")) as (_, url):
        client = Http(
            Connection(url, timeout=6), sleep=lambda _: setattr(stopwatch, "now", stopwatch.now + 6)
        )
        with pytest.raises(ServiceError, match="in time"):
            client.request("GET", "/a")
        client.close()
