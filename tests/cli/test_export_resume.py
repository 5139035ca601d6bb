"""An export that is interrupted: the same command goes on, and the result is as if nothing had been."""

import fcntl
import itertools
import json
import os
import random
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from astalty_cli.base.errors import ConflictError
from astalty_cli.services.export.partial import PartialExport, part_of
from tests.support import accounts
from tests.support.accounts import Account
from tests.support.exports import UNTIL, at, exported, fill, lasting, manifest_of, names, there
from tests.support.shell import ASTALTY, Result, Shell

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SITE = Path(__file__).parents[1] / "faults" / "site"
SIGNALS = {"kill": signal.SIGKILL, "interrupt": signal.SIGINT, "terminate": signal.SIGTERM}
CODES = {"kill": -9, "interrupt": 130, "terminate": 130, "fail": 6}


@dataclass
class Interrupted:
    """A sandbox that ends a command in the middle: at the list call `at` of it, by a signal or a failure."""

    app: "WSGIApplication | None" = None
    how: str = ""
    at: int = 0
    calls: int = 0
    process: "subprocess.Popen[str] | None" = None
    entered: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        assert self.app is not None
        if environ["PATH_INFO"] == "/public/v1/api-requests" and self.how:
            self.calls += 1
            if self.calls == self.at:
                return self._end(start_response)
        return self.app(environ, start_response)

    def _end(self, start_response: "StartResponse") -> Iterable[bytes]:
        if self.how == "hold":
            self.entered.set()
            self.may_go_on.wait(20)
        elif self.how != "fail" and self.process:
            self.process.send_signal(SIGNALS[self.how])
            self.process.wait(20)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"data": [']


@dataclass
class Exporting:
    """An account behind that layer, and the export of all that was put there."""

    account: Account
    layer: Interrupted
    folder: Path
    line: str = f"history export out/all.jsonl {UNTIL}"

    @property
    def target(self) -> Path:
        return self.folder / "all.jsonl"

    def run(self, how: str = "", at: int = 0, line: str = "") -> Result:
        """Run it until it ends, or until list call `at`."""
        with self.started(how, at, line) as process:
            out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        self.layer.how = ""
        return Result(process.returncode, out, err)

    def started(self, how: str, at: int, line: str = "") -> "subprocess.Popen[str]":
        shell, self.layer.at, self.layer.calls = self.account.shell, at, 0
        process = subprocess.Popen(
            [str(ASTALTY), *shlex.split(line or self.line)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=shell.environ,
            cwd=shell.home,
        )
        self.layer.process, self.layer.how = process, how
        return process


@pytest.fixture
def exporting(shell: Shell, tmp_path: Path) -> Iterator[Exporting]:
    layer = Interrupted()

    def between(app: Any) -> Interrupted:
        layer.app = app
        return layer

    (shell.home / "out").mkdir()
    with ExitStack() as closing:
        account = accounts.over_http(shell, tmp_path / "served", closing, between)
        yield Exporting(account, layer, shell.home / "out")


def test_twenty_interruptions_leave_no_trace(exporting: Exporting) -> None:
    fill(exporting.account, 4000, timedelta(seconds=90))
    assert exporting.run().code == 0
    whole, manifest = exporting.target.read_bytes(), lasting(manifest_of(exporting.target))
    assert [row["id"] for row in exported(exporting.target)] == there(exporting.account)
    _empty(exporting.folder)

    chance = random.Random(4)
    part = exporting.folder / "all.jsonl.part"
    for _ in range(20):
        how, at = chance.choice(list(CODES)), chance.choice([1, 2, 2, 3, 4])
        done = exporting.run(how, at)
        assert done.code == CODES[how], done.err
        if how != "kill" and part.exists():
            assert "Run the same command to continue" in done.err
        if chance.random() < 0.5 and part.exists():  # a line that was half on the disk
            with part.open("ab") as file:
                file.write(whole[part.stat().st_size :][: chance.randrange(1, 200)])
        assert names(exporting.folder) <= {"all.jsonl.part", "all.jsonl.part.json"}
        assert {each.stat().st_mode & 0o777 for each in exporting.folder.iterdir()} <= {0o600}
    done = exporting.run()
    assert done.code == 0
    assert "Continuing the export into out/all.jsonl, " in done.err
    assert exporting.target.read_bytes() == whole
    assert lasting(manifest_of(exporting.target)) == manifest
    assert names(exporting.folder) == {"all.jsonl", "all.jsonl.manifest.json"}


@pytest.mark.parametrize(
    ("name", "flags", "first"),
    [
        ("all.jsonl", "", ".part"),
        ("all.csv", "--force", ".part.csv"),
        ("all.parquet", "--force", ".part.work"),
    ],
)
def test_killed_at_any_step_it_continues_or_has_ended(
    exporting: Exporting, name: str, flags: str, first: str
) -> None:
    """The kill comes at each thing that the command does to a file of the folder, one after the other.

    Up to the first file of its own, a format's steps are those of JSON lines.
    """
    fill(exporting.account, 150, timedelta(minutes=2))
    shell, target = exporting.account.shell, exporting.folder / name
    line = f"history export {target} --until 2026-03-02 -q {flags}"  # one day: one Parquet file
    shell("history list -L 1")  # what the service offers is known from here on: each run takes the same steps
    steps = _steps(shell, line, exporting.folder)
    manifest = lasting(manifest_of(target))
    chosen = _chosen(steps, first)
    assert len(chosen) > 5
    for step in chosen:
        if not flags:
            _empty(exporting.folder)
        assert _killed(shell, line, exporting.folder, step) == -9, steps[step]
        assert shell(line).err == "", steps[step]
        assert lasting(manifest_of(target)) == manifest, steps[step]
        kept = {name} if target.is_dir() else {name, f"{name}.manifest.json"}
        assert names(exporting.folder) == kept, steps[step]


def test_nothing_to_read_at_first_and_something_after_the_kill(exporting: Exporting) -> None:
    shell, line = exporting.account.shell, f"history export {exporting.target} {UNTIL} -q"
    steps = _steps(shell, line, exporting.folder)
    _empty(exporting.folder)
    step = next(number for number, each in enumerate(steps) if "os.rename all.jsonl.manifest" in each)
    assert _killed(shell, line, exporting.folder, step) == -9
    fill(exporting.account)
    shell(line)
    assert manifest_of(exporting.target)["window"]["end"] == at(249)
    assert [row["id"] for row in exported(exporting.target)] == there(exporting.account)


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()


def _chosen(steps: list[str], first: str) -> list[int]:
    """The steps that change something, from one that names `first`; of several alike in a row, the last."""
    start = next(number for number, each in enumerate(steps) if first in each)
    changes = [
        number for number in range(start, len(steps)) if re.match("write|os[.](?!scandir)", steps[number])
    ]
    pairs = itertools.pairwise([*changes, len(steps)])
    return [one for one, two in pairs if two == len(steps) or _kind(steps[one]) != _kind(steps[two])]


def _kind(step: str) -> str:
    return re.sub(r"[0-9a-f]{8,}|[0-9]", "", step)


def _steps(shell: Shell, line: str, root: Path) -> list[str]:
    log = root.parent / "steps"
    log.unlink(missing_ok=True)
    shell(line, env=_faults(root, log, -1))
    return [each[1:] for each in log.read_text().splitlines()]


def _killed(shell: Shell, line: str, root: Path, step: int) -> int:
    environ = {**shell.environ, **_faults(root, root.parent / "steps", step)}
    command = [str(ASTALTY), *shlex.split(line)]
    return subprocess.run(command, env=environ, cwd=shell.home, capture_output=True, check=False).returncode


def _faults(root: Path, log: Path, step: int) -> dict[str, str]:
    plan = {"root": str(root), "steps": ["kill", step], "log": str(log), "pace": 1}
    plan |= {"keyring": str(root / "keyring"), "keyring_mode": "ok", "keyring_after": 0}
    site = os.pathsep.join([str(SITE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": site, "ASTALTY_FAULTS": json.dumps(plan)}


# -- what is gone on with, and what not ----------------------------------------------------------------


@pytest.fixture
def cut(exporting: Exporting) -> Exporting:
    """An export that was killed after its first page."""
    fill(exporting.account)
    assert exporting.run("kill", 3).code == -9
    assert len((exporting.folder / "all.jsonl.part").read_bytes().splitlines()) == 100
    return exporting


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (f"{UNTIL} --status 200", "different --status."),
        ("--until 2026-03-07", "different --until."),
        (f"{UNTIL} --since 9999h", "different --since."),
        (f"{UNTIL} --bodies --method GET", "different --method and --bodies."),
        (f"{UNTIL} --format csv", "different --format."),
        (f"{UNTIL} --user a@b.example", "different --user."),
        (f"{UNTIL} --format csv --csv-raw", "different --format and --csv-raw."),
    ],
)
def test_another_question_does_not_continue(cut: Exporting, flags: str, told: str) -> None:
    part = (cut.folder / "all.jsonl.part").read_bytes()
    done = cut.run(line=f"history export out/all.jsonl {flags}")
    assert done.code == 5
    assert told in done.err
    assert "--restart" in done.err
    assert (cut.folder / "all.jsonl.part").read_bytes() == part


@pytest.mark.parametrize(
    ("finished", "killed"),
    [
        ("--format jsonl", "--format csv"),
        ("--format csv", "--format jsonl"),
        ("--format csv", "--format csv --csv-raw"),
        ("--format csv --csv-raw", "--format csv"),
        ("--bodies", ""),
        ("--method GET", ""),
    ],
)
def test_a_finished_export_is_not_taken_for_the_one_that_was_killed(
    exporting: Exporting, finished: str, killed: str
) -> None:
    """Each asks for the same stretch, and has the same end."""
    fill(exporting.account)
    line = f"history export out/all.x {UNTIL} --force"
    jsonl = "" if "--format" in killed else "--format jsonl"
    account, target = exporting.account, exporting.folder / "all.x"
    account.shell(f"{line} {jsonl} {killed}")
    expected, manifest = target.read_bytes(), lasting(manifest_of(target))
    account.shell(f"{line} {jsonl} {finished}")
    assert exporting.run("kill", 3, f"{line} {jsonl} {killed}").code == -9
    done = exporting.run(line=f"{line} {jsonl} {killed}")
    assert done.code == 0, done.err
    assert "Continuing the export" in done.err
    assert target.read_bytes() == expected
    assert lasting(manifest_of(target)) == manifest


@pytest.mark.parametrize("moved", ["other.jsonl", "elsewhere/all.jsonl"])
def test_the_part_of_another_target_does_not_continue(cut: Exporting, moved: str) -> None:
    target = cut.folder / moved
    target.parent.mkdir(exist_ok=True)
    for end in (".part", ".part.json"):
        (cut.folder / f"all.jsonl{end}").rename(target.with_name(f"{target.name}{end}"))
    refused = cut.run(line=f"history export out/{moved} {UNTIL}")
    assert refused.code == 5
    assert "different FILE." in refused.err
    assert not target.exists()


def test_one_target_may_be_spelled_in_any_way(cut: Exporting) -> None:
    (cut.account.shell.home / "link").symlink_to("out")
    for target in ("./out/../out/all.jsonl", f"{cut.folder}/all.jsonl"):
        assert cut.run("kill", 1, f"history export {target} {UNTIL}").code == -9
    done = cut.run(line=f"history export link/all.jsonl {UNTIL}")
    assert done.code == 0, done.err
    assert "Continuing the export" in done.err
    assert [row["id"] for row in exported(cut.target)] == there(cut.account)


def test_a_part_of_another_version_does_not_continue(cut: Exporting) -> None:
    note = cut.folder / "all.jsonl.part.json"
    begun = json.loads(note.read_text())
    begun["asked"]["version"] = 99
    note.write_text(json.dumps(begun))
    refused = cut.run()
    assert refused.code == 5
    assert "different version of astalty." in refused.err


def test_the_same_question_in_other_words_continues(cut: Exporting) -> None:
    done = cut.run(line="history export out/all.jsonl --until=2026-03-08T00:00:00Z -v")
    assert done.code == 0
    assert "already has 100 requests" in done.err
    assert [row["id"] for row in exported(cut.target)] == there(cut.account)


def test_a_relative_time_stays_what_it_was_when_the_export_began(exporting: Exporting) -> None:
    fill(exporting.account)
    line = "history export out/all.jsonl --until 1h --since 3600d"
    assert exporting.run("terminate", 3, line).code == 130
    begun = json.loads((exporting.folder / "all.jsonl.part.json").read_text())["asked"]["filters"]
    done = exporting.run(line=line)
    assert done.code == 0, done.err
    assert "Continuing" in done.err
    assert manifest_of(exporting.target)["filters"] == begun


def test_another_account_does_not_continue(cut: Exporting, shell: Shell) -> None:
    note = cut.folder / "all.jsonl.part.json"
    begun = json.loads(note.read_text())
    begun["asked"]["account_id"] = "0f5a2c5e-8b5d-4a86-9a0a-2d9b6a1f0c11"
    note.write_text(json.dumps(begun))
    other = Shell(shell.home / "other")
    other.home.mkdir()
    with ExitStack() as closing:
        accounts.over_http(other, shell.home / "served", closing)
        shell.environ["HOME"] = str(other.home)
        done = cut.run()
    assert done.code == 5
    assert "different base URL and account." in done.err


def test_restart_starts_again(cut: Exporting) -> None:
    done = cut.run(line="history export out/all.jsonl --until 2026-03-02 --restart")
    assert done.code == 0
    assert "Continuing" not in done.err
    assert [row["id"] for row in exported(cut.target)] == there(cut.account, "2026-03-02")
    assert names(cut.folder) == {"all.jsonl", "all.jsonl.manifest.json"}


@pytest.mark.parametrize("damaged", ["{", '{"x": ' + "[" * 100_000], ids=["cut", "deep"])
def test_a_damaged_note_of_what_was_begun_names_restart(cut: Exporting, damaged: str) -> None:
    (cut.folder / "all.jsonl.part.json").write_text(damaged)
    done = cut.run()
    assert done.code == 2
    assert "--restart" in done.err
    assert cut.run(line=f"{cut.line} --restart").code == 0


def test_what_is_damaged_in_the_middle_is_read_again(cut: Exporting) -> None:
    part = cut.folder / "all.jsonl.part"
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:40]) + bytes(len(lines[40])) + b"\n" + b"".join(lines[41:]))
    done = cut.run()
    assert "already has 40 requests" in done.err
    assert [row["id"] for row in exported(cut.target)] == there(cut.account)


