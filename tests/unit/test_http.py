"""The time that all requests of one command may take together."""

import pytest

from astalty_cli.api.http import Connection, Http
from astalty_cli.base.errors import ServiceError
from tests.support.hostile import answering
from tests.support.stopwatch import Stopwatch


def test_a_user_who_thinks_between_two_requests_costs_no_time(stopwatch: Stopwatch) -> None:
    with answering(("200 OK", {}, b"{}")) as (_, url):
        client = Http(Connection(url, timeout=5))
        assert client.request("GET", "/a").status == 200
        stopwatch.now += 100
        assert client.request("GET", "/b").status == 200
        client.close()


def test_waiting_to_try_again_does_cost_time(stopwatch: Stopwatch) -> None:
    limited = ("429 Slow", {"Retry-After": "3"}, b"")
    with answering(limited) as (app, url):
        client = Http(Connection(url, timeout=7), sleep=stopwatch.sleep)
        assert client.request("GET", "/a").status == 429
        client.close()
        assert stopwatch.slept == [3.0, 3.0]
        assert len(app.calls) == 3


def test_no_time_left_is_said_as_a_time_out(stopwatch: Stopwatch) -> None:
    with answering(("503 Down", {"Retry-After": "5"}, b"")) as (_, url):
        client = Http(Connection(url, timeout=6), sleep=lambda _: stopwatch.sleep(6))
        with pytest.raises(ServiceError, match="in time"):
            client.request("GET", "/a")
        client.close()
