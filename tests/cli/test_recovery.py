"""Answers that are lost, processes that are killed, sinks that fail: what is said, and how it is finished."""

import json
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from tests.accounts import Account
from tests.shell import ASTALTY, Shell
from tests.spoilt import Fault, Spoilt
from tests.terminal import Terminal

Faulty = tuple[Account, Spoilt]
CREATE, ROTATE, EXPIRE = "POST /api-keys", "POST /api-keys/.*/rotate", "POST .*/expire-previous"
FOR_GOOD = 99


def works(account: Account, secret: str, **after: float) -> bool:
    return account.status_of(secret, after=timedelta(**after)) == 200


def make(shell: Shell, name: str = "ci") -> str:
    return shell(f"keys create {name} --plain").out.strip()


def key(shell: Shell, name: str = "ci") -> dict[str, object]:
    found: dict[str, object] = shell(f"keys show {name} --json").json
    return found


def is_open(shell: Shell) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(shell("keys recover --json", code=7).out)
    return rows


# -- answers that are lost -----------------------------------------------------------------------


def test_a_creation_that_never_arrived_is_asked_for_again(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, acts=False))
    made = account.shell("keys create ci --plain")
    assert works(account, made.out.strip())
    assert spoilt.posts() == [CREATE, CREATE]
    assert "Asking again, with the same Idempotency-Key." in made.err
    assert key(account.shell)["rotation"] == 0


def test_a_created_key_whose_secret_was_lost_on_the_way_is_rotated_for_another(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE))
    made = account.shell("keys create ci --plain")
    assert works(account, made.out.strip())
    assert [row[1] for row in account.shell("keys list").rows].count("ci") == 1
    assert key(account.shell)["rotation"] == 1
    assert account.shell("keys recover --json").json == []


def test_a_rotation_whose_answer_was_lost_is_made_once_more(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault(ROTATE))
    new = account.shell("keys rotate ci --plain --grace 1h").out.strip()
    assert key(account.shell)["rotation"] == 2
    assert works(account, new)
    assert works(account, old)
    assert not works(account, old, hours=2)
    assert works(account, new)


def test_the_first_request_may_still_be_running(faulty: Faulty) -> None:
    account, spoilt = faulty
    running = Fault(ROTATE, "409 Conflict", {"Retry-After": "1"}, acts=False)
    make(account.shell)
    spoilt.faults.append(running)
    assert works(account, account.shell("keys rotate ci --plain").out.strip())


def test_someone_else_who_rotates_meanwhile_keeps_a_secret_that_works(faulty: Faulty) -> None:
    """The answer is lost, and before the replay another machine rotates: nothing of theirs is ended."""
    account, spoilt = faulty
    make(account.shell)
    theirs: list[str] = []
    meanwhile = Fault(ROTATE, acts=False, first=lambda: theirs.append(elsewhere(account)))
    spoilt.faults += [Fault(ROTATE), meanwhile]
    refused = account.shell("keys rotate ci --plain --grace 0 --yes", code=5)
    assert "Someone else rotated 'ci'" in refused.err
    assert works(account, theirs[0], days=8)
    assert account.shell("keys recover --json").json == []


