"""The scheduled job of the page on reminders, run as a runner runs it: an issue is opened if a key is due."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import stand_ins
from tests.support.pages import DOCS, file_of
from tests.support.shell import Shell
from tests.support.web_app import RealAccount, real_account
from tests.support.workflows import run

WORKFLOW = file_of(DOCS / "how-to" / "remind.md", ".github/workflows/keys-due.yml")


@dataclass
class Job:
    """A runner with the repository's record, and a key of its own."""

    real: RealAccount
    records: Path

    def run(self) -> int:
        return run(WORKFLOW, self.real.shell.environ, self.real.shell.home)

    @property
    def issue(self) -> str | None:
        """What the issue says that it has opened."""
        if not (self.records / "gh.argv").exists():
            return None
        assert "issue create --title Astalty keys are due" in (self.records / "gh.argv").read_text()
        return (self.real.shell.home / "due.csv").read_text()


@pytest.fixture
def job(shell: Shell, tmp_path: Path) -> Iterator[Job]:
    with real_account(shell, tmp_path / "service") as real:
        records = stand_ins.put_on(shell.environ, tmp_path)
        shell.environ["ASTALTY_RECORD"] = f"{shell.home}/keys.toml"
        secret = real.page.create("payroll")
        shell("keys add payroll --with-token --created 80d", stdin=secret)
        shell.environ |= {"ASTALTY_API_KEY": real.secret, "ASTALTY_BASE_URL": real.page.base_url}
        (shell.home / "payroll.key").write_text(secret)
        yield Job(real, records)


def forget_the_journal(job: Job) -> None:
    """The rotation was on somebody's machine, and the job is on another one."""
    for path in (job.real.shell.config / "journal").glob("*.json"):
        path.unlink()


def test_nothing_is_opened_while_nothing_is_due(job: Job) -> None:
    assert job.run() == 0
    assert job.issue is None


def test_a_key_that_is_too_old_opens_an_issue(job: Job) -> None:
    job.real.shell("keys add old --with-token --created 100d", stdin=job.real.page.create("old"))
    assert job.run() == 0
    assert job.issue is not None
    assert "medium,old,old,The secret is 100 days old; the limit is 90 days." in job.issue
    assert "payroll" not in job.issue


def test_an_old_key_that_is_still_there_opens_an_issue(job: Job) -> None:
    shell = job.real.shell
    old = (shell.home / "payroll.key").read_text()
    new = job.real.page.create("payroll 2")
    shell("keys rotate payroll --with-token --to dotenv:.env#KEY", stdin=f"{new}\n{old}")
    entry = (shell.config / "journal").glob("*.json")
    kept = {path: path.read_bytes() for path in entry}
    forget_the_journal(job)
    assert job.run() == 0
    assert job.issue is not None
    assert "low,awaiting-deletion,payroll,The old key is due for deletion on " in job.issue
    for path, data in kept.items():  # back on the machine of the person who rotated it
        path.write_bytes(data)
        path.chmod(0o600)
    job.real.page.delete(old)
    shell("keys recover --yes")
    forget_the_journal(job)
    (job.records / "gh.argv").unlink()
    assert job.run() == 0
    assert job.issue is None


def test_a_service_that_is_away_is_no_failure(job: Job) -> None:
    job.real.firewall.answers = [("503 Service Unavailable", b"")]
    assert job.run() == 0
    assert job.issue is None


def test_a_key_that_is_not_accepted_turns_the_job_red(job: Job) -> None:
    job.real.shell.environ["ASTALTY_API_KEY"] = "12|" + "x" * 40
    assert job.run() == 4
    assert job.issue is None
