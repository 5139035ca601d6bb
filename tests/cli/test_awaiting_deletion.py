"""Old keys that wait to be deleted on the web page: who is reminded of them, when, and for how long."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.base.times import iso, utc_now
from tests.support.accounts import Account
from tests.support.canaries import files_with, is_in
from tests.support.shell import Shell
from tests.support.terminal import Terminal
from tests.support.web_app import RealAccount, real_account

ROTATE = "keys rotate default --with-token"


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def rotated(real: RealAccount, *, due: float | None = None, flags: str = "") -> str:
    """Rotate the key by hand; its old one is due so many days from now. Return the new secret."""
    secret = real.page.create("new")
    real.shell(f"{ROTATE} {flags}", stdin=secret)
    if due is not None:
        move(real, days=due)
    return secret


def move(real: RealAccount, **from_now: float) -> None:
    """Let every old key be due at another time."""
    for path in entries(real):
        entry = json.loads(path.read_text())
        path.write_text(json.dumps({**entry, "due_at": iso(utc_now() + timedelta(**from_now))}))


def entries(real: RealAccount) -> list[Path]:
    return sorted((real.shell.config / "journal").glob("*.json"))


def entry_id(real: RealAccount) -> str:
    (path,) = entries(real)
    return path.stem


def words(text: str) -> str:
    """What was said, whatever lines it was broken into."""
    return " ".join(text.split())


def findings(real: RealAccount, flags: str = "", code: int = 0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = real.shell(f"keys audit --json {flags}", code=code).json
    return rows


def deletions(real: RealAccount, flags: str = "") -> list[dict[str, Any]]:
    return [row for row in findings(real, flags) if row["finding"] == "awaiting-deletion"]


# -- reminders ---------------------------------------------------------------------------------------

COMMANDS = [
    "keys list",
    "keys show default",
    "keys create ci --with-token",
    "keys rotate default --with-token",
    "keys rename default other",
    "keys add more --with-token",
]


def test_what_is_due_is_said_by_every_key_command(real: RealAccount) -> None:
    rotated(real, due=-1)
    (path,) = entries(real)
    for line in COMMANDS:
        told = real.shell(line, stdin=real.page.create(line))
        assert "was due for deletion on " in words(told.err), line
        assert f"Delete it, then: astalty keys recover {path.stem[:8]}" in words(told.err), line
        assert "due for deletion" not in told.out, line


def test_what_is_not_due_yet_is_said_by_the_list_alone(real: RealAccount) -> None:
    rotated(real, due=3)
    told = words(real.shell("keys list").err)
    assert f"Due for deletion: the old key of 'default' (ends in {real.secret[-4:]}) on " in told
    for line in ("keys show default", "keys create ci --with-token", "keys rename default other"):
        assert "due for deletion" not in real.shell(line, stdin=real.page.create(line)).err.lower(), line


def test_the_name_on_the_web_page_is_said_if_it_is_known(real: RealAccount) -> None:
    real.shell("keys create ci --with-token --to file:key", stdin=real.page.create("ci"))
    real.shell("keys rotate ci --with-token --to file:key --force", stdin=real.page.create("2"))
    move(real, days=-1)
    assert "The old key of 'ci' ('ci' on the web page) was due" in words(real.shell("keys show ci").err)


def test_a_key_that_should_be_revoked_is_no_old_key(real: RealAccount) -> None:
    real.shell("keys create ci --with-token --to file:key", stdin=real.page.create("ci"))
    real.shell("keys revoke ci --yes", code=7)
    assert "The key 'ci' ('ci' on the web page) was due" in words(real.shell("keys list").err)
    (row,) = deletions(real)
    assert row["detail"].startswith("It ('ci' on the web page) was due for deletion on ")


@pytest.mark.parametrize("flags", ["-q", "--json -q"])
def test_a_reminder_is_no_error(real: RealAccount, flags: str) -> None:
    rotated(real, due=-1)
    assert real.shell(f"keys list {flags}").err == ""


def test_a_reminder_waits_for_success_in_a_json_mode(real: RealAccount) -> None:
    rotated(real, due=-1)
    listed = real.shell("keys list --json")
    assert json.loads(listed.out)
    assert "was due for deletion" in listed.err
    failed = real.shell("keys show nope --json", code=3)
    assert failed.error["code"] == "not_found"


def test_a_terminal_is_told_too(real: RealAccount) -> None:
    rotated(real, due=-1)
    terminal = Terminal(real.shell, "keys list --no-pager", columns=200)
    assert "was due for deletion on" in terminal.ends()


def test_what_is_interrupted_is_said_apart(real: RealAccount) -> None:
    rotated(real, due=-1)
    new = real.page.create("ci")
    real.shell("keys create ci --with-token --to exec:false", stdin=new, code=7)
    told = words(real.shell("keys list").err)
    assert "Still open: create 'ci'. Finish it: astalty keys recover" in told
    assert "was due for deletion" in told


# -- doctor ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "status", "found"),
    [(3, "ok", "Due for deletion: the old key of 'default'"), (-1, "warning", "was due for deletion on")],
)
def test_doctor_stays_green(real: RealAccount, due: float, status: str, found: str) -> None:
    rotated(real, due=due)
    rows = {row["check"]: row for row in real.shell("doctor --json").json}
    assert rows["journal"]["status"] == status
    assert found in rows["journal"]["found"]
    assert (rows["journal"]["hint"] is None) == (due > 0)


def test_doctor_changes_nothing(real: RealAccount) -> None:
    rotated(real, due=-40)
    real.shell("doctor")
    assert real.slots


def test_what_is_interrupted_is_an_error_of_doctor_still(real: RealAccount) -> None:
    real.shell("keys create ci --with-token --to exec:false", stdin=real.page.create("ci"), code=7)
    rows = {row["check"]: row for row in real.shell("doctor --json", code=7).json}
    assert rows["journal"]["status"] == "error"


# -- audit -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "severity", "is_due"),
    [(1, "low", "is"), (-1, "medium", "was"), (-6.9, "medium", "was"), (-7.1, "high", "was")],
)
def test_a_finding_is_graver_with_time(real: RealAccount, due: float, severity: str, is_due: str) -> None:
    rotated(real, due=due)
    (row,) = deletions(real)
    (entry,) = real.open
    due_at = entry["due_at"]
    assert row == {
        "severity": severity,
        "finding": "awaiting-deletion",
        "key_id": entry["key_id"],
        "key_name": "default",
        "last_four": real.secret[-4:],
        "detail": f"The old key {is_due} due for deletion on {due_at[:16].replace('T', ' ')} UTC.",
        "since": due_at,
    }


def test_a_key_is_not_reported_as_in_grace_besides(real: RealAccount) -> None:
    rotated(real)
    assert [row["finding"] for row in findings(real)] == ["awaiting-deletion"]


def test_the_audit_fails_on_it_if_it_is_named(real: RealAccount) -> None:
    rotated(real, due=-1)
    assert findings(real, "--fail-on old,in-grace")
    failed = real.shell("keys audit --fail-on awaiting-deletion", code=8)
    assert "1 finding of awaiting-deletion." in failed.err
    assert "Once you have deleted a key on the web page: astalty keys recover" in words(failed.err)


def test_the_finding_goes_with_the_deletion(real: RealAccount) -> None:
    rotated(real, due=-1)
    real.page.delete(real.secret)
    real.shell("keys recover --yes")
    assert not deletions(real)
    assert "Once you have deleted" not in real.shell("keys audit").err


def test_another_machine_knows_by_the_record_alone(real: RealAccount, tmp_path: Path) -> None:
    """The runner of a scheduled job has the record of the repository, and no journal."""
    record = tmp_path / "keys.toml"
    real.shell.environ["ASTALTY_RECORD"] = str(record)
    real.shell("keys add app --with-token", stdin=real.secret)
    real.shell("keys rotate app --with-token --to file:key", stdin=real.page.create("new"))
    (here,) = deletions(real)
    for path in entries(real):
        path.unlink()
    (there,) = deletions(real)
    assert {**there, "since": there["since"][:19]} == {**here, "last_four": None, "since": here["since"][:19]}


def test_a_renamed_key_is_found_by_its_new_name(real: RealAccount) -> None:
    rotated(real, due=-1)
    real.shell("keys rename default main")
    (row,) = deletions(real)
    assert row["key_name"] == "main"


def test_a_damaged_journal_stops_no_audit(real: RealAccount) -> None:
    rotated(real, due=-1)
    (path,) = entries(real)
    path.write_text("{")
    (row,) = deletions(real)  # by the record
    assert row["severity"] == "low"


# -- the copy of the old secret ----------------------------------------------------------------------

DAYS = 30


@pytest.mark.parametrize("line", ["keys list", "keys show default", "keys recover", "keys recover --json"])
def test_it_is_removed_thirty_days_after_the_date(real: RealAccount, line: str) -> None:
    rotated(real, due=0.01 - DAYS)
    code = 7 if "recover" in line else 0
    real.shell(line, code=code)
    assert len(real.slots) == 1
    move(real, days=-DAYS - 0.01)
    real.shell(line, code=code)
    assert not real.slots
    (entry,) = real.open
    assert entry["slot"] is None
    assert entry["phase"] == "awaiting_deletion"  # time alone closes nothing


def test_then_nothing_verifies_the_deletion_any_more(real: RealAccount) -> None:
    rotated(real, due=-DAYS - 1)
    assert real.shell("keys recover --json", code=7).json[0]["old_secret"] is None
    told = words(real.shell("keys list").err)
    assert "Nothing here can verify it any more. Delete it, then: " in told
    assert told.endswith("--abandon")
    refused = words(real.shell("keys recover --yes", code=7).err)
    assert "Can't verify that the old key of 'default'" in refused
    assert "was only kept for 30 days" in refused
    (row,) = deletions(real)
    assert "Nothing can verify it any more." in row["detail"]
    assert entries(real)


def test_a_person_who_has_the_old_secret_can_still_verify_it(real: RealAccount) -> None:
    rotated(real, due=-DAYS - 1)
    real.page.delete(real.secret)
    real.shell("keys list")
    assert not real.slots
    real.shell(f"keys recover {entry_id(real)} --with-token", stdin=real.secret)
    assert not entries(real)
    assert real.key("default")["previous_ended_by"] == "rejected"


def test_recover_shows_where_it_is(real: RealAccount) -> None:
    rotated(real, due=1)
    (row,) = real.shell("keys recover --json").json
    assert (row["way"], row["phase"], row["old_secret"]) == ("by_hand", "awaiting_deletion", "file")
    assert row["due_at"] is not None
    assert row["old_page_name"] is None


@pytest.mark.parametrize(("due", "code"), [(1, 0), (-1, 7)])
@pytest.mark.parametrize("line", ["keys recover", "keys recover --json", "keys recover --yes"])
def test_recover_ends_with_7_once_it_is_due(real: RealAccount, line: str, due: float, code: int) -> None:
    rotated(real, due=due)
    real.shell(line, code=code)
    assert entries(real)


def test_what_cannot_be_verified_here_is_no_failure_before_it_is_due(real: RealAccount) -> None:
    rotated(real, due=1)
    (slot,) = real.slots
    slot.unlink()
    told = words(real.shell("keys recover --yes").err)
    assert "its secret is not on this machine" in told
    move(real, days=-1)
    real.shell("keys recover --yes", code=7)


# -- a person's word ---------------------------------------------------------------------------------


def killed_after(real: RealAccount, phase: str, operation: str = "rotate") -> None:
    """An operation that is open in this phase."""
    if operation == "create":
        real.shell("keys create ci --with-token --to exec:false", stdin=real.page.create("ci"), code=7)
    elif operation == "revoke":
        real.shell("keys create ci --with-token --to file:key", stdin=real.page.create("ci"))
        real.shell("keys revoke ci --yes", code=7)
    else:
        rotated(real)
    (path,) = entries(real)
    entry = json.loads(path.read_text())
    path.write_text(json.dumps({**entry, "phase": phase}))


CONSEQUENCES = [
    (
        "create",
        "awaiting_secret",
        "if you created the new key ('ci' on the web page) on the web page, it works",
    ),
    ("create", "delivering", "works until you delete it on the web page, even if its secret was not saved"),
    ("rotate", "awaiting_secret", "the old key stays in use. If you created the new key"),
    ("rotate", "delivering", "both work. The new secret may not be saved everywhere"),
    ("rotate", "delivered", "both work. The new secret may not be saved everywhere"),
    ("rotate", "proved", "both work. The new secret may not be saved everywhere"),
    (
        "rotate",
        "awaiting_deletion",
        "you say that the old key is deleted. If it still exists, it still works",
    ),
    ("revoke", "awaiting_deletion", "you say that the key is deleted. If it still exists, it still works"),
]


@pytest.mark.parametrize(("operation", "phase", "consequence"), CONSEQUENCES)
def test_abandoning_says_what_it_leaves_and_leaves_no_copy(
    real: RealAccount, operation: str, phase: str, consequence: str
) -> None:
    killed_after(real, phase, operation)
    kept = list(real.slots)
    wanted = f"keys recover {entry_id(real)} --abandon"
    assert "no terminal" in real.shell(wanted, code=2).err
    terminal = Terminal(real.shell, wanted, columns=160)
    terminal.expect("[y/N]")
    terminal.type("n")
    assert consequence in words(terminal.ends(130))
    assert (real.slots, len(entries(real))) == (kept, 1)
    terminal = Terminal(real.shell, wanted, columns=160)
    terminal.expect("[y/N]")
    terminal.type("y")
    terminal.ends()
    assert not entries(real)
    assert not real.slots


def test_the_record_notes_a_person_s_word_as_that(real: RealAccount) -> None:
    rotated(real, due=-1)
    real.shell(f"keys recover {entry_id(real)} --abandon --yes")
    row = real.key("default")
    assert (row["status"], row["previous_expires_at"], row["previous_ended_by"]) == ("active", None, "stated")
    assert real.page.accepts(real.secret)
    assert not deletions(real)


def test_a_verified_deletion_is_told_from_a_stated_one(real: RealAccount) -> None:
    rotated(real, due=-1)
    real.page.delete(real.secret)
    real.shell("keys recover --yes")
    assert real.key("default")["previous_ended_by"] == "rejected"
    rotated_again = real.page.create("3")
    real.shell(ROTATE, stdin=rotated_again)
    assert real.key("default")["previous_ended_by"] is None


def test_a_revoked_key_is_ended_by_a_person_s_word(real: RealAccount) -> None:
    killed_after(real, "awaiting_deletion", "revoke")
    real.shell(f"keys recover {entry_id(real)} --abandon --yes")
    row = real.key("ci")
    assert (row["status"], row["ended_by"]) == ("revoked", "stated")


def test_one_of_two_old_keys_leaves_the_other_due(real: RealAccount) -> None:
    rotated(real)
    first, due_first = entry_id(real), real.open[0]["due_at"]
    real.shell(f"{ROTATE} --grace 48h", stdin=real.page.create("3"))
    assert real.key("default")["previous_expires_at"][:19] == due_first[:19]
    real.shell(f"keys recover {first} --abandon --yes")
    row, (left,) = real.key("default"), real.open
    assert row["status"] == "expiring"
    assert row["previous_expires_at"][:19] == left["due_at"][:19]
    assert row["previous_ended_by"] is None
    assert len(real.slots) == 1


def test_yes_alone_never_abandons(real: RealAccount) -> None:
    rotated(real, due=-DAYS - 1)
    real.shell("keys recover --yes", code=7)
    assert entries(real)


def test_a_damaged_entry_is_closed_with_its_copy(real: RealAccount) -> None:
    rotated(real)
    (path,) = entries(real)
    path.write_text('{"version": 9}')
    assert real.slots
    told = real.shell(f"keys recover {path.stem} --abandon --yes").err
    assert ".abandoned" in told
    assert not real.slots


def test_a_copy_that_cannot_be_removed_keeps_the_entry_open(real: RealAccount) -> None:
    rotated(real)
    (slot,) = real.slots
    slot.unlink()
    slot.mkdir()
    assert str(slot) in real.shell(f"keys recover {entry_id(real)} --abandon --yes", code=2).err
    assert entries(real)
    assert real.key("default")["status"] == "expiring"


# -- signing out -------------------------------------------------------------------------------------


def test_signing_out_names_what_it_leaves(real: RealAccount) -> None:
    rotated(real)
    (slot,) = real.slots
    told = words(real.shell("auth logout").err)
    assert f"Kept until its key is deleted: the old secret of 'default', in {slot}." in told
    assert f"astalty keys recover {entry_id(real)[:8]}" in told
    assert real.slots == [slot]


def test_signing_out_names_what_is_open(real: RealAccount) -> None:
    real.shell("keys create ci --with-token --to exec:false", stdin=real.page.create("ci"), code=7)
    stray = real.shell.home / ".local" / "share" / "astalty" / "keys" / "old" / "0123.json"
    stray.parent.mkdir(parents=True, mode=0o700)
    stray.touch(0o600)
    told = words(real.shell("auth logout").err)
    assert "Still open: create 'ci'. See: astalty keys recover" in told
    assert f"An old secret that no open operation needs is in {stray}. Remove it." in told


# -- what else ends a key ----------------------------------------------------------------------------


def test_revoking_a_key_in_place_closes_nothing_by_hand(served: Account) -> None:
    """A service with an API for keys, and an operation by hand on one of them."""
    shell = served.shell
    old = shell("keys create ci --plain").out.strip()
    new = shell("keys create 'ci 2' --plain").out.strip()
    shell("keys rotate ci --with-token --to file:key", stdin=f"{new}\n{old}")
    (path,) = (shell.config / "journal").glob("*.json")
    entry = json.loads(path.read_text())
    ended = shell("keys list --json --query \"[?name=='ci'].id\"").json[0]
    path.write_text(json.dumps({**entry, "key_id": ended}))
    shell("keys revoke ci --yes")
    assert path.exists()
    assert (shell.home / ".local/share/astalty/keys/old" / path.name).exists()
    shell("keys recover --yes")
    assert not path.exists()
    assert not (shell.home / ".local/share/astalty/keys/old" / path.name).exists()


def test_a_sandbox_that_is_reset_takes_its_copies_with_it(sandbox: Account) -> None:
    shell = sandbox.shell
    old = shell("keys create ci --plain").out.strip()
    new = shell("keys create 'ci 2' --plain").out.strip()
    shell("keys rotate ci --with-token --to file:key", stdin=f"{new}\n{old}")
    slots = shell.home / ".local/share/astalty/keys/old"
    assert list(slots.iterdir())
    shell("sandbox reset --yes")
    assert not list(slots.iterdir())


def test_the_finding_stands_beside_those_of_the_service_s_list(served: Account) -> None:
    shell = served.shell
    old = shell("keys create ci --plain").out.strip()
    new = shell("keys create 'ci 2' --plain").out.strip()
    shell("keys rotate ci --with-token --to file:key", stdin=f"{new}\n{old}")
    rows = shell("keys audit --json").json
    assert {row["finding"] for row in rows} >= {"old", "in-grace", "awaiting-deletion"}
    (row,) = [row for row in rows if row["finding"] == "awaiting-deletion"]
    assert (row["key_name"], row["last_four"]) == ("ci", old[-4:])


# -- where the copy is -------------------------------------------------------------------------------


def test_the_old_secret_is_in_its_copy_and_nowhere_else(real: RealAccount) -> None:
    rotated(real)
    (slot,) = real.slots
    assert (slot.stat().st_mode & 0o777, slot.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert files_with(real.secret, real.shell.home) == [slot]
    lines = [
        "keys list",
        "keys recover --json",
        "keys audit --ics k.ics",
        "doctor --json",
        "auth status",
        "-v",
    ]
    for line in lines:
        result = real.shell(line if line != "-v" else "keys list -v")
        assert not is_in(result.out + result.err, real.secret), line
    assert files_with(real.secret, real.shell.home) == [slot]
    assert not any(is_in(result.out + result.err, real.secret) for result in real.shell.printed)


def test_what_repeats_the_old_secret_is_hidden(real: RealAccount) -> None:
    """No profile holds it any more: it is known by its copy."""
    rotated(real)
    told = real.shell(f"keys show '{real.secret}'", code=3)
    assert not is_in(told.out + told.err, real.secret)
    spelled = "".join(f"%{ord(char):02x}" for char in real.secret)  # no shape gives it away
    told = real.shell(f"keys show '{spelled}'", code=3)
    assert "no active key named '[secret]'" in words(told.err)