def test_the_end_of_the_old_secret_may_be_asked_for_again(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults += [Fault(EXPIRE), Fault(EXPIRE, "429 Slow", {"Retry-After": "1"}, acts=False)]
    account.shell("keys rotate ci --plain --grace 0 --yes")
    assert not works(account, old)


@pytest.mark.parametrize("line", ["keys create ci --plain", "keys rotate ci --plain"])
def test_a_rate_limit_that_is_over_soon_is_waited_out(faulty: Faulty, line: str) -> None:
    account, spoilt = faulty
    if "rotate" in line:
        make(account.shell)
    spoilt.faults.append(Fault("POST .*", "429 Slow", {"Retry-After": "1"}, acts=False))
    assert works(account, account.shell(line).out.strip())
    spoilt.faults.append(Fault("POST .*", "429 Slow", {"Retry-After": "60"}, acts=False))
    limited = account.shell(line.replace("create ci", "create other"), code=6)
    assert "Rate limited" in limited.err
    assert account.shell("keys recover --json").json == []


# -- what stays open -----------------------------------------------------------------------------


def test_what_is_open_is_listed_and_every_key_command_says_so(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    lost = shell("keys rotate ci --plain", code=7)
    assert "may have a new secret" in lost.err
    assert "The old one was not ended." in lost.err
    assert lost.err.splitlines()[-1] == "Finish it: astalty keys recover"
    (row,) = is_open(shell)
    found = key(shell)
    assert (row["operation"], row["name"], row["key_id"]) == ("rotate", "ci", found["id"])
    assert (row["phase"], row["sinks"], row["profile"]) == ("asked", ["plain"], "default")
    for line in ("keys list", "keys show ci", "keys create other --plain"):
        assert "Still open: rotate 'ci'. Finish it: astalty keys recover\n" in shell(line).err
    assert "1 key operation is open." in shell("keys recover", code=7).err


def test_an_open_rotation_keeps_another_one_from_starting(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    account.shell("keys rotate ci --plain", code=7)
    spoilt.faults.clear()
    refused = account.shell("keys rotate ci --plain", code=7)
    assert "An earlier operation on 'ci'" in refused.err
    assert key(account.shell)["rotation"] == 1


def test_a_rotation_that_went_nowhere_stays_open_until_a_place_is_named(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    shell("keys rotate ci --plain --grace 1h", code=7)
    spoilt.faults.clear()
    nowhere = shell("keys recover --yes", code=7)
    assert "The old secret works until 20" in nowhere.err
    assert "--yes --to file:PATH" in nowhere.err
    done = shell("keys recover --yes --to file:new")
    new = (shell.home / "new").read_text().strip()
    assert "Finished the rotation of 'ci'" in done.err
    assert works(account, new)
    assert works(account, old)
    assert works(account, new, hours=2)
    assert not works(account, old)
    assert shell("keys recover --json").json == []


def test_a_created_key_that_nobody_has_is_revoked(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, times=FOR_GOOD))
    account.shell("keys create ci --plain", code=7)
    spoilt.faults.clear()
    assert "whose secret nobody had" in account.shell("keys recover --yes").err
    assert "ci" not in [row[1] for row in account.shell("keys list").rows]


def test_a_created_key_that_nobody_has_is_given_a_secret_where_a_place_is_named(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, times=FOR_GOOD))
    account.shell("keys create ci --plain", code=7)
    spoilt.faults.clear()
    account.shell("keys recover --yes --to dotenv:.env#KEY")
    name, _, value = (account.shell.home / ".env").read_text().strip().partition("=")
    assert name == "KEY"
    assert works(account, value)


def test_a_creation_that_never_happened_is_closed_without_one(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, acts=False, times=FOR_GOOD))
    account.shell("keys create ci --plain", code=7)
    spoilt.faults.clear()
    make(account.shell)
    assert "never made" in account.shell("keys recover --yes").err
    assert works(account, account.shell("keys rotate ci --plain").out.strip())


def test_a_creation_that_never_happened_into_a_file_whose_name_is_taken_since(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, acts=False, times=FOR_GOOD))
    account.shell("keys create ci --to file:new", code=7)
    spoilt.faults.clear()
    make(account.shell)
    told = account.shell("keys recover --yes")
    assert "nothing is left to do. The given data was invalid." in told.err
    assert not (account.shell.home / "new").exists()
    assert account.shell("keys recover --json").json == []


def test_a_rotation_is_finished_from_the_place_that_has_the_secret(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault(EXPIRE, acts=False, times=FOR_GOOD))
    stopped = account.shell("keys rotate ci --to file:new --grace 0 --yes", code=7)
    assert "was handed over; the old one may have ended" in stopped.err
    spoilt.faults.clear()
    assert works(account, old)
    account.shell("keys recover --yes")
    assert key(account.shell)["rotation"] == 1
    assert works(account, (account.shell.home / "new").read_text().strip())
    assert not works(account, old)


