"""`astalty keys panic`: a secret has leaked; it works, or it is dead already."""

import json
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from markdown_it import MarkdownIt

from astalty_cli.api.models import ApiRequest, KeyReference
from astalty_cli.sandbox.history import insert_entry, logged_side
from astalty_cli.times import utc_now
from tests.accounts import Account
from tests.hostile import ACCOUNT, ENTRY, KEY, Answer, Scripted, listing, one
from tests.serving import serving
from tests.shell import Result, Shell
from tests.terminal import Terminal

PANIC = "keys panic --with-token --yes"


def created(account: Account, name: str, *, by: str | None = None) -> str:
    """Make a key, with another key where one is named by its secret; return the new secret."""
    return account.shell(f"keys create '{name}' --plain", env=key(by)).out.strip()


def key(secret: str | None) -> dict[str, str]:
    return {"ASTALTY_API_KEY": secret} if secret else {}


def shown(account: Account, name: str) -> dict[str, Any]:
    """A key as it is now, revoked or not."""
    rows = account.shell("keys list --json --status active,expiring,revoked").json
    (row,) = [row for row in rows if row["name"] == name]
    return dict(row)


def status_of(account: Account, secret: str) -> int:
    """What the server answers to this secret once the command has run: time has gone on."""
    account.clock.now = max(account.clock.now, utc_now())
    return account.status_of(secret)


def called(account: Account, row: dict[str, Any], **changes: Any) -> None:
    """Write a call with this key into the history, a day ago."""
    entry: dict[str, Any] = {
        "id": str(uuid4()),
        "status": 200,
        "method": "GET",
        "path": "/public/v1/participants",
        "created_at": account.clock.now - timedelta(days=1),
        "duration_ms": 1,
        "ip_address": "203.0.113.99",
        "user_agent": "thief/1",
        "user": None,
        "api_key": KeyReference(row["id"], row["name"]),
        **changes,
    }
    nothing = logged_side({}, b"")
    with closing(account.store()) as store, store.database.write() as connection:
        insert_entry(connection, ApiRequest(**entry), nothing, nothing)


def reports(folder: Path) -> list[Path]:
    return sorted(folder.glob("astalty-incident-*"))


def report(folder: Path) -> tuple[dict[str, Any], str]:
    """The one report in a folder: as data, and its Markdown."""
    data, markdown = reports(folder)
    return json.loads(data.read_text()), markdown.read_text()


def said(result: Result) -> str:
    """What was said, whatever lines it was broken into."""
    return " ".join(result.err.split())


# -- a secret that works -------------------------------------------------------------------------


def test_the_leaked_secret_ends_and_a_new_one_is_handed_over(account: Account) -> None:
    leaked = created(account, "leaky")
    called(account, shown(account, "leaky"))
    result = account.shell(f"{PANIC} --plain", stdin=leaked + "\n")
    assert status_of(account, leaked) == 401
    assert status_of(account, result.out.strip()) == 200
    assert "The leaked secret is of 'leaky' (" in result.err
    assert re.search(r"203\.0\.113\.99 +GET /participants +1x", result.err)
    assert "The old secret no longer works." in result.err
    data, markdown = report(account.shell.home)
    assert data["worked"]
    assert data["keys"][0]["name"] == "leaky"
    assert data["leaked_secret_ended_in"] == leaked[-4:]
    assert [(use["ip_address"], use["path"], use["count"]) for use in data["uses"]] == [
        ("203.0.113.99", "/participants", 1)
    ]
    assert "| 203.0.113.99 | GET /participants | 1 |" in markdown


def test_nobody_needs_to_be_signed_in(served: Account, tmp_path: Path) -> None:
    leaked = created(served, "leaky")
    (tmp_path / "bare").mkdir()
    stranger = Shell(tmp_path / "bare")
    stranger.environ["ASTALTY_BASE_URL"] = str(served.base_url)
    made = stranger(f"{PANIC} --json", stdin=leaked).json
    assert status_of(served, made["secret"]) == 200
    assert status_of(served, leaked) == 401
    assert len(reports(stranger.home)) == 2


def test_ones_own_key_may_leak_and_the_profile_is_switched(account: Account) -> None:
    leaked = account.home.secret().reveal()
    if account.base_url is None:
        account.shell("keys list")
    account.shell(f"{PANIC} --to file:{account.shell.home}/new", stdin=leaked)
    assert status_of(account, leaked) == 401
    assert account.shell("keys list").code == 0
    data, _ = report(account.shell.home)
    assert any("now use the new secret" in step["what"] for step in data["steps"])


