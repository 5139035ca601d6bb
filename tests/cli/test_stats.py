"""`astalty history stats`: figures of entries that the test has put there, and the picture of them."""

import csv
import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from astalty_cli.api.contract import PARTICIPANTS
from astalty_cli.api.models import ApiRequest, KeyReference, User
from tests.support.accounts import Account
from tests.support.histories import add, entry
from tests.support.spoilt import Fault, Spoilt
from tests.support.terminal import Terminal

# Long before what a sandbox begins with, so that only the test's own entries are there.
START = datetime(2020, 3, 2, 9, 15, tzinfo=UTC)
STRETCH = "--since 2020-03-02T00:00Z --until 2020-03-03T00:00Z"
MO = User(str(UUID(int=1)), "Mo", "mo@a.example")
ADA = User(str(UUID(int=2)), "Ada", "ada@a.example")
CI = KeyReference(str(UUID(int=11)), "ci")
CI_BEFORE = KeyReference(str(UUID(int=12)), "ci")
COLUMNS = ["group", "requests", "share", "error_rate", "p50_ms", "p95_ms", "p99_ms", "errors", "group_id"]

DAY = [
    entry(START, status=200, duration_ms=10, user=MO, api_key=CI),
    entry(START, status=201, duration_ms=20, user=MO, api_key=CI, method="POST"),
    entry(START, status=200, duration_ms=30, user=ADA, api_key=CI_BEFORE, path=f"{PARTICIPANTS}/{CI.id}"),
    entry(START + timedelta(hours=2), status=400, duration_ms=40, user=MO, api_key=CI,
          path=f"{PARTICIPANTS}/{MO.id}?include=goals"),
    entry(START + timedelta(hours=2), status=401, duration_ms=1.5, ip_address="192.0.2.7"),
    entry(START + timedelta(hours=2), status=500, duration_ms=900, user=MO, api_key=CI, ip_address=None),
]  # fmt: skip