def test_a_secret_that_is_not_proved_ends_nothing(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault("POST .*", "", first=lambda: spoilt.faults.append(no_proof)))
    no_proof = Fault("GET .*/current", "500 No", acts=False, times=FOR_GOOD)
    told = account.shell("keys rotate ci --to file:new --grace 0 --yes", code=7)
    assert "the old one was not ended by us" in told.err
    spoilt.faults.clear()
    assert works(account, old)
    assert not any("expire" in call for call in spoilt.calls)


def test_a_foreign_value_in_a_named_place_is_never_sent_to_the_service(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    shell("keys rotate ci --to file:new --to exec:false", code=7)
    (shell.home / ".env").write_text("STRIPE=sk_live_0123456789abcdef\n")
    (shell.home / ".env").chmod(0o600)
    spoilt.bearers.clear()
    refused = shell("keys recover --yes --to dotenv:.env#STRIPE", code=7)
    assert "holds a value that is not this key's secret" in refused.err
    (shell.home / "new").write_text("sk_live_0123456789abcdef\n")
    shell("keys recover --yes", code=7)
    assert spoilt.bearers
    assert not any("sk_live" in bearer for bearer in spoilt.bearers)


def test_a_journal_that_cannot_be_moved_on_tells_where_the_secret_is(faulty: Faulty) -> None:
    account, _ = faulty
    shell = account.shell
    make(shell)
    script = shell.home / "break"
    once = "test -e once && exit; touch once"
    script.write_text(f"#!/bin/sh\n{once}; cd .config/astalty && mv journal aside && touch journal\n")
    script.chmod(0o755)
    told = shell(f"keys rotate ci --to file:new --to exec:{script}", code=7)
    assert "is in its place all the same" in told.err
    (shell.config / "journal").unlink()
    (shell.config / "aside").rename(shell.config / "journal")
    shell("keys recover --yes")
    assert works(account, (shell.home / "new").read_text().strip(), days=8)


def test_several_open_operations_are_each_named(faulty: Faulty) -> None:
    account, _ = faulty
    shell = account.shell
    for name in ("one", "two"):
        shell(f"keys create {name} --to file:{name} --to exec:false", code=7)
    refused = shell("keys recover --yes --to file:other", code=2)
    ids = [str(row["id"])[:8] for row in is_open(shell)]
    assert all(f"astalty keys recover {each} --yes --to SINK" in refused.err for each in ids)
    both = shell("keys recover --yes", code=7)
    assert "2 key operations are still open." in both.err
    shell(f"keys recover {ids[0]} --yes --to file:other")
    assert len(is_open(shell)) == 1


def test_some_sinks_failed_and_recover_copies_to_them(faulty: Faulty) -> None:
    account, _ = faulty
    shell = account.shell
    old = make(shell)
    script = shell.home / "take"
    script.write_text("#!/bin/sh\ntest -e open || exit 3\ncat > taken\n")
    script.chmod(0o755)
    half = shell(f"keys rotate ci --to file:new --to exec:{script} --grace 0 --yes", code=7)
    assert "but not everywhere" in half.err
    assert "exit 3" in half.err
    assert works(account, old)
    (shell.home / "open").touch()
    shell("keys recover --yes")
    new = (shell.home / "new").read_text().strip()
    assert (shell.home / "taken").read_text() == new
    assert key(shell)["rotation"] == 1
    assert works(account, new)
    assert not works(account, old)


def test_a_sink_that_cannot_be_read_is_not_guessed_about(faulty: Faulty) -> None:
    """Delivered by `exec:`, and the proof failed: only a person can know, and nobody is there."""
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: spoilt.faults.append(no_proof)))
    no_proof = Fault("GET .*/current", "500 No", acts=False, times=FOR_GOOD)
    shell("keys rotate ci --to 'exec:tee taken'", code=7)
    spoilt.faults.clear()
    asked = shell("keys recover --yes", code=7)
    assert "nobody is here to say so" in asked.err
    assert key(shell)["rotation"] == 1
    shell("keys recover --yes --to 'exec:tee taken'")
    assert works(account, (shell.home / "taken").read_text())


