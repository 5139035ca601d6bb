"""The scripts and workflow files of the page on CI, run as a runner runs them, and what they leave behind."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import accounts, stand_ins
from tests.support.accounts import Account
from tests.support.pages import DOCS, file_of
from tests.support.shell import Shell
from tests.support.workflows import GITHUB, GITLAB, run

PAGE = DOCS / "how-to" / "ci.md"
WORKFLOWS = [(".github/workflows/api-keys.yml", "gh"), (".gitlab-ci.yml", "glab")]


class Runner:
    """A machine that knows the key of its pipeline, and nothing else."""

    def __init__(self, account: Account, folder: Path) -> None:
        self.account = account
        self.shell = account.shell
        self.shell("keys create deploy --to file:deploy.key")
        self.key = (self.shell.home / "deploy.key").read_text().strip()
        self.shell("auth logout")
        self.records = stand_ins.put_on(self.shell.environ, folder)
        self.shell.environ |= {"ASTALTY_BASE_URL": str(account.base_url), "ASTALTY_API_KEY": self.key}

    def script(self, name: str, provider: dict[str, str]) -> tuple[int, str]:
        """Run a script of the page under `bash -e`; return its exit code and the log, in order."""
        done = subprocess.run(
            ["bash", "-e", "-c", file_of(PAGE, name)],
            env={**self.shell.environ, **provider},
            cwd=self.shell.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout

    def workflow(self, name: str, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
        capfd.readouterr()
        code = run(file_of(PAGE, name), self.shell.environ, self.shell.home)
        return code, "".join(capfd.readouterr())

    def given_to(self, program: str) -> str:
        """What a program had on its stdin, all in all."""
        record = self.records / f"{program}.stdin"
        return record.read_text() if record.exists() else ""

    def key_named(self, name: str) -> dict[str, Any]:
        rows = self.shell("keys list --json --status active,expiring,revoked").json
        (row,) = [row for row in rows if row["name"] == name]
        return dict(row)


@pytest.fixture
def runner(shell: Shell, tmp_path: Path) -> Iterator[Runner]:
    with ExitStack() as closing:
        yield Runner(accounts.over_http(shell, tmp_path / "served", closing), tmp_path)


@pytest.mark.parametrize(
    ("provider", "name"), [(GITHUB, "run 1047"), (GITLAB, "run by hand"), ({}, "run by hand")]
)
def test_the_life_of_a_key_in_one_run(runner: Runner, provider: dict[str, str], name: str) -> None:
    provider = {**provider, "GITHUB_RUN_ID": "1047"} if provider is GITHUB else provider
    code, log = runner.script("one-run.sh", provider)
    assert code == 0, log
    assert "astalty_" not in log  # neither masked nor shown: it never came near the log
    assert "findings.csv" in log
    assert "never-used" in (runner.shell.home / "findings.csv").read_text()

    newest = runner.given_to("vault")
    assert runner.account.status_of(newest) == 401
    key = runner.key_named(name)
    assert (key["status"], key["rotation"], key["last_four"]) == ("revoked", 1, newest[-4:])
    assert runner.account.status_of(runner.key) == 200
    assert not (runner.shell.home / "run.env").exists()
    assert runner.script("one-run.sh", provider)[0] == 0  # the next run in this folder


def test_a_run_that_fails_leaves_no_key(runner: Runner) -> None:
    (runner.records.parent / "programs" / "vault").write_text("#!/bin/sh\nexit 3\n")
    code, log = runner.script("one-run.sh", GITHUB)
    assert code == 7, log
    assert "astalty_" not in log
    assert runner.key_named("run by hand")["status"] == "revoked"


@pytest.mark.parametrize(("file", "store"), WORKFLOWS)
def test_a_key_that_is_due_is_rotated(
    runner: Runner, capfd: pytest.CaptureFixture[str], file: str, store: str
) -> None:
    code, log = runner.workflow(file, capfd)
    assert code == 0
    assert "0 days old: nothing was done" in log
    assert runner.given_to(store) == ""

    runner.account.clock.move(days=81)
    code, log = runner.workflow(file, capfd)
    assert code == 0, log
    assert "astalty_" not in log
    new = runner.given_to(store)
    assert runner.account.status_of(new) == 200
    assert runner.account.status_of(runner.key) == 200
    runner.account.clock.move(hours=25)
    assert runner.account.status_of(new) == 200
    assert runner.account.status_of(runner.key) == 401
    findings = (runner.shell.home / "findings.csv").read_text()
    assert ",old,Website enquiry form," in findings
    assert ",in-grace,deploy," in findings
    assert ",old,deploy," not in findings


@pytest.mark.parametrize(("file", "store"), WORKFLOWS)
def test_a_rotation_that_the_store_refuses_is_red_and_costs_nothing(
    runner: Runner, capfd: pytest.CaptureFixture[str], file: str, store: str
) -> None:
    program = runner.records.parent / "programs" / store
    program.write_text('#!/bin/sh\ncase "$*" in *list*) ;; *) exit 9 ;; esac\n')
    runner.account.clock.move(days=81)
    code, log = runner.workflow(file, capfd)
    assert code == 7, log
    assert "astalty_" not in log
    runner.account.clock.move(days=6)
    assert runner.account.status_of(runner.key) == 200


@pytest.mark.parametrize("file", [file for file, _ in WORKFLOWS])
def test_a_service_that_is_away_is_no_failure(
    runner: Runner, capfd: pytest.CaptureFixture[str], file: str
) -> None:
    runner.shell.environ["ASTALTY_BASE_URL"] = "http://127.0.0.1:1"
    code, log = runner.workflow(file, capfd)
    assert code == 0, log
    assert "the next run tries again" in log


def test_a_secret_on_stdout_is_masked_first(runner: Runner) -> None:
    """What the page says of `--plain`: the runner hears of the secret before it can be in the log."""
    done = subprocess.run(
        ["bash", "-e", "-c", "astalty keys create masked --plain"],
        env={**runner.shell.environ, **GITHUB},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=runner.shell.home,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if "astalty_" in line]
    secret = lines[-1]
    assert lines == [f"::add-mask::{secret}", secret]
    assert runner.account.status_of(secret) == 200
