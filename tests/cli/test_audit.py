"""`astalty keys audit`: what it finds, what it says that it cannot tell, and when it ends with 8."""

from contextlib import closing
from datetime import timedelta

import pytest

from astalty_cli.base.times import iso
from tests.support.accounts import Account
from tests.support.audits import ELSEWHERE, HERE, called, days, found, made
from tests.support.check_ups import answering_by_call
from tests.support.hostile import ACCOUNT, KEY, Answer, answering, at, listing, one
from tests.support.shell import Result, Shell

# -- what is found -------------------------------------------------------------------------------


def test_the_seeded_account_has_something_to_find_the_most_severe_first(account: Account) -> None:
    rows = account.shell("keys audit --fields severity,finding,key_name").rows
    assert rows == [
        ["high", "old", "Website enquiry form"],
        ["medium", "never-used", "Never used"],
        ["medium", "old", "Rostering sync"],
        ["low", "in-grace", "Reports (Power BI)"],
    ]


def test_a_finding_names_its_key_and_says_since_when(sandbox: Account) -> None:
    row = found(sandbox, "Rostering sync")["old"]
    key = sandbox.shell("keys show 'Rostering sync' --json").json
    assert row == {
        "severity": "medium",
        "finding": "old",
        "key_id": key["id"],
        "key_name": "Rostering sync",
        "last_four": key["last_four"],
        "detail": "The secret is 95 days old; the limit is 90 days.",
        "since": key["rotated_at"],
    }


@pytest.mark.parametrize(
    ("past", "flags", "severity"),
    [
        ({"age": 89}, "", None),
        ({"age": 91}, "", "medium"),
        ({"age": 179}, "", "medium"),
        ({"age": 181}, "", "high"),
        ({"age": 300, "rotated_at": 10}, "", None),
        ({"age": 300, "rotated_at": 91}, "", "medium"),
        ({"age": 91}, "--max-age 13w", "medium"),
        ({"age": 91}, "--max-age 100d", None),
        ({"age": 0.1}, "--max-age 2h", "medium"),
        ({"age": 0.1}, "--max-age 0", "high"),
    ],
)
def test_the_age_of_the_newest_secret(
    sandbox: Account, past: dict[str, float], flags: str, severity: str | None
) -> None:
    made(sandbox, "ci", **past)
    assert found(sandbox, "ci", flags).get("old", {}).get("severity") == severity


def test_a_key_that_is_no_longer_used(sandbox: Account) -> None:
    made(sandbox, "quiet", 50, last_used_at=31, last_used_ip=HERE)
    made(sandbox, "busy", 50, last_used_at=29)
    made(sandbox, "nowhere", 50, last_used_at=31)
    row = found(sandbox, "quiet")["unused"]
    assert row["severity"] == "medium"
    assert row["detail"] == f"Last used 31 days ago, from {HERE}."
    assert row["since"] == iso(days(sandbox, 31))
    assert found(sandbox, "nowhere")["unused"]["detail"] == "Last used 31 days ago."
    assert not found(sandbox, "busy")
    assert found(sandbox, "busy", "--unused 4w").keys() == {"unused"}


def test_a_key_that_was_never_used_is_graver_with_its_age(sandbox: Account) -> None:
    made(sandbox, "young", 5)
    made(sandbox, "aged", 31)
    assert found(sandbox, "young")["never-used"]["severity"] == "low"
    assert found(sandbox, "young", "--unused 4d")["never-used"]["severity"] == "medium"
    row = found(sandbox, "aged")["never-used"]
    assert (row["severity"], row["since"]) == ("medium", iso(days(sandbox, 31)))


def test_a_key_in_grace_says_until_when(sandbox: Account) -> None:
    key = sandbox.shell("keys show 'Reports (Power BI)' --json").json
    row = found(sandbox, "Reports (Power BI)")["in-grace"]
    until = key["previous_expires_at"][:16].replace("T", " ")
    assert row["severity"] == "low"
    assert row["detail"] == f"Until {until} UTC, an earlier secret works too."
    assert row["since"] == key["rotated_at"]


