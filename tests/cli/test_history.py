"""`astalty history`: filters, limits, and one entry with both sides."""

import json

import pytest

from tests.accounts import Account


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
    there = sandbox.calls()
    ids = [row[0] for row in sandbox.shell("history list --all").rows]
    assert len(ids) == len(set(ids))
    assert len(ids) >= there


def test_sorting_by_duration(sandbox: Account) -> None:
    took = [e["duration_ms"] for e in sandbox.shell("history list --sort=-duration_ms --json").json]
    assert took == sorted(took, reverse=True)


def test_an_empty_list_is_no_failure(sandbox: Account) -> None:
    empty = sandbox.shell("history list --ip 203.0.113.251 --json")
    assert empty.json == []
    assert sandbox.shell("history list --ip 203.0.113.251").out == ""


@pytest.fixture
def refused_id(sandbox: Account) -> str:
    return sandbox.shell("history list --status 422 --method POST -L 1 --query '[0].id'").out.strip()


def test_show_has_the_dashboards_fields_and_both_sides(sandbox: Account, refused_id: str) -> None:
    lines = dict(line.split("\t", 1) for line in sandbox.shell(f"history show {refused_id}").out.splitlines())
    assert lines["id"] == refused_id
    assert lines["status"] == "422"
    for name in ("created_at", "ip_address", "user.name", "user.id", "user.email"):
        assert lines[name]
    assert json.loads(lines["response"])["body"]["message"]
    assert json.loads(lines["request"])["headers"]["Authorization"].startswith("Bearer …")


def test_one_side_alone(sandbox: Account, refused_id: str) -> None:
    whole = sandbox.shell(f"history show {refused_id} --json").json
    assert sandbox.shell(f"history show {refused_id} --request --json").json == whole["request"]
    assert sandbox.shell(f"history show {refused_id} --response --json").json == whole["response"]


def test_panes_stand_beside_each_other_only_where_there_is_room(sandbox: Account, refused_id: str) -> None:
    line = f"history show {refused_id} -o table"
    wide = sandbox.shell(line, env={"COLUMNS": "120"}).out
    narrow = sandbox.shell(line, env={"COLUMNS": "119"}).out
    assert any("Request" in text and "Response" in text for text in wide.splitlines())
    assert not any("Request" in text and "Response" in text for text in narrow.splitlines())
    assert max(map(len, narrow.splitlines())) <= 119


def test_an_unknown_entry_is_not_found(sandbox: Account) -> None:
    missing = sandbox.shell("history show 9ee9dc30-c869-4fb5-9871-b32850e68cad", code=3)
    assert "no entry" in missing.err


def test_one_side_alone_in_a_pipe(sandbox: Account, refused_id: str) -> None:
    shown = dict(
        line.split("\t", 1)
        for line in sandbox.shell(f"history show {refused_id} --response").out.splitlines()
    )
    assert json.loads(shown["body"])["message"]
    both = sandbox.shell(f"history show {refused_id} --request --response").rows
    assert [row[0] for row in both] == ["request", "response"]


def test_a_complete_list_says_nothing_of_more(sandbox: Account) -> None:
    assert sandbox.shell("history list --all --query 'length(@)'").err == ""