def test_a_variable_that_holds_the_leaked_secret_is_named(served: Account) -> None:
    leaked = created(served, "leaky")
    env = {**key(leaked), "ASTALTY_BASE_URL": str(served.base_url)}
    result = served.shell(f"{PANIC} --plain", stdin=leaked, env=env)
    assert "ASTALTY_API_KEY still holds the old secret" in result.err


def test_keys_that_it_made_or_rotated_and_what_those_made_are_listed(account: Account) -> None:
    leaked = created(account, "leaky")
    child = created(account, "child", by=leaked)
    created(account, "grandchild", by=child)
    created(account, "victim")
    account.shell("keys rotate victim --plain", env=key(leaked))
    created(account, "bystander")
    result = account.shell(f"{PANIC} --plain", stdin=leaked)
    data, markdown = report(account.shell.home)
    found = {each["key"]["name"]: each for each in data["made_or_rotated"]}
    assert {name: each["how"] for name, each in found.items()} == {
        "child": "made",
        "grandchild": "made",
        "victim": "rotated",
    }
    assert found["child"]["with_secret_ending_in"] == leaked[-4:]
    assert found["grandchild"]["with_secret_ending_in"] == child[-4:]
    assert shown(account, "child")["id"] in result.err
    assert "bystander" not in result.err + markdown
    assert shown(account, "child")["status"] == "active"  # they are listed, and nobody was asked


def test_a_thief_who_rotated_loses_the_newer_secret_too(account: Account) -> None:
    leaked = created(account, "leaky")
    theirs = account.shell("keys rotate leaky --plain", env=key(leaked)).out.strip()
    result = account.shell(f"{PANIC} --plain", stdin=leaked)
    assert "It is not its newest one" in result.err
    assert [status_of(account, each) for each in (leaked, theirs, result.out.strip())] == [401, 401, 200]
    data, _ = report(account.shell.home)
    assert [each["how"] for each in data["made_or_rotated"]] == ["rotated"]  # theirs, and not ours


