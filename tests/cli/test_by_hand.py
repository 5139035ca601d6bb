"""Keys by hand, in scripts: created and deleted on the web page, verified and delivered here."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import Shell
from tests.support.web_app import RealAccount, real_account, web_app

NOTHING_CHANGED = "Nothing was changed here."
STILL_ON_THE_PAGE = "still exists in the web app. Delete it there"


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def test_a_key_is_created_and_delivered(real: RealAccount) -> None:
    secret = real.page.create("ci")
    done = real.shell("keys create ci --with-token --access read-only --to dotenv:.env#KEY", stdin=secret)
    assert done.out == ""
    assert "Verified: the service accepts the new key" in done.err
    assert "Verified: it belongs to the same account." in done.err
    assert (real.shell.home / ".env").read_text() == f"KEY='{secret}'\n"
    row = real.key("ci")
    assert (row["status"], row["access"], row["last_four"]) == ("active", "read_only", secret[-4:])
    assert row["page_name"] == "ci"
    assert row["id"].startswith("local-")
    assert not real.open


def test_a_key_is_created_without_a_destination(real: RealAccount) -> None:
    secret = real.page.create("ci")
    row = real.shell("keys create ci --with-token --json", stdin=secret).json
    assert row["id"].startswith("local-")
    assert "secret" not in row
    assert row["last_four"] == secret[-4:]
    assert not real.open


def test_a_first_key_is_created_before_anybody_has_signed_in(shell: Shell, tmp_path: Path) -> None:
    with web_app(tmp_path) as page:
        line = f"keys create ci --with-token --to file:key --base-url {page.base_url}"
        secret = page.create("ci")
        shell(line, stdin=secret)
        assert (shell.home / "key").read_text().strip() == secret


@pytest.mark.parametrize("flag", ["--with-token", "--by-hand"])
def test_a_flag_chooses_the_way_by_hand(real: RealAccount, flag: str) -> None:
    code = 0 if flag == "--with-token" else 2
    real.shell(f"keys create ci {flag} --to file:key", stdin=real.page.create("ci"), code=code)


def test_without_a_terminal_or_a_token_it_says_what_to_do(real: RealAccount) -> None:
    told = real.shell("keys create ci", code=2).err
    assert "Settings → Developers → API Dashboard → Manage Keys" in told
    assert "--with-token" in told
    assert not real.open


@pytest.mark.parametrize("line", ["keys create ci", "keys rotate default"])
def test_a_pasted_secret_is_never_shown_again(real: RealAccount, line: str) -> None:
    secret = real.page.create("ci")
    told = real.shell(f"{line} --with-token --plain", stdin=secret, code=2).err
    assert "never shown" in told
    assert not real.open


def test_a_name_in_use_is_refused_before_anything_is_asked_for(real: RealAccount) -> None:
    assert "already has a key named 'default'" in real.shell("keys create default --with-token", code=5).err
    assert not real.open


# -- what was pasted -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around", ["{}\n", "  {}  ", '"{}"', "'{}'", "Bearer {}", '"Bearer {}"', "\ufeff{}\r\n", "Bearer '{}'"]
)
def test_what_stands_around_a_pasted_secret_is_left_out(real: RealAccount, around: str) -> None:
    secret = real.page.create("ci")
    real.shell("keys create ci --with-token --to file:key", stdin=around.format(secret))
    assert (real.shell.home / "key").read_text().strip() == secret


@pytest.mark.parametrize("line", ["keys create ci", "keys rotate default"])
def test_a_truncated_secret_is_refused(real: RealAccount, line: str) -> None:
    secret = real.page.create("ci")
    told = real.shell(f"{line} --with-token --to file:key", stdin=secret[:-3], code=4).err
    assert "does not accept this key (401)" in told
    assert NOTHING_CHANGED in told
    assert STILL_ON_THE_PAGE in told
    assert not (real.shell.home / "key").exists()
    assert not real.open
    assert not real.slots
    assert real.stored() == real.secret


def test_the_old_secret_is_refused(real: RealAccount) -> None:
    told = real.shell("keys rotate default --with-token", stdin=real.secret, code=5).err
    assert "This is the old secret." in told
    assert not real.open


def test_the_old_secret_without_its_number_is_refused_too(real: RealAccount) -> None:
    part = real.secret.partition("|")[2]
    assert "This is the old secret." in real.shell("keys rotate default --with-token", stdin=part, code=5).err


def test_another_profiles_secret_is_refused(real: RealAccount) -> None:
    other = real.page.create("other")
    real.shell(
        f"auth login -p other --with-token --storage file --base-url {real.page.base_url}", stdin=other
    )
    told = real.shell("keys rotate default -p default --with-token", stdin=other, code=5).err
    assert "This is the secret of profile 'other'." in told
    assert not real.open


@pytest.mark.parametrize("line", ["keys create ci --to file:key", "keys rotate default"])
def test_another_accounts_secret_is_refused_unless_it_is_allowed(
    real: RealAccount, tmp_path: Path, line: str
) -> None:
    with web_app(tmp_path / "other") as other:
        other.change_participants()
        real.firewall.others.append(other)
        secret = other.create("theirs")
        told = real.shell(f"{line} --with-token", stdin=secret, code=5).err
        assert "This key belongs to another account." in told
        assert NOTHING_CHANGED in told
        assert not real.open
        assert real.stored() == real.secret
        done = real.shell(f"{line} --with-token --allow-other-account", stdin=secret)
        assert "another account (allowed by --allow-other-account)" in done.err


def test_an_account_without_participants_is_not_compared(real: RealAccount) -> None:
    real.page.clear_participants()
    done = real.shell("keys create ci --with-token --to file:key", stdin=real.page.create("ci"))
    assert "Not compared with the account" in done.err


@pytest.mark.parametrize(
    "answer",
    [
        ("403 Forbidden", b'{"message": "no"}'),
        ("403 Forbidden", b"<html>"),
        ("429 Too Many Requests", b'{"message": "Too Many Attempts."}'),
        ("200 OK", b"<html>a portal"),
        ("302 Found", b""),
        ("503 Service Unavailable", b""),
        ("401 Unauthorized", b"<html>"),
        ("404 Not Found", b'{"message": "no"}'),
    ],
)
def test_what_a_firewall_answers_decides_nothing(real: RealAccount, answer: tuple[str, bytes]) -> None:
    secret = real.page.create("ci")
    real.firewall.answers = [answer]
    told = real.shell("keys create ci --with-token --to file:key --timeout 3", stdin=secret, code=7).err
    assert "This says nothing about the key." in told
    assert "does not accept" not in told
    assert not (real.shell.home / "key").exists()
    real.firewall.answers = []
    (entry,) = real.open
    assert (entry["phase"], entry["way"]) == ("awaiting_secret", "by_hand")
    real.shell(f"keys recover {entry['id'][:8]} --with-token", stdin=secret)
    assert (real.shell.home / "key").read_text().strip() == secret
    assert real.key("ci")["status"] == "active"
    assert not real.open


def test_a_read_that_lags_refuses_no_new_key(real: RealAccount) -> None:
    secret = real.page.create("ci")
    real.firewall.answers = [None, ("401 Unauthorized", b'{"message": "Unauthenticated."}'), None]
    real.shell("keys create ci --with-token --to file:key", stdin=secret)
    assert (real.shell.home / "key").exists()


# -- rotate ------------------------------------------------------------------------------------------


def test_a_rotation_switches_the_profile_and_waits_for_the_deletion(real: RealAccount) -> None:
    secret = real.page.create("default 2")
    done = real.shell("keys rotate default --with-token", stdin=secret)
    assert done.out == ""
    assert "Profile 'default' now uses the new secret." in done.err
    assert real.stored() == secret
    assert real.page.accepts(real.secret)
    (entry,) = real.open
    assert entry["phase"] == "awaiting_deletion"
    assert secret not in str(entry)
    assert real.secret not in str(entry)
    (slot,) = real.slots
    assert slot.stat().st_mode & 0o777 == 0o600
    assert slot.parent.stat().st_mode & 0o777 == 0o700
    assert real.secret in slot.read_text()
    row = real.key("default")
    assert (row["status"], row["last_four"]) == ("expiring", secret[-4:])
    assert row["previous_expires_at"] is not None
    assert re.fullmatch(r"default \d{4}-\d\d-\d\d", row["page_name"])
    assert "Delete        the older key" in done.err  # nobody knows what it is called there


def test_a_rotation_is_finished_once_the_old_key_is_deleted(real: RealAccount) -> None:
    secret = real.page.create("default 2")
    real.shell("keys rotate default --with-token", stdin=secret)
    assert real.shell("keys recover", code=0).out  # nothing is due
    real.page.delete(real.secret)
    told = real.shell("keys recover --yes").err
    assert "Verified: the old key of 'default'" in told
    assert not real.open
    assert not real.slots
    assert (real.key("default")["status"], real.key("default")["previous_expires_at"]) == ("active", None)


def test_grace_zero_without_a_terminal_looks_once(real: RealAccount) -> None:
    secret = real.page.create("default 2")
    told = real.shell("keys rotate default --with-token --grace 0 --yes", stdin=secret, code=7).err
    assert "The old key" in told
    assert "still accepts" in told
    assert real.shell("keys recover", code=7).out
    assert "still accepts" in real.shell("keys recover --yes", code=7).err
    real.page.delete(real.secret)
    real.shell("keys recover --yes")
    assert not real.open


def test_grace_zero_asks_first(real: RealAccount) -> None:
    secret = real.page.create("default 2")
    assert "--yes" in real.shell("keys rotate default --with-token --grace 0", stdin=secret, code=2).err
    assert not real.open


def test_the_new_key_deleted_in_place_of_the_old_one_is_said_and_undone(real: RealAccount) -> None:
    secret = real.page.create("default 2")
    real.shell("keys rotate default --with-token --to dotenv:.env#KEY", stdin=secret)
    real.page.delete(secret)
    told = real.shell("keys recover --yes").err
    assert f"The wrong key was deleted: the service rejects the new key (ends in {secret[-4:]})" in told
    assert f"accepts the old one (ends in {real.secret[-4:]})" in told
    assert real.stored() == real.secret
    assert real.secret in (real.shell.home / ".env").read_text()
    assert real.key("default")["last_four"] == real.secret[-4:]
    assert not real.open
    assert not real.slots


def test_a_401_alone_is_no_deletion(real: RealAccount) -> None:
    real.shell("keys rotate default --with-token --grace 0 --yes", stdin=real.page.create("2"), code=7)
    unauthorized = ("401 Unauthorized", b'{"message": "Unauthenticated."}')
    real.firewall.answers = [unauthorized, None, None]
    assert "still accepts" in real.shell("keys recover --yes", code=7).err
    assert real.open


@pytest.mark.parametrize(
    "answer",
    [
        ("401 Unauthorized", b"<html>"),
        ("403 Forbidden", b"{}"),
        ("404 Not Found", b"<html>"),
        ("302 Found", b""),
    ],
)
def test_a_firewall_verifies_no_deletion(real: RealAccount, answer: tuple[str, bytes]) -> None:
    real.shell("keys rotate default --with-token --grace 0 --yes", stdin=real.page.create("2"), code=7)
    real.page.delete(real.secret)
    real.firewall.answers = [answer]
    assert "This says nothing about the key." in real.shell("keys recover --yes --timeout 3", code=7).err
    real.firewall.answers = []
    real.shell("keys recover --yes")
    assert not real.open


def test_an_old_key_that_is_gone_already_needs_no_deletion(real: RealAccount) -> None:
    real.page.delete(real.secret)
    secret = real.page.create("default 2")
    told = real.shell("keys rotate default --with-token", stdin=secret).err
    assert "is already deleted: only a new one is needed" in told
    assert real.stored() == secret
    assert not real.open
    assert not real.slots


def test_a_key_that_only_a_destination_holds_is_rotated_there(real: RealAccount) -> None:
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys create ci --with-token --to dotenv:.env#KEY", stdin=old)
    real.shell("keys rotate ci --with-token --to dotenv:.env#KEY", stdin=new)
    assert (real.shell.home / ".env").read_text() == f"KEY='{new}'\n"
    assert real.slots
    real.page.delete(old)
    real.shell("keys recover --yes")
    assert not real.slots


def test_a_key_of_the_environment_has_no_slot_and_is_asked_for_again(real: RealAccount) -> None:
    old, new = real.page.create("ci"), real.page.create("ci 2")
    env = {"ASTALTY_API_KEY": old, "ASTALTY_BASE_URL": real.page.base_url}
    real.shell("keys add ci --with-token", stdin=old)
    told = real.shell("keys rotate ci --with-token --to file:key", stdin=new, env=env).err
    assert "ASTALTY_API_KEY still holds the old secret: set it again." in told
    assert not real.slots
    real.page.delete(old)
    (entry,) = real.open
    assert "its secret is not on this machine" in real.shell("keys recover --yes").err  # it is not due yet
    real.shell(f"keys recover {entry['id'][:8]} --with-token", stdin=old)
    assert not real.open


def test_a_key_that_is_nowhere_is_the_second_line_of_stdin(real: RealAccount) -> None:
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys add ci --with-token", stdin=old)
    told = real.shell("keys rotate ci --with-token --to file:key", stdin=new, code=2).err
    assert "second line" in told
    assert not real.open
    real.shell("keys rotate ci --with-token --to file:key", stdin=f"{new}\n{old}\n")
    real.page.delete(old)
    real.shell("keys recover --yes")
    assert not real.open


def test_without_the_new_secret_no_deletion_is_verified(real: RealAccount) -> None:
    """It went to a program: two 401s could be of the wrong key as well as of the right one."""
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys create ci --with-token --to dotenv:.env#KEY", stdin=old)
    line = "keys rotate ci --with-token --grace 0 --yes --to 'exec:tee given'"
    real.shell(line, stdin=f"{new}\n{old}", code=7)
    (real.shell.home / "given").unlink()
    real.page.delete(old)
    told = real.shell("keys recover --yes", code=7).err
    assert "without it, nothing can tell which key was deleted" in told
    (entry,) = real.open
    real.shell(f"keys recover {entry['id'][:8]} --with-token", stdin=new)
    assert not real.open


def test_a_rotation_needs_somewhere_to_put_the_new_secret(real: RealAccount) -> None:
    old = real.page.create("ci")
    real.shell("keys add ci --with-token", stdin=old)
    new = real.page.create("ci 2")
    told = real.shell("keys rotate ci --with-token", stdin=f"{new}\n{old}", code=2).err
    assert "The new secret has nowhere to go." in told
    assert not real.open


def test_a_recorded_destination_that_was_not_given_is_named(real: RealAccount) -> None:
    real.shell("keys create ci --with-token --to dotenv:.env#KEY", stdin=real.page.create("ci"))
    new = real.page.create("ci 2")
    told = real.shell("keys rotate ci --with-token --to file:other", stdin=new).err
    assert f"dotenv:{real.shell.home}/.env#KEY, which the record lists too" in told


def test_a_destination_that_fails_is_finished_by_recover(real: RealAccount) -> None:
    secret = real.page.create("ci")
    real.shell("keys create ci --with-token --to file:key --to 'exec:false'", stdin=secret, code=7)
    (entry,) = real.open
    assert entry["phase"] == "delivering"
    real.shell(f"keys recover {entry['id'][:8]} --yes --to file:second")
    assert (real.shell.home / "second").read_text().strip() == secret
    assert not real.open


def test_a_second_rotation_may_begin_before_the_first_old_key_is_deleted(real: RealAccount) -> None:
    second, third = real.page.create("2"), real.page.create("3")
    real.shell("keys rotate default --with-token", stdin=second)
    real.shell("keys rotate default --with-token", stdin=third)
    assert len(real.open) == 2
    assert re.fullmatch(r"default \d{4}-\d\d-\d\d \(2\)", real.key("default")["page_name"])
    real.page.delete(second)
    real.shell("keys recover --yes")
    (left,) = real.open
    assert left["last_fours"][0] == real.secret[-4:]
    assert real.key("default")["status"] == "expiring"
    real.page.delete(real.secret)
    real.shell("keys recover --yes")
    assert not real.open
    assert real.key("default")["status"] == "active"


def test_if_older_than_goes_by_the_record(real: RealAccount) -> None:
    real.shell("keys create ci --with-token --to file:key", stdin=real.page.create("ci"))
    line = "keys rotate ci --with-token --to file:key --force --if-older-than"
    assert "0 days old: nothing was done" in real.shell(f"{line} 80d", stdin=real.page.create("2")).err
    assert (
        "does not say how old" in real.shell("keys rotate default --by-hand --if-older-than 80d", code=2).err
    )


def test_a_key_that_was_replaced_meanwhile_is_left_alone(real: RealAccount) -> None:
    """Between looking for the old secret and the journal, another process rotates the key."""
    second, third = real.page.create("2"), real.page.create("3")
    looked: list[str] = []

    def rotate_meanwhile(secret: str) -> None:
        if secret == real.secret and not looked:
            looked.append(secret)
            real.shell("keys rotate default --with-token", stdin=second)

    real.firewall.before = rotate_meanwhile
    told = real.shell("keys rotate default --with-token", stdin=third, code=5).err
    assert "Someone else changed 'default'" in told
    assert real.stored() == second
    assert len(real.open) == 1


def test_a_profile_that_cannot_be_read_now_keeps_the_rotation_open(real: RealAccount) -> None:
    """Nobody is told to delete the key that a profile still uses."""
    secret = real.page.create("default 2")
    stored = real.shell.config / "keys" / "default.json"

    def open_to_others(used: str) -> None:
        if used == secret:
            stored.chmod(0o644)

    real.firewall.before = open_to_others
    told = real.shell(
        "keys rotate default --with-token --to file:key --grace 0 --yes", stdin=secret, code=7
    ).err
    assert "can be read or written by others" in told
    assert "Delete  " not in told
    real.firewall.before = lambda _: None
    stored.chmod(0o600)
    real.shell("keys recover --yes", code=7)  # the old key is to be deleted now
    assert real.stored() == secret
    real.page.delete(real.secret)
    real.shell("keys recover --yes")
    assert not real.open


def test_a_creation_that_waits_for_its_key_keeps_its_name(real: RealAccount) -> None:
    secret = real.page.create("ci")
    real.firewall.answers = [("503 Service Unavailable", b"")]
    real.shell("keys create ci --with-token --to file:key --timeout 2", stdin=secret, code=7)
    real.firewall.answers = []
    told = real.shell("keys create ci --with-token --to file:key", stdin=secret, code=7).err
    assert "The creation of 'ci' is open" in told
    assert len(real.open) == 1


def test_what_finishes_it_names_the_record_too(real: RealAccount) -> None:
    (real.shell.home / "team").mkdir()
    line = "--record team/keys.toml --with-token"
    real.shell(f"keys create ci {line} --to file:key", stdin=real.page.create("ci"))
    new = real.page.create("ci 2")
    told = real.shell(f"keys rotate ci {line} --to file:key --force", stdin=new).err
    assert f"astalty keys recover --record {real.shell.home}/team/keys.toml" in told


def test_on_the_sandbox_it_can_be_practised(shell: Shell) -> None:
    shell.environ["ASTALTY_PROFILE"] = "sandbox"
    first = shell("keys create practice --plain").out.strip()
    shell("keys add here --with-token", stdin=first, code=5)  # `create` has put it there
    second = shell("keys create practice-2 --plain").out.strip()
    shell("keys rotate practice --with-token --to file:key", stdin=f"{second}\n{first}")
    assert (shell.home / "key").read_text().strip() == second
    shell("keys revoke practice --yes")  # as the page would delete it
    assert "Verified: the old key of" in shell("keys recover --yes").err
    assert shell("keys recover").out == ""


# -- revoke --------------------------------------------------------------------------------------------


def test_a_key_is_revoked_once_the_service_rejects_it(real: RealAccount) -> None:
    secret = real.page.create("ci")
    real.shell("keys create ci --with-token --to file:key", stdin=secret)
    told = real.shell("keys revoke ci --yes", code=7).err
    assert "Delete        ci" in told
    assert "still accepts" in told
    real.page.delete(secret)
    real.shell("keys recover --yes")
    row = real.key("ci")
    assert (row["status"], row["ended_by"]) == ("revoked", "rejected")
    assert not real.slots


def test_a_key_that_is_deleted_already_is_only_noted(real: RealAccount) -> None:
    secret = real.page.create("ci")
    real.shell("keys create ci --with-token --to file:key", stdin=secret)
    real.page.delete(secret)
    assert "already deleted" in real.shell("keys revoke ci --yes").err
    assert real.key("ci")["status"] == "revoked"


def test_the_guards_hold_by_hand(real: RealAccount) -> None:
    assert "--allow-last" in real.shell("keys revoke default --yes", code=5).err
    real.shell("keys create ci --with-token --to file:key", stdin=real.page.create("ci"))
    assert "profile 'default'" in real.shell("keys revoke default --yes", code=5).err
    assert "--if-idle cannot be checked" in real.shell("keys revoke ci --yes --if-idle 1d", code=2).err
    assert not real.open


def test_a_key_whose_secret_nobody_has_is_closed_on_a_persons_word(real: RealAccount) -> None:
    real.shell("keys add ci --with-token", stdin=real.page.create("ci"))
    told = real.shell("keys revoke ci --yes", code=7).err
    assert "Can't verify" in told
    (entry,) = real.open
    assert "--abandon" in real.shell("keys recover --yes", code=7).err
    real.shell(f"keys recover {entry['id'][:8]} --abandon --yes")
    assert not real.open


def test_a_key_that_the_record_does_not_know_is_named_with_the_page(real: RealAccount) -> None:
    secret = real.page.create("x")
    for line in ("keys rotate nope --with-token --to file:key", "keys revoke nope --yes"):
        told = real.shell(line, stdin=secret, code=3).err
        assert "astalty keys add NAME" in told
        assert "Manage Keys" in told


@pytest.mark.parametrize("line", ["create ci", "rotate default", "revoke default --allow-self --allow-last"])
def test_a_dry_run_changes_nothing(real: RealAccount, line: str) -> None:
    done = real.shell(f"keys {line} --dry-run")
    assert "A dry run: nothing was changed." in done.err
    assert not real.open
