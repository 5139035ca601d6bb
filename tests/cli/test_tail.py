"""`astalty history tail`: what is new, each once and in order, whatever the service does meanwhile."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.api.models import ApiRequest
from astalty_cli.base.times import utc_now
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.failing import Failing
from tests.support.histories import Between, add, entry, listed
from tests.support.hostile import Answer, answering
from tests.support.shell import ASTALTY, Shell
from tests.support.spoilt import Fault, Spoilt


@dataclass
class Followed:
    """An account whose history goes on with each poll: `made` is what was added, in order of time."""

    account: Account
    between: Between
    made: list[ApiRequest] = field(default_factory=list)
    stop_after: int = 4  # polls

    def goes_on(self, number: int) -> None:
        if number < 3:  # the first poll finds where it begins
            return
        now = utc_now()
        new = [
            entry(now - timedelta(milliseconds=each), path=f"/public/v1/new/{number}") for each in (3, 2, 1)
        ]
        late = [entry(now - timedelta(seconds=1.9), path=f"/public/v1/late/{number}")] if number > 3 else []
        self.made += add(self.account, [*late, *new])


@pytest.fixture
def followed(shell: Shell, tmp_path: Path) -> Iterator[Followed]:
    with ExitStack() as closing:
        between = Between()
        account = accounts.over_http(shell, tmp_path / "served", closing, between=between.before)
        account.clock.now = utc_now()
        between.calls.clear()
        yield Followed(account, between)


@contextmanager
def tailing(account: Account, flags: str = "", **env: str) -> Iterator["subprocess.Popen[str]"]:
    command = [str(ASTALTY), "history", "tail", *flags.split()]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=account.shell.environ | env,
        cwd=account.shell.home,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def interrupted(process: "subprocess.Popen[str]") -> tuple[str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return out, err


def read_lines(process: "subprocess.Popen[str]", count: int) -> str:
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(count))


def test_new_entries_come_once_and_in_order_late_ones_too(followed: Followed) -> None:
    followed.between.happens = followed.goes_on
    with tailing(followed.account, "--json") as process:
        first = read_lines(process, 8)  # flushed: they come while it goes on
        rest, _ = interrupted(process)
    assert any("/late/" in each["path"] for each in listed(first))
    assert_in_order(followed, first, rest)


def assert_in_order(followed: Followed, first: str, rest: str) -> None:
    """What came while it went on is exactly what was made; the end adds what was still held back."""
    expected = [each.id for each in sorted(followed.made, key=lambda each: (each.created_at, each.id))]
    shown = [each["id"] for each in listed(first)]
    assert len(shown) >= 8
    assert shown == expected[: len(shown)]
    both = listed(first + rest)
    assert len({each["id"] for each in both}) == len(both)
    assert [each["created_at"] for each in both] == sorted(each["created_at"] for each in both)


def test_its_own_reads_are_left_out_and_counted(followed: Followed) -> None:
    followed.account.clock.now = utc_now()
    followed.between.happens = followed.goes_on
    with tailing(followed.account) as process:
        first = read_lines(process, 3)
        rest, err = interrupted(process)
    assert "api-requests" not in first + rest
    assert "by astalty itself (--include-self)" in err  # on a busy machine it is a single request


def test_include_self_shows_them(followed: Followed) -> None:
    def ticks(_: int) -> None:
        followed.account.clock.now = utc_now()

    followed.between.happens = ticks
    with tailing(followed.account, "--include-self") as process:
        assert "/public/v1/api-requests" in read_lines(process, 1)
        _, err = interrupted(process)
    assert "Not counted" not in err


def test_filters_are_those_of_the_list(followed: Followed) -> None:
    def goes_on(number: int) -> None:
        if number >= 3:
            now = utc_now()
            add(followed.account, [entry(now, status=200), entry(now, status=503), entry(now, status=404)])

    followed.between.happens = goes_on
    with tailing(followed.account, "--status 5xx,404 --fields status -o tsv") as process:
        first = read_lines(process, 2)
        interrupted(process)
    assert sorted(first.split()) == ["404", "503"]


def test_since_begins_earlier(followed: Followed) -> None:
    now = utc_now()
    inside, _ = add(followed.account, [entry(now - timedelta(minutes=5)), entry(now - timedelta(minutes=50))])
    with tailing(followed.account, "--since 10m --json") as process:
        found = listed(read_lines(process, 1))
        interrupted(process)
    assert found[0]["id"] == inside.id


def test_it_ends_with_its_time(followed: Followed) -> None:
    with tailing(followed.account, "--timeout 1") as process:
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")


def test_failures_of_the_service_lose_nothing_and_repeat_nothing(shell: Shell, tmp_path: Path) -> None:
    with ExitStack() as closing:
        between, failing = Between(), Failing()
        account = accounts.over_http(
            shell,
            tmp_path / "served",
            closing,
            between=lambda app: between.before(failing.before(app)),
        )
        account.clock.now = utc_now()
        followed = Followed(account, between)
        between.happens = lambda number: followed.goes_on(number) if number > 4 else None
        with tailing(account, "--json") as process:
            first = read_lines(process, 18)
            rest, _ = interrupted(process)
    assert failing.failures > 3
    assert_in_order(followed, first, rest)


def test_a_key_that_is_not_accepted_ends_it(shell: Shell) -> None:
    answer: Answer = ("401 Unauthorized", {}, b'{"message": "Unauthenticated."}')
    with answering(answer) as (_, url):
        told = shell(
            f"history tail --base-url {url}",
            env={"ASTALTY_API_KEY": "astalty_" + "x" * 46},
            code=4,
        )
    assert "does not accept this key" in told.err


def test_a_closed_pipe_ends_it_quietly(followed: Followed) -> None:
    followed.between.happens = followed.goes_on
    with tailing(followed.account, "--json") as process:
        read_lines(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_what_was_seen_is_printed_when_the_key_stops_working(shell: Shell, tmp_path: Path) -> None:
    with ExitStack() as closing:
        between, spoilt = Between(), Spoilt()

        def layers(app: Any) -> Between:
            spoilt.app = app
            return between.before(spoilt)

        account = accounts.over_http(shell, tmp_path / "served", closing, between=layers)
        account.clock.now = utc_now()
        followed = Followed(account, between)

        def happens(number: int) -> None:
            followed.goes_on(number)
            if number == 4:
                gone = Fault("GET /api-requests", "401 Unauthorized", acts=False, body=b'{"message": "No."}')
                spoilt.faults.append(gone)

        between.happens = happens
        with tailing(account, "--json") as process:
            out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert len(listed(out)) == 3


def test_a_long_stretch_since_then_is_printed_as_it_is_read(followed: Followed) -> None:
    now = utc_now()
    made = [entry(now - timedelta(hours=1) + timedelta(seconds=each)) for each in range(350)]
    add(followed.account, made)
    followed.account.clock.now = now + timedelta(seconds=30)
    with tailing(followed.account, "--since 2h --json --path /participants --ip 203.0.113.9") as process:
        found = [each["id"] for each in listed(read_lines(process, 350))]
        interrupted(process)
    assert found == [each.id for each in made]
