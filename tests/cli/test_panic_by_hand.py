"""`astalty keys panic` where keys are on a web page: deleted there, verified, replaced and reported."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.leaked_by_hand import leaky, rows
from tests.support.leaks import PANIC, report, reports, said
from tests.support.shell import Shell
from tests.support.web_app import RealAccount, real_account, web_app

REJECTED = ("401 Unauthorized", b'{"message": "Unauthenticated."}')
STILL_WORKS = "The leaked secret still works: the service accepts it."
DEAD = "The leaked secret no longer works, verified "


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def files(shell: Shell) -> list[Path]:
    return [path for path in shell.home.rglob("*") if path.is_file()]


def ensure_nowhere(shell: Shell, secret: str, *but: Path) -> None:
    part = secret.partition("|")[2]
    assert not any(part in each.out + each.err for each in shell.printed)
    assert [path for path in files(shell) if path not in but and part in path.read_text()] == []


# -- the key goes ------------------------------------------------------------------------------------


def test_it_asks_for_the_deletion_and_stays_open_until_that_is_verified(real: RealAccount) -> None:
    leaked = leaky(real)
    left = real.shell(PANIC, stdin=leaked, code=7)
    assert left.out == ""
    assert STILL_WORKS in said(left)
    assert "Delete        CI robot" in left.err
    assert DEAD not in said(left)
    (entry,) = real.open
    assert (entry["operation"], entry["phase"], entry["name"]) == ("revoke", "awaiting_deletion", "ci")
    assert f"astalty keys recover {entry['id'][:8]}" in said(left)
    data, markdown = report(real.shell.home)
    assert data["rejected_at"] is None
    assert "it may still work" in markdown
    assert real.key("ci")["status"] == "active"
    real.page.delete(leaked)
    assert "Verified: the leaked key (ends in " in real.shell("keys recover --yes").err
    assert (real.key("ci")["status"], real.key("ci")["ended_by"]) == ("revoked", "rejected")
    assert not real.open
    assert not real.slots


def test_run_again_after_the_deletion_it_verifies_reports_and_closes(real: RealAccount) -> None:
    leaked = leaky(real)
    real.shell(PANIC, stdin=leaked, code=7)
    real.page.delete(leaked)
    (real.shell.home / "later").mkdir()
    done = real.shell(f"{PANIC} --report later --json", stdin=leaked)
    assert DEAD in said(done)
    assert (done.json["name"], done.json["status"], done.json["ended_by"]) == ("ci", "revoked", "rejected")
    data, markdown = report(real.shell.home / "later")
    assert not data["worked"]
    assert data["rejected_at"] is not None
    assert "it may still work" not in markdown
    assert not real.open
    assert not real.slots


def test_run_again_before_the_deletion_one_entry_is_open(real: RealAccount) -> None:
    leaked = leaky(real)
    for folder in ("first", "second"):
        (real.shell.home / folder).mkdir()
        real.shell(f"{PANIC} --report {folder}", stdin=leaked, code=7)
    assert len(real.open) == len(real.slots) == 1


def test_a_secret_that_is_dead_already_is_verified_and_recorded(real: RealAccount) -> None:
    leaked = leaky(real)
    real.page.delete(leaked)
    done = real.shell(PANIC, stdin=leaked)
    assert DEAD in said(done)
    assert done.out == ""
    assert real.key("ci")["ended_by"] == "rejected"
    data, _ = report(real.shell.home)
    assert [step["what"] for step in data["steps"]] == ["The service rejected the leaked secret, twice."]
    assert not real.open


def test_one_401_is_not_enough(real: RealAccount) -> None:
    leaked = leaky(real)
    real.firewall.answers = [REJECTED, None]
    left = real.shell(f"{PANIC} --by-hand", stdin=leaked, code=7)
    assert STILL_WORKS in said(left)
    assert "no longer works" not in left.err


@pytest.mark.parametrize(
    "answer",
    [
        ("403 Forbidden", b"<html>"),
        ("200 OK", b"<html>a portal"),
        ("302 Found", b""),
        ("503 Service Unavailable", b""),
        ("401 Unauthorized", b"<html>"),
    ],
)
def test_what_a_firewall_answers_decides_nothing(real: RealAccount, answer: tuple[str, bytes]) -> None:
    leaked = leaky(real)
    real.firewall.answers = [answer]
    told = said(real.shell(f"{PANIC} --by-hand --timeout 3", stdin=leaked, code=6))
    assert "Whether the leaked secret still works is not known." in told
    assert "Settings → Developers → API Dashboard → Manage Keys" in told
    assert "no longer works" not in told
    assert not real.open
    assert reports(real.shell.home) == []


def test_a_firewall_during_the_deletion_verifies_nothing(real: RealAccount) -> None:
    leaked = leaky(real)
    accepted = None
    real.firewall.answers = [accepted, accepted, accepted, ("401 Unauthorized", b"<html>")]
    left = real.shell(f"{PANIC} --by-hand", stdin=leaked, code=7)
    assert "says nothing about the key" in said(left)
    assert len(real.open) == 1
    assert real.key("ci")["status"] == "active"


def test_a_key_that_the_record_does_not_have_is_told_by_its_end(real: RealAccount) -> None:
    leaked = real.page.create("somebody's")
    left = real.shell(PANIC, stdin=leaked, code=7)
    assert f"Delete        the key that ends in {leaked[-4:]}" in left.err
    real.page.delete(leaked)
    real.shell("keys recover --yes")
    (row,) = rows(real)
    assert (row["last_four"], row["status"], row["ended_by"]) == (leaked[-4:], "revoked", "rejected")


def test_a_record_that_cannot_be_read_stops_nothing(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    (real.shell.config / "keys.toml").write_text("damaged [")
    left = real.shell(f"{PANIC} --to file:key", stdin=f"{leaked}\n{new}", code=7)
    assert "keys.toml" in left.err
    assert f"ends in {leaked[-4:]}" in left.err
    assert (real.shell.home / "key").read_text().strip() == new
    assert len(real.open) == 1


def test_the_report_names_the_command_that_reads_an_offered_history(shell: Shell) -> None:
    shell.environ["ASTALTY_PROFILE"] = "sandbox"
    leaked = shell("keys create leaky --plain").out.strip()
    shell("history list", env={"ASTALTY_API_KEY": leaked})
    shell(f"{PANIC} --by-hand", stdin=leaked, code=7)
    data, markdown = report(shell.home)
    assert data["history_is_offered"]
    assert "`astalty history list --all --since " in markdown
    assert "can't read" not in markdown


def test_nobody_needs_to_be_signed_in(shell: Shell, tmp_path: Path) -> None:
    with web_app(tmp_path) as page:
        leaked, new = page.create("ci"), page.create("ci 2")
        shell(f"{PANIC} --base-url {page.base_url}", stdin=leaked, code=7)
        page.delete(leaked)
        line = f"{PANIC} --by-hand --to file:key --base-url {page.base_url}"
        shell(line, stdin=f"{leaked}\n{new}")
        assert (shell.home / "key").read_text().strip() == new


# -- a replacement on stdin --------------------------------------------------------------------------


def test_a_replacement_is_verified_and_delivered_before_the_deletion_is_asked_for(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    left = real.shell(f"{PANIC} --to dotenv:.env#KEY", stdin=f"{leaked}\n{new}\n", code=7)
    told = said(left).lower()
    places = [
        told.index("verified: the service accepts the new key"),
        told.index("verified: it belongs to the same account."),
        told.index("key in"),
        told.index("delete the old key"),
        told.index("still accepts", told.index("delete the old key")),
    ]
    assert places == sorted(places)
    assert (real.shell.home / ".env").read_text() == f"KEY='{new}'\n"
    assert (real.key("ci")["status"], real.key("ci")["last_four"]) == ("expiring", new[-4:])
    real.page.delete(leaked)
    real.shell("keys recover --yes")
    live, dead = sorted(rows(real), key=lambda row: row["status"])
    assert (live["name"], live["status"], live["last_four"]) == ("ci", "active", new[-4:])
    assert (dead["name"], dead["ended_by"], dead["last_four"]) == ("ci", "rejected", leaked[-4:])
    assert dead["page_name"] == "CI robot"
    assert not real.open
    assert not real.slots


def test_the_same_command_once_more_only_looks_again(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    line, given = f"{PANIC} --to file:key", f"{leaked}\n{new}"
    for folder in ("first", "second", "third"):
        (real.shell.home / folder).mkdir()
    real.shell(f"{line} --report first", stdin=given, code=7)
    real.shell(f"{line} --report second", stdin=given, code=7)
    assert len(real.open) == 1
    real.page.delete(leaked)
    real.shell(f"{line} --report third", stdin=given)
    assert real.key("ci")["last_four"] == new[-4:]
    assert not real.open


def test_a_deletion_that_is_verified_at_once_ends_it(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")

    def delete_once_delivered(_: str) -> None:
        if (real.shell.home / "key").exists() and real.page.accepts(leaked):
            real.page.delete(leaked)

    real.firewall.before = delete_once_delivered
    done = real.shell(f"{PANIC} --to file:key --json", stdin=f"{leaked}\n{new}")
    assert (done.json["name"], done.json["last_four"]) == ("ci", new[-4:])
    assert "secret" not in done.json
    data, markdown = report(real.shell.home)
    what = [step["what"] for step in data["steps"]]
    assert what == [
        "The service accepted the leaked secret.",
        f"A new key (ends in {new[-4:]}) was verified and delivered (file).",
        "The deletion of the leaked key was asked for.",
        "The service rejected the leaked secret, twice: its key is deleted.",
    ]
    assert data["worked"]
    assert data["rejected_at"] is not None
    assert data["replaced_by_key_ending_in"] == new[-4:]
    assert {each["filter"] for each in data["history_filters"]} == {"API key", "From", "Status", "IP address"}
    assert "| API key | CI robot |" in markdown
    ensure_nowhere(real.shell, leaked)
    ensure_nowhere(real.shell, new, real.shell.home / "key")
    assert not real.open


def test_the_profiles_that_hold_the_leaked_secret_are_switched(real: RealAccount) -> None:
    new = real.page.create("main 2")
    real.shell(PANIC, stdin=f"{real.secret}\n{new}", code=7)
    assert real.stored() == new
    assert real.page.accepts(real.secret)


def test_a_replacement_of_a_dead_secret_is_delivered(real: RealAccount) -> None:
    leaked, new = leaky(real, "--owner marnie --access read-only"), real.page.create("CI robot 2")
    real.page.delete(leaked)
    real.shell(f"{PANIC} --to file:key", stdin=f"{leaked}\n{new}")
    assert (real.shell.home / "key").read_text().strip() == new
    live, dead = sorted(rows(real), key=lambda row: row["status"])
    assert (live["name"], live["last_four"], live["owner"]) == ("ci", new[-4:], "marnie")
    assert live["access"] == "read_only"
    assert (dead["name"], dead["last_four"], dead["ended_by"]) == ("ci", leaked[-4:], "rejected")
    assert live["id"] != dead["id"]
    assert not real.open


def refused_replacements(real: RealAccount, leaked: str) -> dict[str, tuple[str, int, str]]:
    new = real.page.create("new")
    return {
        "truncated": (new[:-3], 4, "does not accept this key (401)"),
        "the leaked one": (leaked, 5, "This is the old secret."),
        "without its number": (leaked.partition("|")[2], 5, "This is the old secret."),
        "a profile's": (real.secret, 5, "This is the secret of profile 'default'."),
    }


@pytest.mark.parametrize("kind", ["truncated", "the leaked one", "without its number", "a profile's"])
def test_a_replacement_that_is_refused_is_delivered_nowhere(real: RealAccount, kind: str) -> None:
    leaked = leaky(real)
    new, code, told = refused_replacements(real, leaked)[kind]
    refused = said(real.shell(f"{PANIC} --to file:key", stdin=f"{leaked}\n{new}", code=code))
    assert told in refused
    assert "Delete the old key" not in refused
    assert "The leaked secret still works: run this again." in refused
    assert "The incident report:" in refused
    assert not (real.shell.home / "key").exists()
    assert real.page.accepts(leaked)
    assert real.key("ci")["status"] == "active"
    assert not real.open
    assert not real.slots


def test_a_replacement_of_another_account_is_refused(real: RealAccount, tmp_path: Path) -> None:
    leaked = leaky(real)
    with web_app(tmp_path / "other") as other:
        other.change_participants()
        real.firewall.others.append(other)
        theirs = other.create("theirs")
        line = f"{PANIC} --to file:key"
        assert "another account" in said(real.shell(line, stdin=f"{leaked}\n{theirs}", code=5))
        assert not (real.shell.home / "key").exists()
        real.shell(f"{line} --allow-other-account", stdin=f"{leaked}\n{theirs}", code=7)
        assert (real.shell.home / "key").read_text().strip() == theirs


def test_a_replacement_that_nothing_decides_waits_and_recover_goes_on(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")

    def firewall(secret: str) -> None:
        real.firewall.answers = [("503 Service Unavailable", b"")] if secret == new else []

    real.firewall.before = firewall
    real.shell(f"{PANIC} --to file:key --timeout 3", stdin=f"{leaked}\n{new}", code=7)
    (entry,) = real.open
    assert entry["phase"] == "awaiting_secret"
    assert not (real.shell.home / "key").exists()
    real.firewall.before, real.firewall.answers = lambda _: None, []
    left = real.shell(f"keys recover {entry['id'][:8]} --with-token", stdin=f"{new}\n{leaked}", code=7)
    assert "The leaked key" in left.err
    assert (real.shell.home / "key").read_text().strip() == new
    real.page.delete(leaked)
    real.shell("keys recover --yes")
    assert not real.open


def test_a_destination_that_fails_stays_open_and_the_leaked_key_too(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    line = f"{PANIC} --to 'exec:sh -c \"exit 3\"'"
    left = said(real.shell(line, stdin=f"{leaked}\n{new}", code=7))
    assert "could not be handed over" in left
    assert "Delete the old key" not in left
    (entry,) = real.open
    assert entry["phase"] == "delivering"
    real.shell(f"keys recover {entry['id'][:8]} --with-token --to file:key", stdin=f"{new}\n{leaked}", code=7)
    assert (real.shell.home / "key").read_text().strip() == new


def test_the_new_key_deleted_in_place_of_the_leaked_one_is_said(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    real.shell(f"{PANIC} --to file:key", stdin=f"{leaked}\n{new}", code=7)
    real.page.delete(new)
    told = said(real.shell("keys recover --yes", code=7))
    assert f"rejects the new key (ends in {new[-4:]}) and accepts the leaked one" in told
    assert (real.shell.home / "key").read_text().strip() == new  # a leaked secret is never put back
    assert len(real.open) == 1


def test_an_old_secret_that_was_replaced_already_is_only_to_be_deleted(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    real.shell("keys rotate ci --with-token --to file:key", stdin=f"{new}\n{leaked}")
    line = f"{PANIC} --to file:key"
    told = said(real.shell(line, stdin=f"{leaked}\n{real.page.create('third')}", code=5))
    assert "is an old one of 'ci'" in told
    left = real.shell(PANIC, stdin=leaked, code=7)
    assert "Delete        CI robot" in left.err
    (entry,) = real.open
    for path in reports(real.shell.home):
        path.unlink()
    real.page.delete(leaked)
    done = real.shell(PANIC, stdin=leaked)
    assert "Verified: the leaked key (ends in " in done.err
    data, _ = report(real.shell.home)
    assert data["replaced_by_key_ending_in"] == new[-4:]
    assert real.key("ci")["last_four"] == new[-4:]
    assert not real.open
    assert not real.slots
    assert entry["leaked"]


# -- what is refused, and what is only shown -------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "more", "told"),
    [
        ("--plain", "", "created in the web app"),
        ("--to file:key", "", "stdin has only the leaked one"),
        ("", "astalty_Cn4rYaB3dE6gH9kM2nP5qR8sT1uV4wX7yZ0cF2hJ", "The new secret has nowhere to go."),
        ("--to file:taken", "astalty_Cn4rYaB3dE6gH9kM2nP5qR8sT1uV4wX7yZ0cF2hJ", "was not overwritten"),
    ],
)
def test_it_is_refused_before_the_journal(real: RealAccount, flags: str, more: str, told: str) -> None:
    (real.shell.home / "taken").write_text("something else entirely")
    (real.shell.home / "taken").chmod(0o600)
    leaked = leaky(real)
    refused = real.shell(f"{PANIC} {flags}", stdin=f"{leaked}\n{more}", code=2)
    assert told in said(refused)
    assert refused.out == ""
    assert not real.open
    assert reports(real.shell.home) == []


def test_a_dry_run_checks_and_changes_nothing(real: RealAccount) -> None:
    leaked, new = leaky(real), real.page.create("CI robot 2")
    before = {path: path.read_bytes() for path in files(real.shell) if ".cache" not in path.parts}
    done = real.shell("keys panic --with-token --dry-run --to file:key", stdin=f"{leaked}\n{new}")
    assert STILL_WORKS in said(done)
    assert "would be deleted and replaced by a new one. A dry run: nothing was changed." in said(done)
    assert before == {path: path.read_bytes() for path in files(real.shell) if ".cache" not in path.parts}


def test_quiet_says_only_what_is_left_to_do(real: RealAccount) -> None:
    leaked = leaky(real)
    left = real.shell(f"{PANIC} -q", stdin=leaked, code=7)
    assert left.err.startswith("astalty: The service still accepts the key")
    real.page.delete(leaked)
    (real.shell.home / "later").mkdir()
    done = real.shell(f"{PANIC} -q --report later", stdin=leaked)
    assert done.out + done.err == ""


def test_json_has_one_error_with_the_way_on_and_the_report(real: RealAccount) -> None:
    leaked = leaky(real)
    left = real.shell(f"{PANIC} --json", stdin=leaked, code=7)
    assert left.out == ""
    assert left.error["code"] == "left_open"
    assert "astalty keys recover" in left.error["hint"]
    assert "The incident report:" in left.error["hint"]
    data, _ = report(real.shell.home)
    assert data["leaked_secret_ended_in"] == leaked[-4:]
    assert leaked not in json.dumps(left.error)
