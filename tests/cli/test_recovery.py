"""What stays open, how it is listed, and how `keys recover` finishes it."""

from tests.support.accounts import Account
from tests.support.open_operations import (
    CREATE,
    EXPIRE,
    FOR_GOOD,
    ROTATE,
    Faulty,
    is_open,
    key,
    lost,
    make,
    works,
)
from tests.support.spoilt import Fault


def test_what_is_open_is_listed_and_every_key_command_says_so(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    make(shell)
    spoilt.faults.append(Fault(ROTATE, times=FOR_GOOD))
    unanswered = shell("keys rotate ci --plain", code=7)
    assert "may have a new secret" in unanswered.err
    assert "The old one was not ended." in unanswered.err
    assert unanswered.err.splitlines()[-1] == "Finish it: astalty keys recover"
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
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
    refused = account.shell("keys rotate ci --plain", code=7)
    assert "An earlier operation on 'ci'" in refused.err
    assert key(account.shell)["rotation"] == 1


def test_a_rotation_that_went_nowhere_stays_open_until_a_place_is_named(faulty: Faulty) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)
    lost(account, spoilt, "keys rotate ci --plain --grace 1h", ROTATE)
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
    lost(account, spoilt, "keys create ci --plain", CREATE)
    assert "whose secret nobody had" in account.shell("keys recover --yes").err
    assert "ci" not in [row[1] for row in account.shell("keys list").rows]


def test_a_created_key_that_nobody_has_is_given_a_secret_where_a_place_is_named(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --plain", CREATE)
    account.shell("keys recover --yes --to dotenv:.env#KEY")
    name, _, value = (account.shell.home / ".env").read_text().strip().partition("=")
    assert name == "KEY"
    assert works(account, value)


def test_a_creation_that_never_happened_is_closed_without_one(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --plain", CREATE, acts=False)
    make(account.shell)
    assert "never created" in account.shell("keys recover --yes").err
    assert works(account, account.shell("keys rotate ci --plain").out.strip())


def test_a_creation_that_never_happened_into_a_file_whose_name_is_taken_since(faulty: Faulty) -> None:
    account, spoilt = faulty
    lost(account, spoilt, "keys create ci --to file:new", CREATE, acts=False)
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


def test_a_secret_that_is_not_verified_ends_nothing(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault("POST .*", "", first=lambda: spoilt.faults.append(no_proof)))
    no_proof = Fault("GET .*/current", "500 No", acts=False, times=FOR_GOOD)
    told = account.shell("keys rotate ci --to file:new --grace 0 --yes", code=7)
    assert "the old one was not set to expire" in told.err
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
    assert "was saved all the same" in told.err
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
    assert all(f"astalty keys recover --yes --to DESTINATION {each}" in refused.err for each in ids)
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
    assert "Only a person can tell." in asked.err
    assert key(shell)["rotation"] == 1
    shell("keys recover --yes --to 'exec:tee taken'")
    assert works(account, (shell.home / "taken").read_text())


def test_a_rotated_key_is_never_revoked_by_recover(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    lost(account, spoilt, "keys rotate ci --plain", ROTATE)
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
    assert "Only a person can tell whether anyone has its secret." in told.err
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