def test_two_at_once_into_one_file(exporting: Exporting) -> None:
    fill(exporting.account)
    first = exporting.started("hold", 2)
    assert exporting.layer.entered.wait(20)
    exporting.layer.at = 0
    second = exporting.account.shell(exporting.line, code=5)
    assert "Busy" in second.err
    assert exporting.account.shell(f"{exporting.line} --restart", code=5).err == second.err
    exporting.layer.may_go_on.set()
    first.communicate(timeout=60)
    assert first.returncode == 6
    assert exporting.run().code == 0
    assert [row["id"] for row in exported(exporting.target)] == there(exporting.account)


def test_errors_are_json_where_json_was_asked_for(cut: Exporting) -> None:
    done = cut.run("fail", 1, f"{cut.line} --json")
    assert done.code == 6
    assert done.out == ""
    assert "Run the same command to continue" in done.error["hint"]


def test_two_that_start_at_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one creates the file, and locks it, just before this one does."""
    target, create = tmp_path / "all.jsonl", os.open
    others: list[int] = []

    def slow(path: Any, flags: int, mode: int = 0o777) -> int:
        if path == part_of(target) and not others:
            others.append(create(path, os.O_RDWR | os.O_CREAT, 0o600))
            fcntl.flock(others[0], fcntl.LOCK_EX)
        return create(path, flags, mode)

    monkeypatch.setattr("os.open", slow)
    with pytest.raises(ConflictError, match="Busy: another astalty is writing"), PartialExport.opened(target):
        pass
    os.close(others[0])