def test_the_report_has_all_pages_back_to_since(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    row = shown(sandbox, "leaky")
    for number in range(230):
        called(sandbox, row, created_at=sandbox.clock.now - timedelta(hours=number))
    result = sandbox.shell(f"{PANIC} --plain --since 9d", stdin=leaked)
    assert "the newest 100 calls of 216" in result.err
    data, _ = report(sandbox.shell.home)
    assert data["calls"] == 216


def test_dry_run_shows_two_calls_and_changes_nothing(account: Account) -> None:
    leaked = created(account, "leaky")
    created(account, "child", by=leaked)
    plan = account.shell("keys panic --with-token --dry-run --json", stdin=leaked)
    assert [each["body"] for each in plan.json] == [
        {"grace_seconds": 900, "if_rotation": 0},
        {"within_seconds": 0, "if_rotation": 1},
    ]
    assert {each["authorization"] for each in plan.json} == {f"Bearer …{leaked[-4:]}"}
    assert "'child'" in plan.err
    assert status_of(account, leaked) == 200
    assert reports(account.shell.home) == []


# -- a secret that is dead -----------------------------------------------------------------------


def asked(account: Account, leaked: str, answer: str = "y", flags: str = "", code: int = 0) -> str:
    """Run it where it can ask, and answer the question about the keys."""
    terminal = Terminal(account.shell, f"keys panic {flags}", columns=200)
    terminal.expect("Leaked secret (not shown): ")
    terminal.type(leaked)
    terminal.expect("Revoke? It cannot be undone")
    terminal.type(answer)
    return terminal.ends(code)


def test_dead_by_revocation_what_it_made_is_revoked_when_the_user_says_so(account: Account) -> None:
    leaked = created(account, "leaky")
    created(account, "child", by=leaked)
    account.shell("keys revoke leaky --yes")
    told = asked(account, leaked)
    assert "which was revoked 20" in told
    assert "Revoked 'child'" in told
    assert "No new secret was made" in told
    assert shown(account, "child")["status"] == "revoked"
    data, markdown = report(account.shell.home)
    assert not data["worked"]
    assert data["revoked"] == [shown(account, "child")["id"]]
    assert "revoked just now" in markdown


def test_yes_is_no_answer_to_which_keys_are_a_thiefs(account: Account) -> None:
    """A key may have made and rotated others for its owner; a script that runs twice must cut nobody off."""
    leaked = created(account, "leaky")
    created(account, "child", by=leaked)
    account.shell(f"{PANIC} --plain", stdin=leaked)
    for path in reports(account.shell.home):
        path.unlink()
    again = account.shell(f"{PANIC} --plain", stdin=leaked, code=5)
    ids = [str(shown(account, name)["id"]) for name in ("child", "leaky")]
    assert "since they may be yours" in again.err
    assert all(key_id in again.err.partition("astalty keys revoke ")[2] for key_id in ids)
    assert {shown(account, name)["status"] for name in ("leaky", "child")} == {"active"}
    assert len(reports(account.shell.home)) == 2


def test_dead_by_the_thiefs_rotation_the_key_itself_is_revoked(account: Account) -> None:
    leaked = created(account, "leaky")
    line = "keys rotate leaky --plain --grace 0 --yes --allow-self"
    theirs = account.shell(line, env=key(leaked)).out.strip()
    child = created(account, "child", by=theirs)
    told = asked(account, leaked)
    assert "It was rotated with the leaked secret" in told
    assert "from 127.0.0.1" in told
    assert {shown(account, name)["status"] for name in ("leaky", "child")} == {"revoked"}
    assert status_of(account, theirs) == status_of(account, child) == 401


def test_dead_by_somebody_elses_rotation_its_key_is_left_alone(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys rotate leaky --plain --grace 0 --yes")
    assert "whose secret is another one now" in asked(sandbox, leaked)
    assert (shown(sandbox, "leaky")["status"], shown(sandbox, "child")["status"]) == ("active", "revoked")


def test_a_secret_that_was_copied_in_part_points_at_its_key_and_ends_nothing(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    result = sandbox.shell(f"{PANIC} --plain", stdin=leaked[10:])
    assert "was the leaked one copied whole?" in said(result)
    assert status_of(sandbox, leaked) == 200


def test_a_dead_secret_of_no_key_here(account: Account) -> None:
    refused = account.shell(f"{PANIC} --plain", stdin="astalty_nobody_knows_this_secret_zzzz", code=3)
    assert "No key of this account ends in zzzz" in refused.err
    short = account.shell(f"{PANIC} --plain", stdin="too_short", code=3)
    assert "too short to tell a key by" in short.err
    assert reports(account.shell.home) == []


def test_a_dead_secret_and_no_other_key(served: Account, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    stranger = Shell(tmp_path / "bare")
    stranger.environ["ASTALTY_BASE_URL"] = str(served.base_url)
    for env in ({}, key("astalty_nobody_knows_this_secret_zzzz")):
        refused = stranger(f"{PANIC} --plain", stdin="astalty_nobody_knows_this_secret_zzzz", env=env, code=4)
        assert "Sign in with another key of the account" in refused.err


def test_a_key_in_use_here_is_revoked_only_with_the_flag(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    sandbox.shell("keys rotate 'sandbox cli' --plain", env=key(leaked))
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    refused = asked(sandbox, leaked, code=5)
    assert "is in use here" in refused
    assert "Revoked 'child'" in refused
    assert "The incident report: " in refused
    assert shown(sandbox, "sandbox cli")["status"] != "revoked"
    for path in reports(sandbox.shell.home):
        path.unlink()
    assert "Revoked 'sandbox cli'" in asked(sandbox, leaked, flags="--allow-self")


def test_several_matches_are_all_listed(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    created(sandbox, "alike")
    key_id = shown(sandbox, "alike")["id"]
    with closing(sandbox.store()) as store, store.database.write() as connection:
        connection.execute(
            "UPDATE key_secrets SET last_four = ? WHERE key_id = ?",
            (leaked[-4:], key_id),
        )
    refused = sandbox.shell(f"{PANIC} --plain", stdin=leaked, code=5)
    assert "'alike'" in refused.err
    assert shown(sandbox, "child")["status"] == "active"
    data, _ = report(sandbox.shell.home)
    assert {each["name"] for each in data["keys"]} == {"leaky", "alike"}


def test_dry_run_of_a_dead_one_shows_what_would_be_revoked(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    plan = sandbox.shell("keys panic --with-token --dry-run --plain", stdin=leaked)
    assert plan.out.startswith("DELETE\t")
    assert shown(sandbox, "child")["status"] == "active"
    assert reports(sandbox.shell.home) == []


# -- what is refused before any call -------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "stdin", "told"),
    [
        ("keys panic --plain", "astalty_x", "no terminal to ask for the leaked secret"),
        ("keys panic --plain --yes", "astalty_x", "no terminal to ask for the leaked secret"),
        ("keys panic --with-token --plain", "astalty_x", "--with-token takes stdin up"),
        (f"{PANIC}", "astalty_x", "nothing says where the new secret should go"),
        (f"{PANIC} --plain", "", "not an API key"),
        (f"{PANIC} --plain", "two words", "not an API key"),
        (f"{PANIC} --plain", "one\ntwo", "not an API key"),
        (f"{PANIC} --plain --report missing", "astalty_x", "Cannot write in missing"),
        (f"{PANIC} --plain --since soon", "astalty_x", "'soon' is not a duration"),
    ],
)
def test_it_is_refused_before_any_call(sandbox: Account, line: str, stdin: str, told: str) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    refused = sandbox.shell(line, stdin=stdin, code=2)
    assert told in said(refused)
    assert refused.out == ""
    assert sandbox.calls() == before


def test_no_argument_is_a_secret(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    refused = sandbox.shell(f"{PANIC} --plain {leaked}", stdin=leaked, code=2)
    assert leaked not in refused.err
    assert "unexpected extra argument" in refused.err
    assert status_of(sandbox, leaked) == 200


# -- on a terminal -------------------------------------------------------------------------------


def test_on_a_terminal_the_secret_is_typed_unseen_and_the_rotation_is_asked_for(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    terminal = Terminal(sandbox.shell, "keys panic", columns=120)
    terminal.expect("Leaked secret (not shown): ")
    terminal.type(leaked)
    terminal.expect("[y/N]")
    assert status_of(sandbox, leaked) == 200
    terminal.type("y")
    terminal.expect("will not be shown again")
    terminal.ends()
    assert leaked not in terminal.raw
    assert status_of(sandbox, leaked) == 401
    assert "and end all its earlier secrets at once?" in " ".join(terminal.raw.split())


def test_no_is_no(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    terminal = Terminal(sandbox.shell, "keys panic")
    terminal.expect("Leaked secret (not shown): ")
    terminal.type(leaked)
    terminal.expect("[y/N]")
    terminal.type("n")
    terminal.ends(130)
    assert status_of(sandbox, leaked) == 200
    assert reports(sandbox.shell.home) == []


def test_ctrl_c_at_the_prompt(sandbox: Account) -> None:
    sandbox.shell("keys list")
    before = sandbox.calls()
    terminal = Terminal(sandbox.shell, "keys panic")
    terminal.expect("Leaked secret (not shown): ")
    terminal.interrupt()
    assert "Nothing was done." in terminal.ends(130)
    assert sandbox.calls() == before


def test_a_dead_one_asks_before_it_revokes_and_reports_a_no(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    created(sandbox, "child", by=leaked)
    sandbox.shell("keys revoke leaky --yes")
    assert "The incident report:" in asked(sandbox, leaked, "n", code=130)
    assert shown(sandbox, "child")["status"] == "active"
    data, _ = report(sandbox.shell.home)
    assert data["revoked"] == []
    assert "declined" in data["steps"][-1]["what"]


# -- the report ----------------------------------------------------------------------------------


def test_the_report_is_0600_in_its_folder(sandbox: Account) -> None:
    folder = sandbox.shell.home / "incidents"
    folder.mkdir()
    leaked = created(sandbox, "leaky")
    result = sandbox.shell(f"{PANIC} --plain --report incidents", stdin=leaked)
    paths = reports(folder)
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600, 0o600]
    key_id = shown(sandbox, "leaky")["id"]
    assert re.fullmatch(rf"astalty-incident-\d{{8}}T\d{{6}}Z-{key_id[:8]}\.json", paths[0].name)
    assert str(paths[1]) in result.err
    assert reports(sandbox.shell.home) == []


def test_no_secret_is_on_stderr_in_a_file_or_in_the_report(account: Account) -> None:
    leaked = created(account, "leaky")
    row = shown(account, "leaky")
    called(account, row, user_agent=f"mine/{leaked} (ana@wattle.example)")
    long_ago = account.clock.now - timedelta(days=2)
    called(
        account,
        row,
        created_at=long_ago,
        path=f"/public/v1/participants/ana@wattle.example/{leaked}?key={leaked}",
    )
    result = account.shell(f"{PANIC} --plain -v", stdin=leaked)
    new = result.out.strip()
    assert leaked not in result.err
    assert new not in result.err
    data, markdown = report(account.shell.home)
    for text in (json.dumps(data), markdown):
        assert "ana@" not in text
        assert "wattle" not in text
        assert "Marnie" not in text
        assert "?" not in text.replace("\\?", "")
    for path in account.shell.home.rglob("*"):
        if path.is_file() and path.suffix != ".key":
            assert leaked.encode() not in path.read_bytes() or path.name.startswith("sandbox.db"), path
            assert new.encode() not in path.read_bytes(), path
    shapes = [each["path"] for each in data["uses"]]
    assert shapes == ["/participants", "/participants/{…}/{…}"]


def test_a_secret_of_another_shape_is_not_in_the_report_either(shell: Shell) -> None:
    """Nobody knows what the service's secrets look like, nor that it takes them out of its history."""
    entry = {**ENTRY, "user_agent": f"x {OLD}", "ip_address": OLD, "path": f"/{OLD}"}
    with service(f"ci {OLD}", [entry]) as (_, url):
        result = answered(shell, url)
    assert result.out == f"{NEW}\n"
    data, markdown = report(shell.home)
    assert "canary" not in json.dumps(data) + markdown


HOSTILE = [
    "x | revoked | `code` |\n| forged | row |",
    "![x](https://evil.example/a.png) [y](//evil.example) <img src=x onerror=1>",
    "https://evil.example www.evil.example",
    "\x1b]52;c;aGk=\x07 \u202e# heading\u200b",
    "::error::injected",
    "# heading\r\n- item",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_only_a_text(shell: Shell, name: str) -> None:
    entry = {**ENTRY, "user_agent": name, "ip_address": name, "path": name, "method": name}
    entry["api_key"] = {"id": KEY["id"], "name": name}
    with service(name, [entry]) as (_, url):
        env = {"ASTALTY_BASE_URL": url, "GITHUB_ACTIONS": "true"}
        result = shell(f"{PANIC} --plain", stdin=OLD, env=env)
    lines = [line for line in result.err.splitlines() if not line.startswith("::add-mask::")]
    assert not any(line.lstrip().startswith("::") for line in lines)
    assert not set(result.err) & set("\x1b\x07\r\u202e\u200b")
    _, markdown = report(shell.home)
    assert not set(markdown) & set("\x1b\x07\r\u202e\u200b")
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    inner = [child.type for token in tokens for child in token.children or ()]
    assert set(inner) <= {"text", "code_inline", "text_special"}
    assert [token.markup for token in tokens if token.type == "heading_open"] == ["#"] + ["##"] * 7
    rows = {line.count("|") - line.count("\\|") for line in markdown.splitlines() if line.startswith("|")}
    assert rows <= {3, 5, 6, 8, 10}
    assert "forged | row" not in markdown


def test_a_report_that_cannot_be_written_leaves_the_rotation_standing(sandbox: Account) -> None:
    leaked = created(sandbox, "leaky")
    folder = sandbox.shell.home / "gone"
    folder.mkdir()
    line = f"{PANIC} --report gone --to \"exec:sh -c 'cat > kept; rm -r gone'\""
    refused = sandbox.shell(line, stdin=leaked, code=2)
    assert "The rotation stands. The report was not written" in refused.err
    assert status_of(sandbox, (sandbox.shell.home / "kept").read_text().strip()) == 200
    assert status_of(sandbox, leaked) == 401


# -- a service that fails ------------------------------------------------------------------------


SLOW: Answer = ("429 Slow", {"Retry-After": "9999"}, b"{}")
OLD, NEW = "canary-of-another-shape-1", "canary-of-another-shape-2"


def step(method: str, path: str, bearer: str) -> str:
    """Which step of a panic a request is."""
    if path.endswith("/current"):
        return "prove" if bearer == NEW else "own"
    if path.endswith("/api-requests"):
        return "read_history" if bearer == NEW else "glance"
    if path.endswith("/api-keys"):
        return "keys"
    if method == "GET":
        return "confirm" if bearer == NEW else "read"
    return path.rpartition("/")[2].replace("-", "_")


@contextmanager
def service(
    name: str = "ci", entries: Sequence[object] = (), **changed: Answer
) -> Iterator[tuple[Scripted, str]]:
    """A service whose key is OLD's, of this name and with this history; some of its answers changed."""
    row = {**KEY, "name": name}
    rotated = {**row, "rotation": 1}
    answers: dict[str, Answer] = {
        "own": ("200 OK", {}, one({**row, "account": ACCOUNT})),
        "glance": ("200 OK", {}, listing(*entries)),
        "read": ("200 OK", {}, one(row)),
        "rotate": ("201 Created", {}, one({**rotated, "secret": NEW})),
        "prove": ("200 OK", {}, one({**rotated, "account": ACCOUNT})),
        "expire_previous": ("200 OK", {}, one(rotated)),
        "confirm": ("200 OK", {}, one(rotated)),
        "read_history": ("200 OK", {}, listing(*entries)),
        "keys": ("200 OK", {}, listing(row)),
    }
    app = Scripted(answers | changed, step)
    with serving(app) as url:
        yield app, url


def answered(shell: Shell, url: str, flags: str = "--plain", code: int = 0) -> Result:
    return shell(f"{PANIC} {flags}", stdin=OLD, env={"ASTALTY_BASE_URL": url}, code=code)


def test_the_calls_of_a_panic(shell: Shell) -> None:
    """The old secret ends after delivery and proof, and what is only to be known is asked for after that."""
    with service() as (app, url):
        assert answered(shell, url).out == f"{NEW}\n"
    assert app.calls[:7] == ["own", "glance", "read", "rotate", "prove", "expire_previous", "confirm"]
    assert set(app.calls[7:]) == {"read_history", "keys"}
    assert app.bodies["rotate"] == {"grace_seconds": 900, "if_rotation": 0}
    assert app.bodies["expire_previous"] == {"within_seconds": 0, "if_rotation": 1}


def test_a_new_secret_that_is_not_delivered_ends_nothing(shell: Shell) -> None:
    with service() as (app, url):
        failed = answered(shell, url, "--to 'exec:false'", 7)
    assert "expire_previous" not in app.calls
    assert "The incident report: " in failed.err
    data, _ = report(shell.home)
    assert "The rotation stopped" in data["steps"][-1]["what"]


@pytest.mark.parametrize("proof", [("500 No", {}, b"{}"), ("401 No", {}, b"{}")])
def test_without_proof_the_old_secret_is_not_ended_by_us(shell: Shell, proof: Answer) -> None:
    with service(prove=proof) as (app, url):
        failed = answered(shell, url, "--json", 7)
    assert "expire_previous" not in app.calls
    assert "The incident report: " in failed.error["hint"]


def test_somebody_who_rotates_meanwhile_is_a_conflict_and_is_reported(shell: Shell) -> None:
    with service(rotate=("409 Conflict", {}, b'{"message": "Changed."}')) as (_, url):
        assert "Someone else rotated" in answered(shell, url, code=5).err
    assert len(reports(shell.home)) == 2


@pytest.mark.parametrize("answer", [SLOW, ("404 Not Found", {}, b"{}"), ("200 OK", {}, b"<html>")])
def test_a_history_that_cannot_be_read_undoes_nothing(shell: Shell, answer: Answer) -> None:
    with service(glance=answer, read_history=answer, keys=answer) as (_, url):
        result = answered(shell, url)
    assert result.out == f"{NEW}\n"
    assert "Its recent use cannot be shown: " in result.err
    assert "The request history was not read to its end: " in result.err
    data, markdown = report(shell.home)
    assert len(data["not_known"]) == 3
    assert "was not read" in markdown


@pytest.mark.parametrize("answer", [SLOW, ("500 No", {}, b"{}"), ("403 Forbidden", {}, b"{}")])
def test_a_service_that_does_not_say_whose_it_is_is_no_dead_secret(shell: Shell, answer: Answer) -> None:
    with service(own=answer) as (app, url):
        answered(shell, url, code=4 if answer[0].startswith("403") else 6)
    assert set(app.calls) == {"own"}