def test_a_rotated_key_is_never_revoked_by_recover(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    account.shell("keys rotate ci --plain", code=7)
    spoilt.faults.clear()
    account.shell("keys recover --yes", code=7)
    assert works(account, old)
    assert "DELETE" not in "".join(spoilt.calls)


def test_after_a_day_nothing_is_made_again_and_nothing_is_guessed(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)
    spoilt.faults += [Fault(ROTATE, times=4), Fault(CREATE, times=4)]
    shell("keys rotate ci --plain", code=7)
    shell("keys create other --plain", code=7)
    account.clock.move(hours=25)
    told = shell("keys recover --yes --json", code=7)
    assert "no longer knows by whom" in told.err
    assert "may be the key that was made, or another's" in told.err or "nobody is here to say" in told.err
    assert {row["name"] for row in is_open(shell)} == {"ci", "other"}
    assert [row[1] for row in shell("keys list").rows].count("other") == 1
    assert works(account, old)


def test_a_revocation_whose_answer_was_lost_is_looked_at(faulty: Faulty) -> None:
    account, spoilt = faulty
    secret = make(account.shell)
    spoilt.faults.append(Fault("DELETE .*"))
    assert "Revoked 'ci'" in account.shell("keys revoke ci --yes").err
    assert not works(account, secret)
    assert [call.split()[0] for call in spoilt.posts()].count("DELETE") == 1


def test_an_open_revocation_is_finished(faulty: Faulty) -> None:
    account, spoilt = faulty
    secret = make(account.shell)
    spoilt.faults.append(Fault("DELETE .*", acts=False, times=FOR_GOOD))
    assert "is revoked is not known" in account.shell("keys revoke ci --yes", code=7).err
    spoilt.faults.clear()
    assert works(account, secret)
    account.shell("keys recover --yes")
    assert not works(account, secret)


def test_ones_own_key_revoked_without_an_answer_is_told_by_the_401(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault("DELETE .*"))
    told = account.shell("keys revoke 'sandbox cli' --yes --allow-self")
    assert "no longer accepts the key that made this call" in told.err


def test_the_journal_holds_no_secret_and_is_for_the_owner_alone(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    secret = make(shell)
    spoilt.faults.append(Fault(EXPIRE, acts=False, times=FOR_GOOD))
    shell("keys rotate ci --to file:new", code=7)
    new = (shell.home / "new").read_text().strip()
    folder = shell.config / "journal"
    (entry,) = folder.glob("*.json")
    assert not any(each in entry.read_text() for each in (secret, new, new[:20]))
    assert entry.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_an_entry_of_another_account_is_left_for_it(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    account.shell("keys rotate ci --plain", code=7)
    told = account.shell("keys recover --yes -p sandbox", code=7)
    assert "of another account" in told.err
    assert "astalty keys recover -p default" in told.err


def test_a_fresh_sandbox_has_nothing_open(sandbox: Account) -> None:
    shell = sandbox.shell
    make(shell)
    shell("keys rotate ci --to file:new --to 'exec:false'", code=7)
    assert is_open(shell)
    shell("sandbox reset --yes")
    assert shell("keys recover --json").json == []


# -- what a hostile reader found -----------------------------------------------------------------


def elsewhere(account: Account, name: str = "ci", grace: int = 60) -> str:
    """Another machine rotates the key."""
    store = account.store()
    try:
        page = store.keys.page(parse_query(f"filter[name]={name}", KEYS))[0]
        made = store.keys.rotate(page[0].id, grace, None).secret
        assert made is not None
        return made.reveal()
    finally:
        store.close()


def lost(account: Account, spoilt: Spoilt, line: str, call: str, **fault: Any) -> None:
    """A command whose call is never answered; the service hears later ones again."""
    spoilt.faults.append(Fault(call, times=FOR_GOOD, **fault))
    account.shell(line, code=7)
    spoilt.faults.clear()


def test_an_orphan_that_somebody_has_given_a_secret_is_not_revoked(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --plain", CREATE)
    used = account.shell("keys rotate ci --plain").out.strip()
    assert "was not revoked" in account.shell("keys recover --yes").err
    assert works(account, used, days=8)


@pytest.mark.parametrize("typed", ["", "what", None])
def test_only_a_no_that_is_typed_is_a_no(faulty: Faulty, typed: str | None) -> None:
    """Enter, or Ctrl-C, at the question whose it was must not close the entry: the old secret is ending."""
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    account.clock.move(hours=25)
    terminal = Terminal(account.shell, "keys recover", columns=120)
    terminal.expect("else? [y/N]")
    if typed is None:
        terminal.interrupt()
    else:
        terminal.type(typed)
    terminal.ends(130 if typed is None else 7)
    assert len(is_open(account.shell)) == 1


def test_ctrl_c_at_a_question_asks_no_other_one(faulty: Faulty) -> None:
    account, spoilt = faulty
    for name in ("one", "two"):
        lost(account, spoilt, f"keys create {name} --plain", CREATE)
    terminal = Terminal(account.shell, "keys recover", columns=120)
    terminal.expect("[y/N]")
    terminal.interrupt()
    assert terminal.ends(130).count("[y/N]") == 1
    assert len(is_open(account.shell)) == 2


def test_a_secret_that_was_proved_is_not_replaced(faulty: Faulty) -> None:
    """Its file was moved to where it is used: only the last step is left, and that is what is done."""
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)
    lost(account, spoilt, "keys rotate ci --to file:new --grace 0 --yes", EXPIRE, acts=False)
    (shell.home / "new").rename(shell.home / "production")
    shell("keys recover --yes")
    assert key(shell)["rotation"] == 1
    assert works(account, (shell.home / "production").read_text().strip(), days=8)
    assert not works(account, old)


def test_another_secret_goes_to_all_that_took_the_one_before(faulty: Faulty) -> None:
    """`exec:` took it and the file did not: a new one is for both, or `exec:` would be cut off."""
    account, _ = faulty
    shell = account.shell
    make(shell)
    (shell.home / "sub").mkdir()
    script = shell.home / "take"
    script.write_text(f"#!/bin/sh\ncat > {shell.home}/taken\nrm -rf {shell.home}/sub\n")
    script.chmod(0o755)
    shell(f"keys rotate ci --to exec:{script} --to file:sub/new --grace 0 --yes", code=7)
    shell("keys recover --yes --to file:other")
    assert (shell.home / "taken").read_text() == (shell.home / "other").read_text().strip()
    assert works(account, (shell.home / "taken").read_text(), days=8)


@pytest.mark.parametrize("line", ["keys create ci --plain", "keys rotate ci --plain"])
@pytest.mark.parametrize("status", ["400 Bad Request", "413 Too Large", "409 Conflict"])
def test_a_proxys_page_is_no_proof_that_nothing_happened(faulty: Faulty, line: str, status: str) -> None:
    account, spoilt = faulty
    if "rotate" in line:
        make(account.shell)
    spoilt.faults += [Fault("POST .*"), Fault("POST .*", status, acts=False, times=FOR_GOOD)]
    account.shell(line, code=7)
    assert len(is_open(account.shell)) == 1
    account.shell("keys recover --yes", code=7)
    spoilt.faults.clear()
    account.shell("keys recover --yes --to file:new")
    assert works(account, (account.shell.home / "new").read_text().strip(), days=8)


def test_a_retry_after_that_is_a_date_is_one(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    date = {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT", "Content-Type": "application/json"}
    spoilt.faults.append(Fault(ROTATE, "409 Conflict", date, acts=False, body=b"{}"))
    assert works(account, account.shell("keys rotate ci --plain").out.strip(), days=8)


def test_copying_is_for_one_open_operation_too(faulty: Faulty) -> None:
    account, spoilt = faulty
    for name in ("one", "two"):
        lost(account, spoilt, f"keys create {name} --plain", CREATE)
    assert "several operations are open" in account.shell("keys recover --yes --copy", code=2).err


@pytest.mark.parametrize("line", ["keys rotate ci --grace 0", "keys revoke ci"])
def test_what_was_agreed_to_is_what_is_done(faulty: Faulty, line: str) -> None:
    account, _ = faulty
    make(account.shell)
    terminal = Terminal(account.shell, line, columns=120)
    terminal.expect("[y/N]")
    theirs = elsewhere(account)
    terminal.type("y")
    assert "rotated 'ci'" in terminal.ends(5)
    assert works(account, theirs, days=8)


def test_a_401_of_another_key_does_not_say_that_a_key_is_revoked(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    secret = make(shell)
    url = str(account.base_url)
    spoilt.faults.append(Fault("DELETE .*", acts=False, times=FOR_GOOD))
    shell(
        "keys revoke ci --yes --allow-self", env={"ASTALTY_API_KEY": secret, "ASTALTY_BASE_URL": url}, code=7
    )
    spoilt.faults.clear()
    env = {"ASTALTY_API_KEY": "astalty_nobody_knows_this", "ASTALTY_BASE_URL": url}
    shell("keys recover --yes", env=env, code=7)
    assert works(account, secret)
    shell("keys recover --yes")
    assert not works(account, secret)


def test_a_refusal_while_recovering_leaves_it_open(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys revoke ci --yes", "DELETE .*", acts=False)
    json_type = {"Content-Type": "application/json"}
    spoilt.faults.append(
        Fault("DELETE .*", "409 Conflict", json_type, acts=False, times=FOR_GOOD, body=b"{}")
    )
    account.shell("keys recover --yes", code=7)
    assert len(is_open(account.shell)) == 1


def test_an_orphan_that_was_renamed_is_found_by_its_time(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --plain", CREATE)
    account.shell("keys rename ci other")
    account.clock.move(hours=25)
    assert "'other'" in account.shell("keys recover --yes", code=7).err
    assert len(is_open(account.shell)) == 1


def test_a_request_that_never_arrived_is_over_after_a_day(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE, acts=False)
    account.clock.move(days=2)
    assert "never got the request" in account.shell("keys recover --yes").err
    account.shell("keys rotate ci --plain")


def test_a_secret_lost_before_the_last_request_is_not_forgotten_after_a_day(faulty: Faulty) -> None:
    """The first call made a secret that nobody has; the one after it never arrived. The old one is ending."""
    account, spoilt = faulty
    make(account.shell)
    deaf = Fault(ROTATE, acts=False, times=FOR_GOOD)
    replay = Fault(ROTATE, "", first=lambda: spoilt.faults.append(deaf))
    spoilt.faults += [Fault(ROTATE), replay]
    account.shell("keys rotate ci --to file:new", code=7)
    spoilt.faults.clear()
    account.clock.move(hours=25)
    account.shell("keys recover --yes")
    assert works(account, (account.shell.home / "new").read_text().strip(), days=8)


def test_the_new_secret_in_the_variable_is_found(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)
    env = {"ASTALTY_BASE_URL": str(account.base_url), "ASTALTY_API_KEY": old}
    spoilt.faults.append(Fault(EXPIRE, acts=False, times=FOR_GOOD))
    new = shell("keys rotate ci --plain --grace 1h", env=env, code=7).out.strip()
    spoilt.faults.clear()
    shell("keys recover --yes", env={**env, "ASTALTY_API_KEY": new})
    assert works(account, new, hours=2)
    assert not works(account, old)


def test_a_damaged_entry_hides_no_other_one(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --plain", CREATE)
    damaged = shell.config / "journal" / "0123.json"
    damaged.write_text("{}")
    damaged.chmod(0o600)
    assert "create 'ci'" in (told := shell("keys list").err)
    assert "which cannot be read" in told
    assert f"{damaged} cannot be read" in shell("keys recover --yes", code=7).err
    assert "ci" not in [row[1] for row in shell("keys list").rows]
    damaged.unlink()
    assert shell("keys recover --json").json == []


def test_the_own_key_first_does_not_lock_the_next_entry_out(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    for name in ("sandbox cli", "ci"):
        line = f"keys rotate '{name}' --to 'file:{name}' --grace 0 --yes --allow-self"
        lost(account, spoilt, line, EXPIRE, acts=False)
    shell("keys recover --yes")
    assert shell("keys recover --json").json == []


# -- people --------------------------------------------------------------------------------------


def test_recover_asks_on_a_terminal_and_shows_the_secret_there(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    account.shell("keys rotate ci --plain", code=7)
    spoilt.faults.clear()
    terminal = Terminal(account.shell, "keys recover", columns=100)
    terminal.expect("[y/N]")
    terminal.type("y")
    shown = terminal.ends()
    assert "It is shown once" in shown or "shown once" in shown
    assert "Finished the rotation of 'ci'" in shown


def test_who_says_that_the_secret_arrived_is_believed(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: spoilt.faults.append(no_proof)))
    no_proof = Fault("GET .*/current", "500 No", acts=False, times=FOR_GOOD)
    account.shell("keys rotate ci --to 'exec:tee taken' --grace 0 --yes", code=7)
    spoilt.faults.clear()
    terminal = Terminal(account.shell, "keys recover", columns=100)
    terminal.expect("[y/N]")
    terminal.type("y")
    assert "The old secret works until" in " ".join(terminal.ends().split())
    assert not any("expire" in call for call in spoilt.calls)
    assert account.shell("keys recover --json").json == []


def test_what_is_found_in_one_place_is_put_into_the_others_when_the_user_agrees(faulty: Faulty) -> None:
    account, _ = faulty
    shell = account.shell
    make(shell)
    shell("keys rotate ci --to file:new --to exec:false", code=7)
    declined = Terminal(shell, "keys recover", columns=120)
    declined.expect("[y/N]")
    declined.type("n")
    assert "put it into exec:false as well" in " ".join(declined.ends(7).split())
    failed = Terminal(shell, "keys recover", columns=120)
    failed.expect("[y/N]")
    failed.type("y")
    shown = failed.ends(7)
    assert "but not everywhere" in shown
    assert "astalty_" not in shown, "it is in a file, and needs no screen"
    assert key(shell)["rotation"] == 1


def test_a_no_leaves_it_open(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    account.shell("keys rotate ci --plain", code=7)
    spoilt.faults.clear()
    terminal = Terminal(account.shell, "keys recover")
    terminal.expect("[y/N]")
    terminal.type("n")
    assert "is still open" in terminal.ends(7)
    assert len(is_open(account.shell)) == 1


# -- signals -------------------------------------------------------------------------------------


@pytest.fixture
def running(faulty: Faulty) -> Iterator[list[subprocess.Popen[str]]]:
    """What the faults can send signals to."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(shell: Shell, line: str, running: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [ASTALTY, *line.split()],
        env=shell.environ, cwd=shell.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running.append(process)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_between_the_call_and_the_hand_over_waits(
    faulty: Faulty, running: list[subprocess.Popen[str]], sent: signal.Signals
) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault(ROTATE, "", first=lambda: running[0].send_signal(sent)))
    process = start(account.shell, "keys rotate ci --plain --grace 0 --yes", running)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 7, err
    assert "stopping once this step is done" in err
    assert "was handed over; the old one was not ended" in err
    assert works(account, out.strip())
    assert works(account, old)


def test_a_created_key_is_handed_over_before_ctrl_c_is_obeyed(
    faulty: Faulty, running: list[subprocess.Popen[str]]
) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, "", first=lambda: running[0].send_signal(signal.SIGINT)))
    process = start(account.shell, "keys create ci --plain", running)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert works(account, out.strip())
    assert account.shell("keys recover --json").json == []


def test_a_second_ctrl_c_is_told_what_is_at_stake_and_a_third_is_obeyed(
    faulty: Faulty, running: list[subprocess.Popen[str]]
) -> None:
    account, spoilt = faulty
    make(account.shell)

    told, ended = bytearray(), threading.Event()

    def until(words: bytes) -> None:
        """Press Ctrl-C until these words are there: one that comes while another is answered goes unheard."""
        assert running[0].stderr is not None
        pipe = running[0].stderr.fileno()
        while words not in told:
            running[0].send_signal(signal.SIGINT)
            while words not in told and select.select([pipe], [], [], 2)[0]:
                told.extend(os.read(pipe, 4096))

    def three_times() -> None:
        until(b"stopping once this step is done")
        until(b"in nobody's hands. Once more stops all the same")
        running[0].send_signal(signal.SIGINT)
        ended.set()

    spoilt.faults.append(Fault(ROTATE, "", first=three_times))
    process = start(account.shell, "keys rotate ci --plain", running)
    assert ended.wait(60)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (7, "")
    assert "may have a new secret" in err
    assert len(is_open(account.shell)) == 1


@pytest.mark.parametrize("call", [ROTATE, "GET .*/current", EXPIRE])
def test_a_killed_rotation_is_finished(
    faulty: Faulty, running: list[subprocess.Popen[str]], call: str
) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)

    def killed() -> None:
        os.kill(running[0].pid, signal.SIGKILL)
        running[0].wait()

    at = Fault(call, "", first=killed)
    if call == "GET .*/current":  # the second one: the proof
        spoilt.faults.append(Fault(ROTATE, "", first=lambda: spoilt.faults.append(at)))
    else:
        spoilt.faults.append(at)
    start(shell, "keys rotate ci --to file:new --grace 0 --yes", running).communicate(timeout=30)
    assert len(is_open(shell)) == 1
    shell("keys recover --yes")
    assert works(account, (shell.home / "new").read_text().strip(), days=8)
    assert not works(account, old)
    assert shell("keys recover --json").json == []


def test_two_rotations_at_once_on_one_machine(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    busy: list[str] = []

    def another() -> None:
        busy.append(shell("keys rotate ci --plain", code=5).err)
        assert shell("keys recover --json").json == [], "what is being worked on is not open"

    spoilt.faults.append(Fault(ROTATE, "", first=another))
    assert works(account, shell("keys rotate ci --plain").out.strip())
    assert "Busy: another astalty" in busy[0]


# -- stdout --------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["keys create ci --plain", "keys rotate ci --plain"])
def test_a_full_stdout_loses_no_secret(faulty: Faulty, line: str) -> None:
    account, _ = faulty
    shell = account.shell
    if "rotate" in line:
        old = make(shell)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [ASTALTY, *line.split()],
            env=shell.environ, cwd=shell.home, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            start_new_session=True,
        )  # fmt: skip
    assert done.returncode == 7
    assert "could not be handed over. plain: No space left on device." in done.stderr
    if "rotate" in line:
        assert works(account, old)
    shell("keys recover --yes --to file:new")
    assert works(account, (shell.home / "new").read_text().strip(), days=8)


def test_with_a_terminal_left_a_secret_that_no_sink_took_is_shown_on_it(faulty: Faulty) -> None:
    account, _ = faulty
    terminal = Terminal(account.shell, "keys create ci --to exec:false", columns=120)
    shown = terminal.ends(7)
    assert "No sink took the new secret, so it was shown on the terminal." in shown
    secret = next(line.strip() for line in shown.splitlines() if line.strip().startswith("astalty_"))
    assert works(account, secret)
