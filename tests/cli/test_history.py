"""`astalty history`: filters and limits."""

from tests.support import histories
from tests.support.accounts import Account


def test_filters_narrow_the_list(sandbox: Account) -> None:
    shell = sandbox.shell

    def entries(flags: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = shell(f"history list --all --json {flags}").json
        assert found, flags
        return found

    assert {e["status"] for e in entries("--status 401,422")} == {401, 422}
    assert all(500 <= int(str(e["status"])) < 600 for e in entries("--status 5xx"))
    assert {e["method"] for e in entries("--method post,PATCH")} == {"POST", "PATCH"}
    assert all(str(e["path"]).startswith("/public/v1/participants") for e in entries("--path /participants"))
    assert all("/goals" in str(e["path"]) for e in entries("--path '/participants/*/goals'"))
    assert {e["ip_address"] for e in entries("--ip 10.20.0.14")} == {"10.20.0.14"}
    email = shell("sandbox info --query email").out.strip()
    by_email = entries(f"--user {email}")
    assert {e["user"]["email"] for e in by_email} == {email}  # type: ignore[index]
    user_id = by_email[0]["user"]["id"]  # type: ignore[index]
    assert {e["user"]["id"] for e in entries(f"--user {user_id}")} == {user_id}  # type: ignore[index]
    assert {e["api_key"]["name"] for e in entries("--key 'Payroll export'")} == {"Payroll export"}  # type: ignore[index]


def test_since_and_until_bound_the_time(sandbox: Account) -> None:
    shell = sandbox.shell
    week = shell("history list --all --json --since 7d --until 1d").json
    everything = shell("history list --all --json --until 1d").json
    assert 0 < len(week) < len(everything)
    newest, oldest = week[0]["created_at"], week[-1]["created_at"]
    assert newest >= oldest
    exact = shell(f"history list --all --json --since {oldest} --until {newest}").json
    assert [e["id"] for e in exact] == [e["id"] for e in week[1:] if e["created_at"] < newest]


def test_a_truncated_list_says_how_many_more_and_how_to_see_them(sandbox: Account) -> None:
    cut = sandbox.shell("history list --until 1h -L 7")
    assert len(cut.rows) == 7
    assert "7 of " in cut.err
    assert "--all" in cut.err
    whole = sandbox.shell("history list --until 1h --all")
    assert whole.err == ""
    assert whole.rows[:7] == cut.rows


def test_the_default_limit_is_thirty(sandbox: Account) -> None:
    assert len(sandbox.shell("history list").rows) == 30


def test_all_reads_each_entry_once_though_the_read_itself_is_logged(sandbox: Account) -> None:
    sandbox.shell("keys list")
    there = histories.ids(sandbox)
    ids = [row[0] for row in sandbox.shell("history list --all").rows]
    assert len(ids) == len(set(ids))
    assert set(ids) >= there


def test_sorting_by_duration(sandbox: Account) -> None:
    took = [e["duration_ms"] for e in sandbox.shell("history list --sort=-duration_ms --json").json]
    assert len(set(took)) > 10
    assert took == sorted(took, reverse=True)


def test_an_empty_list_is_no_failure(sandbox: Account) -> None:
    empty = sandbox.shell("history list --ip 203.0.113.251 --json")
    assert empty.json == []
    assert sandbox.shell("history list --ip 203.0.113.251").out == ""


def test_a_complete_list_says_nothing_of_more(sandbox: Account) -> None:
    assert sandbox.shell("history list --all --query 'length(@)'").err == ""