def row(
    group: str | None, took: Iterable[float], errors: int = 0, group_id: str | None = None
) -> dict[str, Any]:
    """A row for requests that took so long, the last of which is p95 and p99 as well, being few."""
    durations = sorted(took)
    count = len(durations)
    return {
        "group": group,
        "requests": count,
        "share": round(count / len(DAY), 6),
        "error_rate": round(errors / count, 6) if count else None,
        "p50_ms": durations[(count + 1) // 2 - 1] if count else None,
        "p95_ms": durations[-1] if count else None,
        "p99_ms": durations[-1] if count else None,
        "errors": errors,
        "group_id": group_id,
    }


def of_day(account: Account, flags: str = "", **env: str) -> Any:
    return account.shell(f"history stats {STRETCH} --json {flags}", env=env).json


@pytest.fixture
def day(sandbox: Account) -> Account:
    add(sandbox, DAY)
    return sandbox


GROUPS: dict[str, list[dict[str, Any]]] = {
    "status": [row("2xx", [10, 20, 30]), row("4xx", [40, 1.5], 2), row("5xx", [900], 1)],
    "path": [row("/participants", [10, 20, 1.5, 900], 2), row("/participants/{id}", [30, 40], 1)],
    "method": [row("GET", [10, 30, 40, 1.5, 900], 3), row("POST", [20])],
    "user": [
        row("mo@a.example", [10, 20, 40, 900], 2, MO.id),
        row(None, [1.5], 1),
        row("ada@a.example", [30], 0, ADA.id),
    ],
    "ip": [row("203.0.113.9", [10, 20, 30, 40], 1), row(None, [900], 1), row("192.0.2.7", [1.5], 1)],
    "key": [row("ci", [10, 20, 40, 900], 2, CI.id), row(None, [1.5], 1), row("ci", [30], 0, CI_BEFORE.id)],
    "day": [row("2020-03-02T00:00:00.000000Z", [10, 20, 30, 40, 1.5, 900], 3)],
}  # fmt: skip


@pytest.mark.parametrize("by", GROUPS)
def test_every_group_has_its_exact_figures(day: Account, by: str) -> None:
    assert of_day(day, f"--by {by}") == GROUPS[by]


def test_the_status_is_the_default_and_the_account_may_be_anywhere(account: Account) -> None:
    add(account, DAY)
    assert of_day(account) == GROUPS["status"]


def test_hours_have_no_gap_up_to_the_end(day: Account) -> None:
    hours = of_day(day, "--by hour --until 2020-03-02T14:00Z")
    assert [(each["group"][11:16], each["requests"], each["errors"]) for each in hours] == [
        ("09:00", 3, 0), ("10:00", 0, 0), ("11:00", 3, 3), ("12:00", 0, 0), ("13:00", 0, 0),
    ]  # fmt: skip
    assert hours[1] == row("2020-03-02T10:00:00.000000Z", [])


def test_percentiles_of_many_are_nearest_ranks(sandbox: Account) -> None:
    add(sandbox, (entry(START, duration_ms=(number * 37) % 250 + 0.5) for number in range(250)))
    (group,) = of_day(sandbox)
    assert (group["p50_ms"], group["p95_ms"], group["p99_ms"]) == (124.5, 237.5, 247.5)


def test_the_filters_of_list_apply(day: Account) -> None:
    def count(flags: str) -> int:
        return sum(int(each["requests"]) for each in of_day(day, flags))

    assert count("--status 4xx,500") == 3
    assert count("--method post") == 1
    assert count("--path '/participants/*'") == 2
    assert count("--ip 192.0.2.7") == 1
    assert count("--user mo@a.example") == 4
    assert count("--since 2020-03-02T10:00Z") == 3


# -- the stretch of time -------------------------------------------------------------------------


def test_without_times_it_is_the_last_day(sandbox: Account) -> None:
    now = sandbox.clock.now
    hours = timedelta(hours=1)
    add(sandbox, (entry(now - ago, ip_address="198.18.0.1") for ago in (23 * hours, 25 * hours)))
    (group,) = sandbox.shell("history stats --ip 198.18.0.1 --json").json
    assert group["requests"] == 1


def test_with_an_end_alone_it_is_the_day_before_that(day: Account) -> None:
    before = day.shell("history stats --until 2020-03-03T09:15Z --json").json
    assert sum(each["requests"] for each in before) == 6
    later = day.shell("history stats --until 2020-03-03T09:15:00.000001Z --json").json
    assert sum(each["requests"] for each in later) == 3


def test_a_start_after_the_end_is_a_usage_error_before_any_call(day: Account) -> None:
    calls = day.calls()
    refused = day.shell("history stats --since 1h --until 2h", code=2)
    assert "--since is not before --until" in refused.err
    assert day.calls() == calls


@pytest.mark.parametrize("wish", ["--by nothing", "--fields nothing", "--since then", "--query '['"])
def test_a_wish_that_cannot_be_met_is_said_before_any_call(day: Account, wish: str) -> None:
    calls = day.calls()
    assert day.shell(f"history stats {wish}", code=2).out == ""
    assert day.calls() == calls


# -- where the user is ---------------------------------------------------------------------------

SYDNEY = {"TZ": "Australia/Sydney"}


def buckets(account: Account, flags: str) -> list[tuple[str, int]]:
    rows = account.shell(f"history stats {flags} --json", env=SYDNEY).json
    return [(each["group"][:16], each["requests"]) for each in rows]


def test_a_day_begins_at_the_users_midnight(sandbox: Account) -> None:
    midnight = datetime(2020, 3, 2, 13, tzinfo=UTC)  # in Sydney
    add(sandbox, [entry(midnight - timedelta.resolution), entry(midnight)])
    assert buckets(sandbox, f"--by day {STRETCH}") == [("2020-03-01T13:00", 1), ("2020-03-02T13:00", 1)]


@pytest.mark.parametrize(
    ("midnight", "starts"),
    [  # 25 hours from the 5th of April, 23 from the 4th of October
        (datetime(2020, 4, 4, 13, tzinfo=UTC), ["04-03T13:00", "04-04T13:00", "04-05T14:00"]),
        (datetime(2020, 10, 3, 14, tzinfo=UTC), ["10-02T14:00", "10-03T14:00", "10-04T13:00"]),
    ],
)
def test_days_on_which_the_clocks_change(sandbox: Account, midnight: datetime, starts: list[str]) -> None:
    add(sandbox, (entry(midnight + timedelta(hours=number)) for number in range(-1, 48)))
    since, until = (f"{(midnight + timedelta(hours=each)):%Y-%m-%dT%H:%MZ}" for each in (-1, 40))
    found = buckets(sandbox, f"--by day --since {since} --until {until}")
    assert [start[5:] for start, _ in found] == starts
    assert sum(count for _, count in found) == 41
    assert found[1][1] == (25 if midnight.month == 4 else 23)


def test_the_hour_that_comes_twice_is_two_hours(sandbox: Account) -> None:
    again = datetime(2020, 4, 4, 16, 30, tzinfo=UTC)  # 02:30 in Sydney, for the second time
    add(sandbox, [entry(again - timedelta(hours=1)), entry(again)])
    stretch = "--since 2020-04-04T15:00Z --until 2020-04-04T17:00Z"
    assert buckets(sandbox, f"--by hour {stretch}") == [("2020-04-04T15:00", 1), ("2020-04-04T16:00", 1)]
    table = sandbox.shell(f"history stats --by hour {stretch} -o table", env=SYDNEY).out
    assert "2020-04-05 02:00 AEDT" in table
    assert "2020-04-05 02:00 AEST" in table


# -- this tool's own reads -----------------------------------------------------------------------


def reads(account: Account) -> list[ApiRequest]:
    """Two own reads, and what only looks like one."""
    key = KeyReference(account.shell("keys show 'sandbox cli' --query id").out.strip(), "sandbox cli")
    own: dict[str, Any] = {"user_agent": "astalty-cli/0.1.0", "api_key": key, "user": MO}
    path = "/public/v1/api-requests"
    return [
        entry(START, **own, path=f"{path}?page[number]=2"),
        entry(START, **own, path=f"{path}/{CI.id}"),
        entry(START, **own | {"user_agent": "curl/8"}, path=path),
        entry(START, **own | {"user_agent": None}, path=path),
        entry(START, **own | {"api_key": CI}, path=path),
        entry(START, **own | {"api_key": None}, path=path),
        entry(START, **own, path=path, method="POST"),
        entry(START, **own, path=f"{path}-archive"),
        entry(START, **own, path="/public/v1/api-keys"),
    ]


def test_own_reads_are_left_out_and_said(sandbox: Account) -> None:
    add(sandbox, reads(sandbox))
    result = sandbox.shell(f"history stats {STRETCH} --json")
    assert result.json[0]["requests"] == 7
    assert result.err == ("Not counted: 2 requests by astalty itself (--include-self).\n")
    everything = sandbox.shell(f"history stats {STRETCH} --json --include-self")
    assert everything.json[0]["requests"] == 9
    assert everything.err == ""


def test_what_this_tool_really_sends_is_known_as_its_own(sandbox: Account) -> None:
    sandbox.shell("history list -L 1")
    listed = sandbox.shell("history stats --since 1h --by path")
    assert "/api-requests" not in listed.out
    assert listed.err == "Not counted: 1 request by astalty itself (--include-self).\n"


def test_a_server_that_does_not_tell_the_key_goes_by_the_rest(faulty: tuple[Account, Spoilt]) -> None:
    account, spoilt = faulty
    add(account, reads(account))
    spoilt.faults.append(Fault("GET /api-keys/current", "404 Not Found", acts=False))
    result = account.shell(f"history stats {STRETCH} --json")
    assert result.json[0]["requests"] == 6
    assert result.err.startswith("Not counted: 3 requests")


# -- formats -------------------------------------------------------------------------------------


def test_machines_get_the_groups_alone(day: Account) -> None:
    line = f"history stats {STRETCH} --by key"
    records = list(csv.reader(io.StringIO(day.shell(f"{line} -o csv").out)))
    assert records[0] == COLUMNS
    assert records[1] == ["ci", "4", "0.666667", "0.5", "20.0", "900.0", "900.0", "2", CI.id]
    assert day.shell(line).rows == records[1:]
    assert day.shell(f"{line} -o jsonl").out.count("\n") == 3
    assert day.shell(f"{line} --query '[].[group,requests]'").rows == [["ci", "4"], ["", "1"], ["ci", "1"]]
    assert day.shell(f"{line} --fields requests,group").rows[0] == ["4", "ci"]


def test_an_empty_stretch_is_no_failure(sandbox: Account) -> None:
    for flags in ("", "--by hour"):
        empty = sandbox.shell(f"history stats {STRETCH} --json {flags}")
        assert empty.json == []
        assert empty.err == "No requests match.\n"
        table = sandbox.shell(f"history stats {STRETCH} -o table {flags}")
        assert (table.out, table.err) == ("", "No requests match.\n")


# -- the picture ---------------------------------------------------------------------------------


def test_the_picture_on_a_terminal(day: Account) -> None:
    screen = Terminal(day.shell, f"history stats {STRETCH} --by path").ends()
    lines = screen.splitlines()
    assert lines[0] == " " * 19 + "█   █"
    assert lines[1] == " 2020-03-02 00:00                2020-03-03 00:00"
    assert lines[2] == " One bar = 30 minutes. Busiest: 3 requests, from 2020-03-02 09:00 UTC."
    assert lines[4].split() == ["PATH", "REQUESTS", "FAILED", "P50", "P95", "P99"]
    assert re.split(r"\s{2,}", lines[6].strip()) == [
        "/participants", "4", "██████████", "50.0%", "10 ms", "900 ms", "900 ms",
    ]  # fmt: skip
    assert re.split(r"\s{2,}", lines[7].strip()) == [
        "/participants/{id}", "2", "█████", "50.0%", "30 ms", "40 ms", "40 ms",
    ]  # fmt: skip
    assert lines[9] == " 6 requests, 3 failed (50.0%); p50 20 ms, p95 900 ms, p99 900 ms"


def test_the_error_rate_is_coloured_unless_nobody_wants_it(day: Account) -> None:
    line = f"history stats {STRETCH}"
    coloured = Terminal(day.shell, line)
    coloured.ends()
    assert re.search(r"\x1b\[1;31m *100\.0%", coloured.raw)
    plain = Terminal(day.shell, line, env={"NO_COLOR": "1"})
    assert plain.ends() == coloured.shown
    assert "\x1b[" not in plain.raw


def test_ascii_where_blocks_cannot_be_spelled(day: Account) -> None:
    shown = day.shell(f"history stats {STRETCH} -o table", env={"PYTHONIOENCODING": "ascii"}).out
    assert "  ##########  " in shown
    assert "@   @" in shown.splitlines()[0]


@pytest.mark.parametrize("columns", [1, 20, 40, 60, 80, 100, 140])
@pytest.mark.parametrize("by", ["path", "user", "hour"])
def test_it_fits_every_terminal(day: Account, columns: int, by: str) -> None:
    shown = day.shell(f"history stats {STRETCH} --by {by} -o table", env={"COLUMNS": str(columns)}).out
    assert "REQUESTS" in shown
    if columns >= 40:
        assert max(map(len, shown.splitlines())) <= columns


def test_no_figure_is_cut_however_late_it_comes(sandbox: Account) -> None:
    late = START + timedelta(days=9)
    add(sandbox, [entry(START), *(entry(late, duration_ms=123_456_789) for _ in range(20))])
    line = "history stats --by hour --since 2020-03-02T00:00Z --until 2020-03-13T00:00Z -o table"
    shown = sandbox.shell(line, env={"COLUMNS": "120"}).out
    assert "123,456.8 s" in shown
    assert "…" not in shown


def test_two_keys_of_one_name_are_told_apart_at_any_width(day: Account) -> None:
    other = "1a2b3c4d-0000-4000-8000-000000000000"
    add(day, [entry(START, api_key=KeyReference(other, "ci"))])
    shown = day.shell(f"history stats {STRETCH} --by key -o table", env={"COLUMNS": "60"}).out
    of_ci = [line.split()[-1] for line in shown.splitlines() if line.startswith(" ci ")]
    assert of_ci == [CI.id[:8], CI_BEFORE.id[:8], other[:8]]
    assert "no key" in shown


def test_hostile_names_are_made_visible(sandbox: Account) -> None:
    name = "\x1b[31m[/x] \u202e=1+1\n\ud83d"
    key = KeyReference(CI.id, name.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    add(sandbox, [entry(START, api_key=key)])
    line = f"history stats {STRETCH} --by key"
    for form in ("table", "tsv", "csv"):
        shown = sandbox.shell(f"{line} -o {form}").out
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert r"\x1b[31m[/x]" in shown
    assert sandbox.shell(f"{line} --json").json[0]["group"] == key.name