def test_a_revoked_key_is_no_finding(sandbox: Account) -> None:
    key = made(sandbox, "gone", 400)
    assert found(sandbox, "gone").keys() == {"old", "never-used"}
    with closing(sandbox.store()) as store:
        store.keys.revoke(key.id)
    assert not found(sandbox, "gone")


# -- from where ----------------------------------------------------------------------------------


def test_an_address_that_was_not_there_before(account: Account) -> None:
    key = made(account, "ci", 80, last_used_at=0)
    called(account, key, HERE, 3, 0.5)
    called(account, key, ELSEWHERE, 0.9, 0.1)
    row = found(account, "ci")["new-address"]
    assert row["severity"] == "high"
    assert row["detail"] == f"Used from {ELSEWHERE}, and never in the 30 days before."
    assert row["since"] == iso(days(account, 0.9))


@pytest.mark.parametrize(
    ("ago", "flags", "is_new"),
    [
        (30.9, "", False),
        (31.1, "", True),
        (31.1, "--baseline 31d", False),
        (1.1, "", False),
        (0.9, "", True),
        (5, "--baseline 2d", True),
    ],
)
def test_the_baseline_ends_where_the_last_day_starts(
    sandbox: Account, ago: float, flags: str, is_new: bool
) -> None:
    key = made(sandbox, "ci", 80, last_used_at=0)
    called(sandbox, key, HERE, 2)
    called(sandbox, key, ELSEWHERE, ago, 0.2)
    assert ("new-address" in found(sandbox, "ci", flags)) is is_new


def test_another_keys_addresses_do_not_count(sandbox: Account) -> None:
    key = made(sandbox, "ci", 80, last_used_at=0)
    other = made(sandbox, "deploy", 80, last_used_at=0)
    called(sandbox, key, HERE, 3)
    called(sandbox, other, ELSEWHERE, 3)
    called(sandbox, key, ELSEWHERE, 0.2)
    assert "new-address" in found(sandbox, "ci")
    assert not found(sandbox, "deploy")


def test_a_busy_day_is_read_to_its_end(sandbox: Account) -> None:
    key = made(sandbox, "ci", 80, last_used_at=0)
    called(sandbox, key, HERE, 3, *(0.1 + number / 1000 for number in range(150)))
    called(sandbox, key, ELSEWHERE, 0.9)
    assert "new-address" in found(sandbox, "ci")


def test_an_entry_without_an_address_says_nothing(sandbox: Account) -> None:
    key = made(sandbox, "ci", 80, last_used_at=0)
    called(sandbox, key, None, 0.2)
    result = sandbox.shell("keys audit")
    assert "'ci'" not in result.err  # nothing to compare, so nothing that cannot be
    assert "ci" not in [row[2] for row in result.rows]


def test_the_audits_own_calls_are_left_out_and_another_commands_are_not(sandbox: Account) -> None:
    sandbox.shell("keys list")
    with closing(sandbox.store()) as store, store.database.write() as connection:
        connection.execute("UPDATE api_keys SET created_at = ?", (iso(days(sandbox, 40)),))
        connection.execute(
            "UPDATE api_requests SET created_at = ?, ip_address = ? WHERE api_key_name = 'sandbox cli'",
            (iso(days(sandbox, 3)), HERE),
        )
    assert not found(sandbox, "sandbox cli")
    with closing(sandbox.store()) as store, store.database.write() as connection:
        connection.execute(  # the last seconds are left to the next audit: they may not be seen yet
            "UPDATE api_requests SET created_at = ? WHERE ip_address = '127.0.0.1'",
            (iso(sandbox.clock.now - timedelta(seconds=20)),),
        )
    assert "127.0.0.1" in found(sandbox, "sandbox cli")["new-address"]["detail"]


