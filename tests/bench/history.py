"""Does reading keep its promises against a live server? `python -m tests.bench.history growing`, and so on.

growing: a history that gains 20 entries a second, some of them late, is read to its pin.
paced:   9,000 entries are read under the limit of 60 calls a minute.
shared:  two processes read 3,000 each, with the same key.
tail:    60 seconds over a server that fails a third of the calls.
"""

import argparse
import json
import math
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from astalty_cli.api.models import ApiRequest
from astalty_cli.base.times import utc_now
from astalty_cli.sandbox.history import insert_entry
from astalty_cli.sandbox.home import Home
from tests.bench.served import Served, served
from tests.support import accounts
from tests.support.failing import Failing
from tests.support.histories import NOTHING, entry
from tests.support.shell import Shell

_LATE = 1.9  # seconds; one entry in five


class Writer(threading.Thread):
    """Adds so many entries a second to a history until it is stopped; one in five turns up late."""

    def __init__(self, home: Home, a_second: float) -> None:
        super().__init__(daemon=True)
        self._home, self._pause = home, 1 / a_second
        self._stopped = threading.Event()
        self.written: list[ApiRequest] = []

    def run(self) -> None:
        store = self._home.open()
        chance = random.Random(4)
        while not self._stopped.wait(self._pause):
            late = timedelta(seconds=_LATE * (chance.random() < 0.2))
            made = entry(utc_now() - late)
            with store.database.write() as connection:
                insert_entry(connection, made, NOTHING, NOTHING)
            self.written.append(made)
        store.close()

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def growing(entries: int) -> dict[str, Any]:
    with served(entries, rate_limit=0) as account:
        writer = Writer(account.home, 20)
        writer.start()
        time.sleep(3)
        before = sum(account.list_calls().values())
        started = time.monotonic()
        rows = _read(account, "--all")
        seconds = time.monotonic() - started
        calls = sum(account.list_calls().values()) - before
        writer.stop()
        there = _entries_up_to(account, rows[0]["created_at"])
    read = [row["id"] for row in rows]
    return {
        "entries up to the pin": len(there),
        "missing": len(there - set(read)),
        "twice": len(read) - len(set(read)),
        "after the pin": len(set(read) - there),
        "written meanwhile": sum(row.id not in there for row in writer.written),
        "list calls": calls,
        "allowed": math.floor(1.01 * math.ceil(len(there) / 100) + 2),
        "seconds": round(seconds, 1),
    }


def paced(entries: int) -> dict[str, Any]:
    with served(entries, rate_limit=60) as account:
        started = time.monotonic()
        rows = _read(account, "-L", str(entries))
        seconds = time.monotonic() - started
        calls = account.list_calls()
    return {
        "entries": len({row["id"] for row in rows}),
        "list calls by status": calls,
        "seconds": round(seconds, 1),
        "part of the budget used": round(sum(calls.values()) / seconds, 3),  # of 60 in 60 s
    }


def shared(entries: int) -> dict[str, Any]:
    with served(entries, rate_limit=60) as account:
        started = time.monotonic()
        command = account.command("history", "list", "-L", str(entries), "-o", "jsonl")
        both = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=account.shell.environ)
            for _ in range(2)
        ]
        outs = [process.communicate()[0] for process in both]
        seconds = time.monotonic() - started
        calls = account.list_calls()
    return {
        "entries": [len({json.loads(line)["id"] for line in out.splitlines()}) for out in outs],
        "list calls by status": calls,
        "seconds": round(seconds, 1),
        "part of the budget used": round(sum(calls.values()) / seconds, 3),
    }


def tail(seconds: int) -> dict[str, Any]:
    failing = Failing()
    with TemporaryDirectory() as folder, ExitStack() as closing:
        home = Path(folder) / "home"
        home.mkdir()
        shell = Shell(home)
        account = accounts.over_http(shell, Path(folder) / "served", closing, between=failing.before)
        account.clock.now = utc_now()
        command = [*Served(shell, account.home, "").command("history", "tail", "--json", "--include-self")]
        shown_in = Path(folder) / "shown"  # a pipe that nobody reads would hold it up
        with shown_in.open("w") as stdout:
            process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL, env=shell.environ)
        time.sleep(10)  # it has begun by then, failures or not
        writer = Writer(account.home, 5)
        writer.start()
        time.sleep(seconds)
        writer.stop()
        time.sleep(60)  # for the last ones to come through the failures
        process.send_signal(signal.SIGINT)
        process.wait()
        shown = [json.loads(line)["id"] for line in shown_in.read_text().splitlines()]
    expected = [row.id for row in sorted(writer.written, key=lambda row: (row.created_at, row.id))]
    written = set(expected)
    return {
        "written": len(expected),
        "missing": len(written - set(shown)),
        "twice": len(shown) - len(set(shown)),
        "in order": [each for each in shown if each in written] == expected,
        "calls that failed": f"{failing.failures} of {failing.calls}",
        "exit code": process.returncode,
    }


def _read(account: Served, *flags: str) -> list[dict[str, Any]]:
    command = account.command("history", "list", "-o", "jsonl", *flags)
    done = subprocess.run(command, capture_output=True, text=True, env=account.shell.environ, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _entries_up_to(account: Served, pin: str) -> set[str]:
    store = account.home.open()
    with store.database.read() as connection:
        found = connection.execute("SELECT id FROM api_requests WHERE created_at <= ?", (pin,)).fetchall()
    store.close()
    return {row[0] for row in found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    measures: dict[str, tuple[Callable[[int], dict[str, Any]], int]] = {
        "growing": (growing, 100_000),
        "paced": (paced, 9_000),
        "shared": (shared, 3_000),
        "tail": (tail, 60),
    }
    parser.add_argument("measure", choices=measures)
    parser.add_argument("--size", type=int, help="entries, or seconds of tail")
    wanted = parser.parse_args()
    measure, usual = measures[wanted.measure]
    measured = {"at": datetime.now().astimezone().isoformat(), **measure(wanted.size or usual)}
    sys.stdout.write(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
