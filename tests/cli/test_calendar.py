"""`keys audit --ics FILE`: when keys should be deleted or rotated, as a calendar reads it."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from astalty_cli.base.times import in_utc
from tests.support.accounts import Account
from tests.support.audits import made
from tests.support.shell import Shell
from tests.support.web_app import RealAccount, real_account

HOSTILE = 'a,b;c\\d\n\x1b[31m"x"\r\nEND:VEVENT\r\nBEGIN:VEVENT\u202e' + "é" * 50


@pytest.fixture
def real(shell: Shell, tmp_path: Path) -> Iterator[RealAccount]:
    with real_account(shell, tmp_path / "service") as account:
        yield account


def audited(shell: Shell, flags: str = "") -> list[Any]:
    """The events of the file that the audit writes."""
    shell(f"keys audit --ics keys.ics {flags}")
    data = (shell.home / "keys.ics").read_bytes()
    assert all(line.endswith(b"\r") for line in data.split(b"\n")[:-1])
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    calendar = Calendar.from_ical(data)
    assert (calendar["VERSION"], bool(calendar["PRODID"])) == ("2.0", True)
    assert not calendar.errors
    return list(calendar.walk("VEVENT"))


def titled(events: list[Any], start: str) -> Any:
    (event,) = [event for event in events if event["SUMMARY"].startswith(start)]
    return event


def record(real: RealAccount, **fields: object) -> None:
    """Another key of the record."""
    row = {"name": "x", "origin": real.page.base_url, "id": "local-0123456789ab", **fields}
    lines = [
        f"{name} = {value if name.endswith('_at') else json.dumps(value)}" for name, value in row.items()
    ]
    path = real.shell.config / "keys.toml"
    path.write_text(f"{path.read_text()}\n[[keys]]\n" + "\n".join(lines) + "\n")


def rotated(real: RealAccount) -> dict[str, Any]:
    real.shell("keys rotate default --with-token", stdin=real.page.create("new"))
    (entry,) = real.open
    return entry


def test_an_old_key_is_on_the_day_when_it_should_be_deleted(real: RealAccount) -> None:
    due = in_utc(datetime.fromisoformat(rotated(real)["due_at"])).replace(microsecond=0)
    event = titled(audited(real.shell), "Delete the old key of 'default' on the Astalty web page")
    assert event.decoded("DTSTART") == due
    assert event.decoded("DTSTAMP").tzinfo is not None
    assert "Manage Keys" in event["DESCRIPTION"]
    assert "astalty keys recover" in event["DESCRIPTION"]
    (alarm,) = event.walk("VALARM")
    assert (alarm["ACTION"], alarm.decoded("TRIGGER")) == ("DISPLAY", timedelta())


@pytest.mark.parametrize("flags", ["", "--max-age 30d"])
def test_a_key_is_on_the_day_when_it_is_too_old(real: RealAccount, flags: str) -> None:
    record(real, name="payroll", created_at="2026-03-14T00:00:00Z")
    record(real, name="unknown", id="local-1")
    record(
        real, name="gone", id="local-2", created_at="2026-03-14T00:00:00Z", ended_at="2026-04-14T00:00:00Z"
    )
    (event,) = audited(real.shell, flags)
    assert event["SUMMARY"] == "Rotate the Astalty key 'payroll'"
    days = 30 if flags else 90
    assert event.decoded("DTSTART") == datetime(2026, 3, 14, tzinfo=UTC) + timedelta(days=days)
    (alarm,) = event.walk("VALARM")
    assert alarm.decoded("TRIGGER") == -timedelta(days=7)


def test_the_service_s_own_list_is_in_it(sandbox: Account) -> None:
    made(sandbox, "ci", 10)
    event = titled(audited(sandbox.shell), "Rotate the Astalty key 'ci'")
    assert sandbox.clock.now + timedelta(days=79) < event.decoded("DTSTART")
    assert event.decoded("DTSTART") < sandbox.clock.now + timedelta(days=81)


def test_importing_it_again_updates_what_is_there(real: RealAccount) -> None:
    rotated(real)
    before, after = audited(real.shell), audited(real.shell, "--max-age 30d")
    assert [event["UID"] for event in before] == [event["UID"] for event in after]
    assert len({event["UID"] for event in before}) == len(before) == 2
    assert before[1]["DTSTART"] != after[1]["DTSTART"]


def test_another_machine_names_a_deletion_alike(real: RealAccount) -> None:
    rotated(real)
    here = titled(audited(real.shell), "Delete")
    for path in (real.shell.config / "journal").glob("*.json"):
        path.unlink()
    there = titled(audited(real.shell), "Delete")
    assert (here["UID"], here["DTSTART"]) == (there["UID"], there["DTSTART"])


def test_a_hostile_name_adds_nothing(real: RealAccount) -> None:
    record(real, name=HOSTILE, created_at="2026-03-14T00:00:00Z")
    (event,) = audited(real.shell)
    assert "a,b;c\\" in event["SUMMARY"]
    data = (real.shell.home / "keys.ics").read_text()
    assert not [char for char in data if not char.isprintable() and char not in "\r\n"]
    assert data.count("BEGIN:VEVENT\n") == data.count("END:VEVENT\n") == 1


def test_no_secret_and_no_end_of_an_old_one_is_in_it(real: RealAccount) -> None:
    record(real, name=f"leaked {real.secret}", created_at="2026-03-14T00:00:00Z")
    rotated(real)
    audited(real.shell)
    data = (real.shell.home / "keys.ics").read_text().replace("\n ", "")
    assert real.secret.partition("|")[2][:12] not in data
    assert f"ends in {real.secret[-4:]}" not in data
    assert "[secret]" in data


def test_it_is_written_before_a_finding_fails_the_audit(real: RealAccount) -> None:
    rotated(real)
    real.shell("keys audit --ics keys.ics --fail-on awaiting-deletion", code=8)
    assert (real.shell.home / "keys.ics").exists()


def test_an_end_of_the_calendar_is_no_end_of_the_audit(real: RealAccount) -> None:
    record(real, name="x", created_at="9999-12-31T00:00:00Z")
    assert len(audited(real.shell)) == 1


# -- the file ----------------------------------------------------------------------------------------


def test_only_another_calendar_is_replaced(real: RealAccount) -> None:
    audited(real.shell)
    audited(real.shell)
    note = real.shell.home / "note.ics"
    note.write_text("buy milk")
    told = real.shell("keys audit --ics note.ics", code=2).err
    assert "is not a calendar. It was not overwritten." in " ".join(told.split())
    assert note.read_text() == "buy milk"


@pytest.mark.parametrize("target", ["-", "folder", "link.ics", "/dev/null", "fifo", "missing/keys.ics", ".."])
def test_what_is_no_file_is_left_alone_before_any_call(real: RealAccount, target: str) -> None:
    home = real.shell.home
    (home / "folder").mkdir()
    (home / "other.ics").write_text("BEGIN:VCALENDAR")
    (home / "link.ics").symlink_to("other.ics")
    os.mkfifo(home / "fifo")
    heard: list[str] = []
    real.firewall.before = heard.append
    real.shell(f"keys audit --ics {target}", code=2)
    assert heard == []
    assert (home / "other.ics").read_text() == "BEGIN:VCALENDAR"
    assert (home / "link.ics").is_symlink()


def test_its_permissions_stay(real: RealAccount) -> None:
    audited(real.shell)
    path = real.shell.home / "keys.ics"
    path.chmod(0o644)
    audited(real.shell)
    assert path.stat().st_mode & 0o777 == 0o644
    assert [each.name for each in real.shell.home.iterdir() if "astalty-" in each.name] == []


def test_a_folder_that_cannot_be_written_is_said(real: RealAccount) -> None:
    path = real.shell.home / "keys.ics"
    audited(real.shell)
    before = path.read_bytes()
    assert before
    real.shell("keys audit --ics /proc/keys.ics", code=2)
    assert path.read_bytes() == before