def test_each_address_costs_one_call(sandbox: Account) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    with closing(sandbox.store()) as store, store.database.read() as connection:
        pairs = connection.execute(
            "SELECT count(DISTINCT api_key_id || ip_address) FROM api_requests"
            " WHERE created_at >= ? AND api_key_name != 'sandbox cli'",
            (iso(days(sandbox, 1)),),
        ).fetchone()[0]
    sandbox.shell("keys audit")
    assert sandbox.calls() - before == pairs + 4  # who am I, the keys, the last day, the oldest entry


# -- what cannot be told -------------------------------------------------------------------------


@pytest.mark.parametrize("age", [0.5, 80])
def test_a_key_without_use_before_cannot_be_compared_and_that_is_said(sandbox: Account, age: float) -> None:
    key = made(sandbox, "ci", age, last_used_at=0)
    called(sandbox, key, ELSEWHERE, 0.2)
    result = sandbox.shell("keys audit --json --baseline 20d")
    assert "No use of 'ci' in the 20 days before: its addresses cannot be compared.\n" in result.err
    assert "new-address" not in result.out


def test_a_history_that_is_shorter_than_the_baseline_is_said(sandbox: Account) -> None:
    told = "The request history reaches back only to 20"
    assert told in sandbox.shell("keys audit").err
    assert sandbox.shell("keys audit --baseline 3d -q").err == ""
    called(sandbox, made(sandbox, "ci"), HERE, 32)
    assert told not in sandbox.shell("keys audit").err
    assert told in sandbox.shell("keys audit --baseline 5w").err


CURRENT = {**KEY, "account": ACCOUNT, "last_used_at": "2026-11-23T05:00:00.000000Z"}


def ask(shell: Shell, line: str, *bodies: bytes, code: int = 0, last: str = "200 OK") -> Result:
    """Ask a server that answers so, one body a call."""
    first: list[Answer] = [("200 OK", {}, body) for body in bodies[:-1]]
    with answering(*first, (last, {}, bodies[-1])) as (_, url):
        return shell(line, env={"ASTALTY_API_KEY": "astalty_x", "ASTALTY_BASE_URL": url}, code=code)


def test_a_server_without_a_history_still_has_its_keys_looked_at(shell: Shell) -> None:
    answers: dict[str, Answer] = {
        "GET /public/v1/api-keys/current": ("200 OK", {}, one(CURRENT)),
        "GET /public/v1/api-keys": ("200 OK", {}, listing(KEY)),
    }
    with answering_by_call(answers) as (_, env):
        result = shell("keys audit --json", env=env)
    assert [row["finding"] for row in result.json] == ["never-used"]
    assert result.err == "This server has no request history: addresses were not compared.\n"


def test_a_server_without_keys_has_the_record_looked_at(shell: Shell) -> None:
    with answering_by_call({}) as (_, env):
        result = shell("keys audit --json", env=env)
    assert result.json == []
    assert "This service does not list its keys. From the record:" in result.err


@pytest.mark.parametrize("flags", ["", "-o table", "--json", "-o jsonl", "--fail-on old,in-grace"])
def test_no_findings(shell: Shell, flags: str) -> None:
    result = ask(shell, f"keys audit {flags}", one(CURRENT), listing())
    assert result.err.startswith("No findings.\n")
    assert result.err.count("No findings.") == 1
    assert result.out == ("[]\n" if flags == "--json" else "")


def test_the_servers_clock_decides(served: Account) -> None:
    assert "old" not in found(served, "CI smoke tests")
    served.clock.move(days=100)
    row = found(served, "CI smoke tests")["old"]
    assert row["detail"].startswith("The secret is 145 days old")
    assert "unused" in found(served, "CI smoke tests")
    assert "in-grace" not in found(served, "Reports (Power BI)")


