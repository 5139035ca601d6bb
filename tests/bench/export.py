"""`astalty history export` beside a plain loop and beside curl.

    python -m tests.bench.export --entries 100000

A served sandbox in a process of its own has that many entries and no rate limit. The contestants take
turns; each is a whole process, from its start to its end. curl asks for all pages in one process over one
connection, which is the best that it can do. Peaks of memory are of the contestant's own process.
"""

import argparse
import contextlib
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median

from astalty_cli.api.contract import API_REQUESTS
from astalty_cli.base.times import iso, utc_now
from tests.bench.printing import say
from tests.support.shell import ASTALTY

DAYS = 30
FEW = 10_000  # entries that memory is compared with
PAGE = 100

LOOP = """
import json, sys
import httpx
url, key, target = sys.argv[1:]
with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {open(key).read().strip()}"}) as client:
    with open(target, "w") as file:
        number = last = 1
        while number <= last:
            params = {"page[number]": number, "page[size]": 100, "sort": "created_at"}
            page = json.loads(client.get("PATH", params=params).raise_for_status().content)
            for row in page["data"]:
                file.write(json.dumps(row) + "\\n")
            number, last = number + 1, page["meta"]["last_page"]
""".replace("PATH", API_REQUESTS)


@dataclass(frozen=True)
class Run:
    """One process: `peak` is in MiB, `cpu` its own seconds."""

    entries: int
    seconds: float
    cpu: float
    peak: float

    @property
    def speed(self) -> float:
        return self.entries / self.seconds


@dataclass
class Bench:
    folder: Path
    url: str
    key: Path
    entries: int

    def export(self, *flags: str) -> Run:
        target = self.folder / "ours.jsonl"
        command = [str(ASTALTY), "history", "export", str(target), "--force", "-q", *flags]
        return self._timed(command, lambda: _lines(target))

    def loop(self) -> Run:
        target = self.folder / "loop.jsonl"
        command = [sys.executable, "-c", LOOP, self.url, str(self.key), str(target)]
        return self._timed(command, lambda: _lines(target))

    def curl_and_jq(self) -> Run:
        target = self.folder / "jq.jsonl"
        return self._timed(
            ["sh", "-c", f'{self._curl()} | jq -c ".data[]" > {target}'], lambda: _lines(target)
        )

    def curl_alone(self) -> Run:
        return self._timed(["sh", "-c", f"{self._curl()} > /dev/null"], lambda: self.entries)

    def _curl(self) -> str:
        header = self.folder / "header"
        header.write_text(f"Authorization: Bearer {self.key.read_text().strip()}\n")
        pages = math.ceil(self.entries / PAGE)
        query = f"page%5Bnumber%5D=[1-{pages}]&page%5Bsize%5D={PAGE}&sort=created_at"
        return f'curl -sS --fail -H @{header} "{self.url}{API_REQUESTS}?{query}"'

    def _timed(self, command: list[str], entries: Callable[[], int]) -> Run:
        environ = {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "ASTALTY_API_KEY": self.key.read_text().strip(),
            "ASTALTY_BASE_URL": self.url,
        }
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environ)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} ended with {process.returncode}.")
        return Run(entries(), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.export")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, _served(Path(name), options.entries) as bench:
        few = iso(utc_now() - timedelta(days=DAYS) * FEW / options.entries)
        memory = {"few": bench.export("--since", few), "all": bench.export()}
        _print(_rounds(bench, options.rounds), memory)


def _rounds(bench: Bench, rounds: int) -> dict[str, list[Run]]:
    contestants = {
        "astalty history export": bench.export,
        "httpx + json": bench.loop,
        "curl | jq -c": bench.curl_and_jq,
        "curl to /dev/null": bench.curl_alone,
    }
    if shutil.which("jq") is None or shutil.which("curl") is None:
        say("curl or jq is not installed: left out.")
        contestants = {name: run for name, run in contestants.items() if "curl" not in name}
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            runs[name].append(run())
    return runs


def _print(runs: dict[str, list[Run]], memory: dict[str, Run]) -> None:
    say("| | entries/s | of the loop | CPU, s | peak, MiB |\n| --- | ---: | ---: | ---: | ---: |")
    loop = median(run.speed for run in runs["httpx + json"])
    for name, each in runs.items():
        speed = median(run.speed for run in each)
        cpu, peak = median(run.cpu for run in each), max(run.peak for run in each)
        say(f"| {name} | {speed:,.0f} | {speed / loop:.2f} | {cpu:.1f} | {peak:.0f} |")
    few, everything = memory["few"], memory["all"]
    say(
        f"\nPeak memory of the export: {few.peak:.1f} MiB for {few.entries:,} entries, "
        f"{everything.peak:.1f} MiB for {everything.entries:,}: {everything.peak / few.peak:.2f} times.\n"
    )
    told = {name: [asdict(run) for run in each] for name, each in runs.items()}
    say(json.dumps({"runs": told, "memory": {name: asdict(run) for name, run in memory.items()}}))


@contextlib.contextmanager
def _served(folder: Path, entries: int) -> Iterator[Bench]:
    database = folder / "sandbox.db"
    place = ["--database", str(database)]
    seed = [str(ASTALTY), "sandbox", "seed", "--entries", str(entries), "--days", str(DAYS), *place]
    subprocess.run(seed, check=True)
    command = [str(ASTALTY), "sandbox", "serve", "--port", "0", "--rate-limit", "0", *place]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    try:
        yield Bench(folder, server.stdout.readline().strip(), Path(f"{database}.key"), entries)
    finally:
        server.terminate()
        server.wait()


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


if __name__ == "__main__":
    main(sys.argv[1:])
