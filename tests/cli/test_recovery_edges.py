"""What a hostile reader found: states that a recovery must not mistake for others."""

import pytest

from tests.support.open_operations import (
    CREATE,
    EXPIRE,
    FOR_GOOD,
    ROTATE,
    Faulty,
    elsewhere,
    is_open,
    key,
    lost,
    make,
    works,
)
from tests.support.spoilt import Fault
from tests.support.terminal import Terminal


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


def test_a_secret_that_was_verified_is_not_replaced(faulty: Faulty) -> None:
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
    assert spoilt.faults == []


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


@pytest.mark.parametrize(
    "content", [b"{}", b'{"\xff": 1}', b'{"x": ' + b"[" * 100_000], ids=["no entry", "no text", "deep"]
)
def test_a_damaged_entry_hides_no_other_one(faulty: Faulty, content: bytes) -> None:
    account, spoilt = faulty
    shell = account.shell
    lost(account, spoilt, "keys create ci --plain", CREATE)
    damaged = shell.config / "journal" / "0123.json"
    damaged.write_bytes(content)
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


def test_what_a_killed_process_left_of_a_secret_is_cleared_away(faulty: Faulty) -> None:
    """Killed while it stored the new secret for the profile; then another machine has rotated the key."""
    account, spoilt = faulty
    make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    left = account.shell.config / "keys" / ".default.json.astalty-x1"
    left.write_text("a secret")
    elsewhere(account)
    elsewhere(account)
    assert "Someone else has rotated" in account.shell("keys recover --yes").err
    assert not left.exists()