def test_this_machines_clock_stands_in_where_the_server_does_not_tell(shell: Shell) -> None:
    ancient = {**KEY, "created_at": "2020-01-01T00:00:00.000000Z"}
    then = {**CURRENT, "last_used_at": "2020-01-02T00:00:00.000000Z"}
    rows = ask(shell, "keys audit --json", one(then), listing(ancient), listing()).json
    assert [row["finding"] for row in rows] == ["never-used"]
    now = {**CURRENT, "last_used_at": None}
    rows = ask(shell, "keys audit --json", one(now), listing(ancient), listing()).json
    assert [row["finding"] for row in rows] == ["old", "never-used"]


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["payroll-EXPORT", "Payroll Export ", "Ｐａｙｒｏｌｌ export", "Payroll exports", "Payrol export"],  # noqa: RUF001
)
def test_a_name_like_another(sandbox: Account, name: str) -> None:
    made(sandbox, name)
    older = sandbox.shell("keys show 'Payroll export' --json").json
    row = found(sandbox, name)["similar-name"]
    assert (row["severity"], row["since"]) == ("low", None)
    assert row["detail"] == f"Like 'Payroll export' ({older['id']}), which is older."
    assert "similar-name" not in found(sandbox, "Payroll export")


@pytest.mark.parametrize(
    "names",
    [("deploy runner 1", "deploy runner 2"), ("alpha", "omega"), ("★", "☆"), ("run1run", "run22run")],
)
def test_names_that_only_number_or_differ_are_not_alike(sandbox: Account, names: tuple[str, str]) -> None:
    for name in names:
        made(sandbox, name)
    findings = sandbox.shell("keys audit").rows
    assert {row[2] for row in findings} > set(names)
    assert "similar-name" not in {row[1] for row in findings}


def test_a_revoked_key_of_the_same_name_is_no_other_key(sandbox: Account) -> None:
    key = made(sandbox, "ci")
    with closing(sandbox.store()) as store:
        store.keys.revoke(key.id)
    made(sandbox, "CI")
    assert "similar-name" not in found(sandbox, "CI")


# -- how it is printed, and how it ends ----------------------------------------------------------


def test_rows_are_sorted_by_severity_then_name_then_id(sandbox: Account) -> None:
    for name in ("b", "a", "c"):
        made(sandbox, name, 200)
    rows = sandbox.shell("keys audit --json").json
    keys = [(["high", "medium", "low"].index(r["severity"]), r["key_name"], r["key_id"]) for r in rows]
    assert [name for severity, name, _ in keys if severity == 0] == ["Website enquiry form", "a", "b", "c"]
    assert keys == sorted(keys)


def test_every_format_has_the_same_findings(sandbox: Account) -> None:
    shell = sandbox.shell
    ids = [row["key_id"] for row in shell("keys audit --json").json]
    header, *lines = shell("keys audit -o csv").out.splitlines()
    assert header == "severity,finding,key_name,key_id,detail"
    assert [line.split(",")[3] for line in lines] == ids
    assert [row[3] for row in shell("keys audit").rows] == ids
    assert shell("keys audit --fields key_id,since").rows[0][0] == ids[0]
    assert shell("keys audit --query '[?severity==`high`].key_id'").out == f"{ids[0]}\n"
    table = shell("keys audit -o table", env={"COLUMNS": "200"}).out
    assert ids[0][:8] in table
    assert "The secret is 190 days old; the limit is 90 days." in table


@pytest.mark.parametrize("columns", ["80", "100"])
def test_a_narrow_table_says_all_that_was_found(sandbox: Account, columns: str) -> None:
    findings = sandbox.shell("keys audit --json").json
    table = sandbox.shell("keys audit -o table", env={"COLUMNS": columns}).out
    assert "…" not in table
    assert all(word in table for row in findings for word in row["detail"].split())
    assert max(map(len, table.splitlines())) <= int(columns)


def test_fail_on_prints_the_findings_and_ends_with_8(sandbox: Account) -> None:
    calm = sandbox.shell("keys audit")
    failed = sandbox.shell("keys audit --fail-on unused,old,never-used", code=8)
    assert failed.out == calm.out
    assert "3 findings of old, never-used." in failed.err
    assert "1 finding of in-grace." in sandbox.shell("keys audit --fail-on in-grace", code=8).err
    assert sandbox.shell("keys audit --fail-on unused,new-address,similar-name").out == calm.out


