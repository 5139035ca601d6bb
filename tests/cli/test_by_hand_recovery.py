"""Keys by hand, interrupted: what `recover` says and does, and what it never asks for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import Shell
from tests.support.terminal import Terminal
from tests.support.web_app import RealAccount, real_account

NO_ANSWER = ("503 Service Unavailable", b"<h1>Down</h1>")


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def from_the_environment(real: RealAccount) -> tuple[str, str]:
    """A rotation of a key of the environment, whose new secret a program has, before it was verified."""
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys add ci --with-token --page-name ci", stdin=old)
    real.shell.environ["ASTALTY_API_KEY"] = old
    seen: list[str] = []

    def later(secret: str) -> None:
        seen.append(secret)
        if seen.count(new) == 3:  # accepted, of the same account, and now verified after the delivery
            real.firewall.answers[:] = [NO_ANSWER]

    real.firewall.before = later
    take = f"exec:sh -c 'cat > {real.shell.home}/taken'"
    real.shell(f'keys rotate ci --with-token --grace 0 --yes --to "{take}"', stdin=new, code=7)
    real.firewall.before = lambda _: None
    real.firewall.answers.clear()
    assert (real.shell.home / "taken").read_text().strip() == new
    return old, new


def as_it_was(real: RealAccount, **fields: object) -> None:
    """Change the one open entry to what a process that died earlier would have left."""
    (path,) = (real.shell.home / ".config" / "astalty" / "journal").glob("*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_refused_paste_leaves_open_what_a_destination_has(real: RealAccount) -> None:
    old, new = from_the_environment(real)
    told = real.shell("keys recover --with-token --yes", stdin=old, code=7).err
    assert "This is the old secret." in told
    assert f"the one that ends in {new[-4:]}" in told
    assert "Delete it there" not in told
    assert [entry["last_fours"] for entry in real.open] == [[old[-4:], new[-4:]]]
    real.shell("keys recover --with-token --yes", stdin=new, code=7)
    assert [entry["phase"] for entry in real.open] == ["awaiting_deletion"]


def test_another_key_in_place_of_a_lost_one_names_the_lost_one(real: RealAccount) -> None:
    _, lost = from_the_environment(real)
    told = real.shell("keys recover --with-token --yes", stdin=real.page.create("ci 3"), code=7).err
    assert f"The key that ends in {lost[-4:]} is no longer needed." in told


def test_what_is_due_at_once_is_checked_at_once(real: RealAccount) -> None:
    """The process died between verifying the new secret, which a program has, and noting the due date."""
    old, new = from_the_environment(real)
    real.shell("keys recover --with-token --yes", stdin=new, code=7)
    as_it_was(real, phase="proved", due_at=None)
    told = real.shell("keys recover --yes", code=7).err
    assert f"The service still accepts the key that ends in {old[-4:]}." in told


def test_the_slot_is_removed_if_the_old_key_is_gone_meanwhile(real: RealAccount) -> None:
    """The process died between writing the slot and noting that the key was pasted."""
    new = real.page.create("default 2")
    real.shell("keys rotate default --with-token", stdin=new)
    profile = real.shell.home / ".config" / "astalty" / "keys" / "default.json"
    profile.write_text(json.dumps(json.loads(profile.read_text()) | {"secret": real.secret}))
    as_it_was(real, phase="awaiting_secret", due_at=None, last_fours=[real.secret[-4:]])
    assert real.slots
    real.page.delete(real.secret)
    real.shell("keys recover --with-token --yes", stdin=new)
    assert not real.open
    assert not real.slots


def test_no_deletion_is_asked_for_once_the_new_key_is_deleted(real: RealAccount) -> None:
    new = real.page.create("default 2")
    real.shell("keys rotate default --with-token --grace 0 --yes", stdin=new, code=7)
    real.page.delete(new)
    terminal = Terminal(real.shell, "keys recover", hurried=True)
    terminal.expect("[y/N]")
    assert "Delete" not in terminal.shown
    terminal.type("y")
    terminal.ends()
    assert real.stored() == real.secret
    assert not real.open
    assert not real.slots


def test_without_a_terminal_recover_names_the_key_to_delete(real: RealAccount) -> None:
    real.shell(
        "keys rotate default --with-token --grace 0 --yes", stdin=real.page.create("default 2"), code=7
    )
    assert "Delete        the older key" in real.shell("keys recover --yes", code=7).err


def test_no_deletion_is_asked_for_while_a_firewall_answers(real: RealAccount) -> None:
    real.shell(
        "keys rotate default --with-token --grace 0 --yes", stdin=real.page.create("default 2"), code=7
    )
    real.firewall.answers[:] = [("403 Forbidden", b"<h1>Blocked</h1>")]
    told = real.shell("keys recover --yes", code=7).err
    assert "This says nothing about the key." in told
    assert "  Delete" not in told


def test_an_entry_that_is_abandoned_leaves_no_slot(real: RealAccount) -> None:
    real.shell("keys rotate default --with-token", stdin=real.page.create("default 2"))
    assert real.slots
    real.shell(f"keys recover {real.open[0]['id']} --abandon --yes")
    assert not real.slots
    row = real.key("default")
    assert (row["status"], row["previous_expires_at"]) == ("active", None)


def test_a_revocation_that_is_abandoned_is_noted_on_the_persons_word(real: RealAccount) -> None:
    real.shell("keys add app --with-token", stdin=real.page.create("app"))
    real.shell("keys revoke app --yes", code=7)
    real.shell(f"keys recover {real.open[0]['id']} --abandon --yes")
    assert real.key("app")["status"] == "revoked"
    assert 'ended_by = "stated"' in (real.shell.config / "keys.toml").read_text()


def test_a_revocation_finds_its_secret_where_the_record_says(real: RealAccount) -> None:
    """The process died before it had a copy of the secret."""
    secret = real.page.create("ci")
    real.shell("keys create ci --with-token --to dotenv:.env#KEY", stdin=secret)
    real.shell("keys revoke ci --yes", code=7)
    for slot in real.slots:
        slot.unlink()
    real.page.delete(secret)
    assert "Verified: the key 'ci'" in real.shell("keys recover --yes").err


def test_both_keys_deleted_is_no_verified_deletion(real: RealAccount) -> None:
    """Another key that works says nothing of the one that replaced the old key."""
    login = f"auth login -p other --with-token --storage file --base-url {real.page.base_url}"
    real.shell(login, stdin=real.page.create("other"))
    new = real.page.create("default 2")
    real.shell("keys rotate default --with-token --grace 0 --yes", stdin=new, code=7)
    real.page.delete(real.secret)
    real.page.delete(new)
    assert "both were deleted" in real.shell("keys recover --yes", code=7).err
    assert real.open


def test_no_deletion_is_asked_for_while_the_new_secret_cannot_be_read(real: RealAccount) -> None:
    """It may be the one that was deleted."""
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys create ci --with-token --to dotenv:.env#KEY", stdin=old)
    real.shell("keys rotate ci --with-token --grace 0 --yes --to dotenv:.env#KEY", stdin=new, code=7)
    file = real.shell.home / ".env"
    file.rename(real.shell.home / "elsewhere")
    file.mkdir()
    told = real.shell("keys recover --yes", code=7).err
    assert ".env" in told
    assert "Delete" not in told


@pytest.mark.parametrize(("paste", "code"), [("nothing like a key", 2), ("0" * 48, 4), ("old", 5)])
def test_a_paste_that_recover_refuses_is_no_open_operation(real: RealAccount, paste: str, code: int) -> None:
    real.shell("keys create first --with-token --to dotenv:.env#KEY", stdin=real.page.create("first"))
    real.firewall.answers[:] = [None, ("403 Forbidden", b"<h1>Blocked</h1>")]
    real.shell("keys rotate default --with-token", stdin=real.page.create("default 2"), code=7)
    real.firewall.answers.clear()
    assert [entry["phase"] for entry in real.open] == ["awaiting_secret"]
    given = real.secret if paste == "old" else paste
    told = real.shell("keys recover --with-token --yes", stdin=given, code=code).err
    assert "still exists in the web app" in told
    assert not real.open


def test_one_401_in_the_wait_is_no_deletion(real: RealAccount) -> None:
    real.shell(
        "keys rotate default --with-token --grace 0 --yes", stdin=real.page.create("default 2"), code=7
    )
    lies: list[tuple[str, bytes]] = []

    def before(secret: str) -> None:
        if secret == real.secret and lies:
            real.firewall.answers[:] = [lies.pop(), None]

    real.firewall.before = before
    terminal = Terminal(real.shell, "keys recover", hurried=True)
    terminal.expect("The old key still works.")
    lies.append(("401 Unauthorized", b'{"message": "Unauthenticated."}'))
    terminal.expect("The old key is rejected. Checking once more")
    terminal.expect("The old key still works.")
    terminal.interrupt()
    terminal.ends(7)
    assert real.open
    assert real.slots


def test_a_slot_is_for_its_owner_alone(real: RealAccount) -> None:
    real.shell("keys rotate default --with-token", stdin=real.page.create("default 2"))
    (slot,) = real.slots
    assert slot.stat().st_mode & 0o777 == 0o600
    assert slot.parent.stat().st_mode & 0o777 == 0o700


def test_the_old_secret_is_put_back_wherever_the_new_one_was_found(real: RealAccount) -> None:
    """The process died between delivering and noting it."""
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys create ci --with-token --to dotenv:.env#KEY", stdin=old)
    real.shell("keys rotate ci --with-token --grace 0 --yes --to dotenv:.env#KEY", stdin=new, code=7)
    as_it_was(real, phase="delivering", delivered=[], due_at=None)
    real.shell("keys recover --yes", code=7)
    real.page.delete(new)
    assert "is in use again" in real.shell("keys recover --yes").err
    assert old in (real.shell.home / ".env").read_text()


def test_a_slot_that_holds_another_secret_verifies_nothing(real: RealAccount) -> None:
    real.shell(
        "keys rotate default --with-token --grace 0 --yes", stdin=real.page.create("default 2"), code=7
    )
    (slot,) = real.slots
    slot.write_text(json.dumps(json.loads(slot.read_text()) | {"secret": "0" * 48}))
    assert "its secret is not on this machine" in real.shell("keys recover --yes", code=7).err


def test_putting_the_old_secret_back_goes_on_where_it_stopped(real: RealAccount) -> None:
    """The process died when the file had the old secret again, and the profile had not."""
    new = real.page.create("default 2")
    real.shell("keys rotate default --with-token --to file:key --grace 0 --yes", stdin=new, code=7)
    real.page.delete(new)
    as_it_was(real, going_back=True)
    (real.shell.home / "key").write_text(f"{real.secret}\n")
    told = real.shell("keys recover --yes").err
    assert "Delete  " not in told
    assert "is in use again" in told
    assert real.stored() == real.secret
    assert not real.open
    assert not real.slots


def test_a_403_alone_asks_for_no_deletion(real: RealAccount) -> None:
    """A firewall's answer in place of the 401 that the new key, deleted by mistake, would get."""
    new = real.page.create("default 2")
    real.shell("keys rotate default --with-token --grace 0 --yes", stdin=new, code=7)
    real.page.delete(new)
    real.firewall.answers = [None, ("403 Forbidden", b'{"message": "no"}'), None]
    told = real.shell("keys recover --yes").err
    assert "Delete  " not in told
    assert "The wrong key was deleted" in told
    assert real.stored() == real.secret


def test_recover_writes_to_the_destinations_of_the_rotation_alone(real: RealAccount) -> None:
    """The record names another file of the key, which the rotation was not asked to write."""
    old, new = real.page.create("ci"), real.page.create("ci 2")
    real.shell("keys create ci --with-token --to dotenv:recorded.env#KEY", stdin=old)
    real.firewall.answers[:] = [None, NO_ANSWER]
    real.shell("keys rotate ci --with-token --to dotenv:chosen.env#KEY", stdin=new, code=7)
    real.firewall.answers.clear()
    told = real.shell("keys recover --with-token --yes", stdin=new).err
    assert new in (real.shell.home / "chosen.env").read_text()
    assert old in (real.shell.home / "recorded.env").read_text()
    assert "recorded.env#KEY, which the record lists too. Save it there" in told
