"""The record: the keys that this machine, or a team, knows of a service that does not list them."""

import fcntl
import os
import re
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.accounts import Account
from tests.support.shell import ASTALTY, Shell
from tests.support.web_page import DocumentedAccount, documented_account

SAYS_SO = "This service does not list its keys. From the record: "
LOCAL_ID = re.compile(r"local-[0-9a-f]{12}")


@pytest.fixture
def documented(shell: Shell, tmp_path: Path) -> Iterator[DocumentedAccount]:
    with documented_account(shell, tmp_path / "served") as account:
        yield account


@pytest.fixture
def shared(documented: DocumentedAccount, tmp_path: Path) -> Path:
    """A team's record in a repository, named by the variable."""
    file = tmp_path / "repository" / "astalty-keys.toml"
    file.parent.mkdir()
    documented.shell.environ["ASTALTY_RECORD"] = str(file)
    return file


def rows_of(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(file.read_text())["keys"]
    return rows


def add(documented: DocumentedAccount, name: str, flags: str = "", *, page_name: str = "") -> str:
    """Create a key on the web page and add it; return its secret."""
    secret = documented.create(page_name or name)
    documented.shell(f"keys add '{name}' --with-token {flags}", stdin=secret)
    return secret


# -- what writes it ----------------------------------------------------------------------------------


def test_a_sign_in_records_the_key_under_the_profile_s_name(documented: DocumentedAccount) -> None:
    (row,) = rows_of(documented.shell.config / "keys.toml")
    assert row["name"] == "default"
    assert row["origin"] == documented.base_url
    assert LOCAL_ID.fullmatch(row["id"])
    assert row["last_four"] == documented.account.home.secret().last_four
    assert "last_verified_at" in row
    assert not {"page_name", "created_at", "access"} & row.keys()


def test_signing_in_again_with_the_same_key_records_it_once(documented: DocumentedAccount) -> None:
    secret = documented.account.home.secret().reveal()
    line = f"auth login --with-token --storage file --base-url {documented.base_url}"
    documented.shell(f"{line} -p second", stdin=secret)
    documented.shell(f"{line} --yes", stdin=secret)
    assert [row["name"] for row in rows_of(documented.shell.config / "keys.toml")] == ["default"]


def test_another_key_under_a_profile_s_name_is_said(documented: DocumentedAccount) -> None:
    before = rows_of(documented.shell.config / "keys.toml")[0]
    secret = documented.create("other")
    line = f"auth login --with-token --storage file --base-url {documented.base_url} --yes"
    told = documented.shell(line, stdin=secret).err
    (after,) = rows_of(documented.shell.config / "keys.toml")
    assert (after["name"], after["last_four"]) == ("default", secret[-4:])
    assert after["id"] != before["id"]
    assert f"ends in {before['last_four']}" in told
    assert "delete it" in told


def test_an_existing_key_is_added_with_what_is_known_of_it(documented: DocumentedAccount) -> None:
    secret = documented.create("Payroll (Xero)")
    flags = (
        "--access read-only --page-name 'Payroll (Xero)' --owner Ana "
        "--purpose 'Xero sync' --created 2026-03-14"
    )
    added = documented.shell(f"keys add payroll --with-token {flags} --json", stdin=secret)
    assert "Its secret was not stored" in added.err
    key = added.json
    assert LOCAL_ID.fullmatch(key["id"])
    assert (key["name"], key["last_four"], key["status"]) == ("payroll", secret[-4:], "active")
    assert (key["access"], key["page_name"]) == ("read_only", "Payroll (Xero)")
    assert (key["owner"], key["purpose"]) == ("Ana", "Xero sync")
    assert (key["created_at"][:10], key["created"]) == ("2026-03-14", "given")
    assert documented.shell("keys show payroll --json").json == key


def test_a_name_in_use_is_refused_before_the_secret_is_sent(documented: DocumentedAccount) -> None:
    add(documented, "ci")
    before = documented.account.calls()
    refused = documented.shell("keys add ci --with-token --json", stdin="whatever" * 3, code=5)
    assert refused.error["code"] == "conflict"
    assert "already has a key named 'ci'" in refused.error["message"]
    assert documented.account.calls() == before


def test_a_key_that_the_service_tells_is_added_once(served: Account) -> None:
    refused = served.shell("keys add mine --with-token", stdin=served.home.secret().reveal(), code=5)
    assert "already has this key: 'default'" in refused.err
    assert [row["name"] for row in rows_of(served.shell.config / "keys.toml")] == ["default"]


def test_a_key_that_is_not_accepted_is_not_added(documented: DocumentedAccount) -> None:
    refused = documented.shell("keys add ci --with-token", stdin="1|" + "x" * 40, code=4)
    assert "Nothing was recorded" in refused.err
    assert [row["name"] for row in rows_of(documented.shell.config / "keys.toml")] == ["default"]


def test_without_a_terminal_the_flag_is_named(documented: DocumentedAccount) -> None:
    assert "--with-token < FILE" in documented.shell("keys add ci", code=2).err


def test_no_secret_and_no_hash_of_one_is_in_the_file(documented: DocumentedAccount) -> None:
    secret = documented.create("ci")
    for flag in ("--owner", "--purpose", "--page-name"):
        refused = documented.shell(f"keys add ci --with-token {flag} 'x {secret} y'", stdin=secret, code=2)
        assert "seems to contain a secret" in refused.err
        assert secret not in refused.err
    opaque = "12|" + "Ab3" * 14
    documented.shell(f"keys add ci --with-token --owner '{opaque}'", stdin=secret, code=2)
    documented.shell("keys add ci --with-token", stdin=secret)
    documented.shell("keys list --verify")
    text = (documented.shell.config / "keys.toml").read_text()
    assert secret[:-4] not in text
    assert opaque not in text
    assert re.findall(r"[0-9a-f]{20,}", text) == []
    assert {name for row in rows_of(documented.shell.config / "keys.toml") for name in row} == {
        *("name", "origin", "id", "last_four", "last_verified_at")
    }


def test_operations_through_the_api_are_recorded_too(sandbox: Account, tmp_path: Path) -> None:
    shell, file = sandbox.shell, tmp_path / "record.toml"
    shell(f"keys create ci --to file:one --to 'exec:sh -c \"cat >/dev/null\"' --record {file}")
    key = shell("keys show ci --json").json
    (row,) = rows_of(file)
    assert (row["name"], row["id"], row["page_name"]) == ("ci", key["id"], "ci")
    assert row["destinations"] == [f"file:{shell.home}/one", "exec:sh"]
    shell(f"keys rotate ci --to file:two --grace 3d --record {file}")
    key = shell("keys show ci --json").json
    (row,) = rows_of(file)
    assert (row["id"], row["last_four"]) == (key["id"], key["last_four"])
    assert row["previous_expires_at"].isoformat()[:19] == key["previous_expires_at"][:19]
    assert row["destinations"] == [f"file:{shell.home}/one", "exec:sh", f"file:{shell.home}/two"]
    shell(f"keys rename ci deploy --record {file}")
    assert [(row["name"], row["page_name"]) for row in rows_of(file)] == [("deploy", "deploy")]
    shell(f"keys revoke deploy --yes --record {file}")
    (row,) = rows_of(file)
    assert row["ended_by"] == "revoked"
    assert "ended_at" in row


def test_the_sandbox_s_keys_go_with_it(sandbox: Account) -> None:
    shell = sandbox.shell
    shell("keys create ci --plain")
    assert not (shell.config / "keys.toml").exists()
    assert [row["name"] for row in rows_of(shell.sandbox_folder / "keys.toml")] == ["ci"]
    shell("sandbox reset --yes")
    shell("keys create ci --plain")
    assert [row["name"] for row in rows_of(shell.sandbox_folder / "keys.toml")] == ["ci"]


def test_a_record_that_cannot_be_written_undoes_nothing(sandbox: Account) -> None:
    created = sandbox.shell("keys create ci --plain --record /proc/nowhere/keys.toml")
    assert sandbox.status_of(created.out.strip()) == 200
    assert "The record was not updated" in created.err


# -- what reads it -----------------------------------------------------------------------------------


def test_a_list_keeps_its_columns_and_says_where_it_is_from(documented: DocumentedAccount) -> None:
    add(documented, "ci")
    shell = documented.shell
    listed = shell("keys list")
    assert [row[1] for row in listed.rows] == ["ci", "default"]
    assert [row[3] for row in listed.rows] == ["active", "active"]
    assert [line for line in listed.err.splitlines() if SAYS_SO in line] == listed.err.splitlines()
    assert shell("keys list --sort -name --query '[].name'").out.split() == ["default", "ci"]
    assert shell("keys list --status revoked --json").json == []
    assert shell("keys ls -q").err == ""


def test_unknown_is_null(documented: DocumentedAccount, shell: Shell) -> None:
    add(documented, "ci")
    key = shell("keys show ci --json").json
    for name in ("created_at", "rotated_at", "last_used_at", "last_used_ip", "rotation", "created_by"):
        assert key[name] is None
    assert key["access"] is None
    assert set(shell("keys list --json").json[0]) == set(key)
    assert "never" not in shell("keys list -o table").out.lower()
    assert "unknown" in shell("keys list -o table", env={"COLUMNS": "200"}).out


def test_a_key_is_shown_by_name_id_and_start_of_the_id(documented: DocumentedAccount) -> None:
    add(documented, "ci")
    shell = documented.shell
    key_id = shell("keys show ci --query id").out.strip()
    for wanted in (key_id, key_id[:10]):
        assert shell(f"keys show {wanted} --query name").out.strip() == "ci"
    assert "any of 2 keys" in shell("keys show local-", code=2).err
    assert "Did you mean 'default'?" in shell("keys show defualt", code=3).err


def test_a_key_is_renamed_in_the_record_alone(documented: DocumentedAccount) -> None:
    add(documented, "ci", "--page-name 'CI key'")
    shell = documented.shell
    assert "only the record" in shell("keys rename ci deploy --dry-run").err
    told = shell("keys rename ci deploy").err
    assert "in the record only" in told
    assert "'CI key'" in told
    assert shell("keys show deploy --query page_name").out.strip() == "CI key"
    assert "already has a key named 'default'" in shell("keys rename deploy default", code=5).err
    assert shell("keys show deploy --query name").out.strip() == "deploy"


def test_an_audit_reports_what_is_known_and_nothing_else(documented: DocumentedAccount) -> None:
    add(documented, "payroll", "--created 200d")
    add(documented, "pay roll")
    audit = documented.shell("keys audit --json")
    found = {(each["finding"], each["key_name"]) for each in audit.json}
    assert found == {("old", "payroll"), ("similar-name", "pay roll")}
    assert SAYS_SO in audit.err
    assert "Of unknown age: 'default', 'pay roll'." in audit.err
    documented.shell("keys audit --fail-on never-used,unused")
    documented.shell("keys audit --fail-on old", code=8)


def test_verify_asks_once_for_each_key_that_is_stored_here(documented: DocumentedAccount) -> None:
    shell = documented.shell
    secret = add(documented, "ci")
    add(documented, "elsewhere")
    (shell.home / "ci.env").write_text(f"KEY={secret}\n")
    (shell.home / "ci.env").chmod(0o600)
    file = shell.config / "keys.toml"
    text = re.sub(r"last_verified_at = .*\n", "", file.read_text())
    spec = f'destinations = ["dotenv:{shell.home}/ci.env#KEY", "exec:false"]'
    file.write_text(text.replace('name = "ci"\n', f'name = "ci"\n{spec}\n'))
    before = documented.account.calls()
    verified = {row["name"]: row for row in shell("keys list --verify --json").json}
    assert documented.account.calls() == before + 2  # one for each key
    assert {name: row["accepted"] for name, row in verified.items()} == {
        "ci": True,
        "default": True,
        "elsewhere": None,
    }
    assert {row["name"] for row in rows_of(file) if "last_verified_at" in row} == {"ci", "default"}
    documented.delete(secret)
    told = shell("keys show ci --verify --json")
    assert told.json["accepted"] is False
    assert "not accepted any more" in told.err
    assert told.json["status"] == "active"  # one refusal is no proof


def test_a_key_that_is_refused_is_heard_of_by_verify(documented: DocumentedAccount) -> None:
    documented.delete(documented.account.home.secret().reveal())
    assert "not accepted any more" in documented.shell("keys list --verify").err


def test_signing_out_says_what_stays(documented: DocumentedAccount) -> None:
    slots = documented.shell.home / ".local" / "share" / "astalty" / "keys" / "old"
    slots.mkdir(parents=True)
    (slots / "5f2b.json").write_text("{}")
    told = documented.shell("auth logout").err
    assert "The key itself still works" in told
    assert "The record keeps the key 'default'" in told
    assert str(slots / "5f2b.json") in told
    assert [row["name"] for row in rows_of(documented.shell.config / "keys.toml")] == ["default"]


# -- the file ----------------------------------------------------------------------------------------


def test_a_team_s_record_is_found_by_the_variable_and_the_flag(
    documented: DocumentedAccount, shared: Path, tmp_path: Path
) -> None:
    add(documented, "ci")
    assert [row["name"] for row in rows_of(shared)] == ["ci"]
    assert documented.shell("keys list --query '[].name'").out.split() == ["ci"]
    shared.chmod(0o664)  # as git leaves it
    add(documented, "reports")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o664
    assert sorted(shared.parent.iterdir()) == [shared]
    other = tmp_path / "other.toml"
    add(documented, "only here", f"--record {other}")
    assert [row["name"] for row in rows_of(other)] == ["only here"]
    assert "is set but empty" in documented.shell("keys list", env={"ASTALTY_RECORD": ""}, code=2).err


def test_comments_and_fields_of_others_stay(documented: DocumentedAccount, shared: Path) -> None:
    add(documented, "ci")
    add(documented, "reports")
    lines = shared.read_text().replace('name = "ci"', 'name = "ci" # Ana\'s\nticket = 12')
    before, _, after = lines.rpartition("[[keys]]")
    shared.write_text(f"# ours\n{before}# of the finance team\n[[keys]]{after}")
    documented.shell("keys rename ci deploy")
    documented.shell("keys show deploy --verify")
    text = shared.read_text()
    assert text.startswith("# ours\n")
    assert 'name = "deploy" # Ana\'s\nticket = 12\n' in text
    assert '# of the finance team\n[[keys]]\nname = "reports"' in text


def test_two_at_once_lose_nothing(documented: DocumentedAccount, shared: Path) -> None:
    """They wait for whoever changes it, here the test, and then for each other."""
    add(documented, "ci")
    secret = documented.create("shared by all").encode()
    lock = os.open(
        shared.with_name(".astalty-keys.toml.astalty.lock"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600
    )
    fcntl.flock(lock, fcntl.LOCK_EX)
    before, names = shared.read_text(), ["one", "two", "three"]
    running = [adding(documented, name) for name in names]
    for each in running:
        assert each.stdin is not None
        each.stdin.write(secret)
        each.stdin.close()
    for each in running:
        with pytest.raises(subprocess.TimeoutExpired):
            each.wait(timeout=2)
    shared.write_text(before.replace('name = "ci"', 'name = "ci"\nowner = "Ana"'))
    os.close(lock)
    assert [each.wait(timeout=60) for each in running] == [0, 0, 0]
    assert sorted(row["name"] for row in rows_of(shared)) == sorted(["ci", *names])
    assert rows_of(shared)[0]["owner"] == "Ana"


def adding(documented: DocumentedAccount, name: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [ASTALTY, "keys", "add", name, "--with-token"],
        env=documented.shell.environ,
        cwd=documented.shell.home,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    "name",
    ["\x1b]0;title\x07", "[bold]x[/bold]", '"""\n[[keys]]', "::error::x", "=1+1", "пароль", "a\\u0000"],
)
def test_hostile_names_are_kept_and_shown_harmless(documented: DocumentedAccount, name: str) -> None:
    secret, shell = documented.create("x"), documented.shell
    done = subprocess.run(
        [ASTALTY, "keys", "add", name, "--with-token"],
        input=secret.encode(), env=shell.environ, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert name in [row["name"] for row in rows_of(shell.config / "keys.toml")]
    assert name in [row["name"] for row in shell("keys list --json").json]
    for form in ("table", "tsv", "csv"):
        assert "\x1b" not in shell(f"keys list -o {form}", env={"GITHUB_ACTIONS": "true"}).out


ROW = "[[keys]]\nname = 'a'\norigin = 'https://a.example'\nid = 'local-1'\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"not toml [", "is not usable"),
        (b"\xff\xfe", "not UTF-8"),
        (b"keys = 3", "array"),
        (b"[[keys]]\nname = 'a'", "missing required field"),
        (ROW.encode() + b"access = 3", "access"),
        (ROW.encode() + b"created_at = 2026-01-01", "created_at"),
        (ROW.encode() + b"created_at = 2026-01-01T00:00:00", "created_at"),
        (ROW.encode() * 2, "have the id 'local-1'"),
        ((ROW + ROW.replace("local-1", "local-2")).encode(), "have the name 'a'"),
        (ROW.encode() + b"owner = '" + b"x" * 301 + b"'", "owner"),
        (b"x = " + b"[" * 50_000, "is not usable"),
        (b"x = " + b"9" * 10_000, "is not usable"),
        (b"a" + b".a" * 50_000 + b" = 1", "more than 200 dots"),
        (b"#" * 300_000, "more than 262144 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_file_is_named_and_left_alone(
    documented: DocumentedAccount, shared: Path, content: bytes, problem: str
) -> None:
    shared.write_bytes(content)
    lines = ("keys list", "keys show ci", "keys rename ci x", "keys audit", "keys add x --with-token")
    for line in (*lines, "keys list --verify", "auth login --with-token --storage file --yes"):
        refused = documented.shell(line, stdin="x" * 20, code=2)
        assert problem in refused.err
        assert str(shared) in refused.err
    assert shared.read_bytes() == content


def test_a_damaged_record_stops_a_creation_and_no_revocation(sandbox: Account, tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text("not toml [")
    sandbox.shell("keys create ci --plain")
    before = sandbox.calls()
    for line in ("keys create other --plain", "keys rotate ci --plain"):
        assert "is not usable" in sandbox.shell(f"{line} --record {file}", code=2).err
    assert sandbox.calls() == before
    assert "was not updated" in sandbox.shell(f"keys revoke ci --yes --record {file}").err
    assert sandbox.shell("keys list --status revoked --query \"[?name=='ci'].name\"").out.strip() == "ci"


@pytest.mark.parametrize("kind", ["a link", "a folder", "a pipe"])
def test_what_is_no_file_is_refused(documented: DocumentedAccount, shared: Path, kind: str) -> None:
    if kind == "a link":
        (shared.parent / "real.toml").write_text("")
        shared.symlink_to(shared.parent / "real.toml")
    elif kind == "a folder":
        shared.mkdir()
    else:
        os.mkfifo(shared)
    refused = documented.shell("keys list", code=2)
    assert str(shared) in refused.err


def test_rows_of_other_origins_are_not_shown(documented: DocumentedAccount, shared: Path) -> None:
    shared.write_text(ROW)
    add(documented, "ci")
    assert documented.shell("keys list --query '[].name'").out.split() == ["ci"]
    add(documented, "a")
    assert len(rows_of(shared)) == 3


def test_an_ended_key_leaves_its_name(documented: DocumentedAccount, shared: Path) -> None:
    add(documented, "ci")
    ended = "ended_at = 2026-11-01T00:00:00Z\nended_by = 'stated'\n"
    shared.write_text(shared.read_text() + ended)
    assert documented.shell("keys list --json").json == []
    (gone,) = documented.shell("keys list --status revoked --json").json
    assert (gone["status"], gone["ended_by"], gone["revoked_at"]) == (
        "revoked",
        "stated",
        "2026-11-01T00:00:00Z",
    )
    add(documented, "ci", "--owner Ben", page_name="ci 2026-11-02")
    assert documented.shell("keys show ci --query owner").out.strip() == "Ben"


def test_an_old_secret_that_waits_for_its_deletion_shows_as_expiring(
    documented: DocumentedAccount, shared: Path
) -> None:
    add(documented, "ci")
    shared.write_text(shared.read_text() + "previous_expires_at = 2026-01-01T00:00:00Z\n")
    key = documented.shell("keys show ci --json").json
    assert (key["status"], key["previous_expires_at"]) == ("expiring", "2026-01-01T00:00:00Z")
    assert [each["finding"] for each in documented.shell("keys audit --json").json] == ["awaiting-deletion"]