def test_fail_on_with_json_leaves_the_rows_and_one_error(sandbox: Account) -> None:
    failed = sandbox.shell("keys audit --json --fail-on old", code=8)
    assert len(failed.json) == 4
    assert failed.error["code"] == "findings"
    assert failed.error["message"] == "2 findings of old."


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ("--fail-on ancient", "'ancient' is not one of old, unused, never-used"),
        ("--fail-on old,", "'' is not one of"),
        ("--fail-on OLD", "'OLD' is not one of"),
        ("--baseline 0", "every address would be new"),
        ("--baseline 0d", "every address would be new"),
        ("--max-age 90", "'90' is not a duration"),
        ("--unused soon", "'soon' is not a duration"),
        ("--unused 999999999w", "the longest duration is 3650d"),
        ("--baseline 3651d", "the longest duration is 3650d"),
        ("--fields age", "no field 'age'"),
        ("--timeout 0", "number of seconds"),
    ],
)
def test_a_bad_value_is_refused_before_any_call(sandbox: Account, flags: str, told: str) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    assert told in " ".join(sandbox.shell(f"keys audit {flags}", code=2).err.split())
    assert sandbox.calls() == before


def test_a_name_cannot_drive_the_terminal(sandbox: Account) -> None:
    key = made(sandbox, "\x1b[31mci", 0.5, last_used_at=0)
    made(sandbox, "\x1b[31m-ci", 0.4)
    called(sandbox, key, ELSEWHERE, 0.2)
    result = sandbox.shell("keys audit -o table", env={"COLUMNS": "200"})
    assert "similar-name" in result.out
    assert "\x1b" not in result.out + result.err


# -- many names ----------------------------------------------------------------------------------


def named(names: list[str]) -> list[Answer]:
    """An account with keys of these names, the oldest first, and no history."""
    keys = [
        {
            **KEY,
            "id": f"{number:08x}{KEY['id'][8:]}",
            "name": name,
            "created_at": f"2026-01-01T00:00:00.{number:06}Z",
        }
        for number, name in enumerate(names)
    ]
    missing: Answer = ("404 Not Found", {}, b"{}")
    own: Answer = ("200 OK", {}, one({**KEY, "account": ACCOUNT, "last_used_at": "2026-01-02T00:00:00Z"}))
    return [own, ("200 OK", {}, listing(*keys)), missing, ("200 OK", {}, listing())]


@pytest.mark.parametrize(
    ("names", "most"),
    [
        ([f"Roster sync {'abcdefghijklmnop'[number % 16] * (number // 16)}" for number in range(1500)], 1500),
        (["the same"] * 3000, 3000),
        (["".join("ab" if number >> bit & 1 else "ba" for bit in range(40)) for number in range(1500)], 1500),
        (["a" * 500_000 + str(number) for number in range(40)], 40),
    ],
    ids=["different", "equal", "made of the same letters", "long"],
)
def test_the_names_of_many_keys_are_compared_once(shell: Shell, names: list[str], most: int) -> None:
    with answering(*named(names)) as (_, url):
        rows = shell("keys audit --fields finding,key_id", env=at(url)).rows
    assert sum(row[0] == "similar-name" for row in rows) <= most


def test_a_name_like_several_is_found_once_with_the_oldest(shell: Shell) -> None:
    with answering(*named(["Roster sync", "roster-sync", "Rooster sync"])) as (_, url):
        rows = shell("keys audit --fields finding,key_name,detail", env=at(url)).rows
    found = [row[1:] for row in rows if row[0] == "similar-name"]
    assert [name for name, _ in found] == ["Rooster sync", "roster-sync"]
    assert all("Like 'Roster sync'" in detail for _, detail in found)


def test_names_that_are_not_all_compared_are_said(shell: Shell) -> None:
    with answering(*named(["a" * 300, "a" * 301])) as (_, url):
        assert "too many names, or too long ones" in shell("keys audit", env=at(url)).err
