"""How soon a command answers, beside `python -c pass`, curl, httpie and gh.

    python -m tests.bench.speed --rounds 15 --json build/speed.json

Each figure is a whole process, from its start to its end, and the contestants take turns in each round, so
that what else the machine does meets all of them. astalty and httpie are installed, as a user installs them,
in a virtual environment of the bench's own (build/bench); its `python -c pass` is what the ratios are to. The
service is a sandbox in a process of its own; https goes through a TLS end in front of it. At the end comes
an export, beside a plain loop and curl (`tests/bench/export.py`).
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import trustme

from tests.bench.printing import say
from tests.bench.tls import in_front_of

ROOT = Path(__file__).parents[2]
GET_KEYS = "/public/v1/api-keys?page[size]=100"


@dataclass(frozen=True)
class Case:
    """A command line; `most` is the ratio to `python -c pass` that it should not exceed."""

    name: str
    words: Callable[[int], list[str]]  # of the round
    most: float | None = None


@dataclass(frozen=True)
class Place:
    """Where all of it is: programs, addresses, the environment of each contestant."""

    bin: Path
    http: str
    https: str
    ca_file: Path
    environ: dict[str, str]
    entry: str  # id of one in the history

    def program(self, name: str) -> str:
        return str(self.bin / name)


def ours(place: Place) -> list[Case]:
    def astalty(name: str, line: str, most: float, *, secure: bool = False) -> Case:
        where = ["--base-url", place.https, "--ca-file", str(place.ca_file)] if secure else []
        words = [place.program("astalty"), *line.split(), *where]
        return Case(name, lambda number: [word.replace("NUMBER", str(number)) for word in words], most)

    return [
        astalty("--version", "--version", 1.3),
        astalty("--help", "--help", 7),
        astalty("keys --help", "keys --help", 7),
        astalty("keys rotate --help", "keys rotate --help", 7),
        astalty("history list --help", "history list --help", 7),
        astalty("a usage error", "keys list --nonsense", 12),
        astalty("Tab: a command", "__complete keys ro", 7),
        astalty("Tab: a key's name", "__complete keys rotate Pay", 7),
        astalty("keys list --json, http", "keys list --json", 14),
        astalty("keys list --json, https", "keys list --json", 14, secure=True),
        astalty("keys list, a table, http", "keys list -o table", 18),
        astalty("keys list, a table, https", "keys list -o table", 18, secure=True),
        astalty("history show --json", f"history show {place.entry} --json", 14),
        astalty("history show, panes", f"history show {place.entry} -o table", 18),
        astalty("keys create --plain", "keys create bench-NUMBER --plain", 18),
    ]


def peers(place: Place) -> list[Case]:
    bearer = f"Authorization: Bearer {place.environ['ASTALTY_API_KEY']}"
    python, http = place.program("python"), [place.program("http"), "--ignore-stdin", "--body"]
    plain = "import httpx, json; print(json.dumps(httpx.get(URL, headers=HEADERS).json()))"
    headers = dict([bearer.split(": ")])
    script = plain.replace("URL", repr(place.http + GET_KEYS)).replace("HEADERS", repr(headers))
    return [
        _fixed("httpx and json in a script, http", [python, "-c", script]),
        _fixed("curl, http", ["curl", "-gsS", "-H", bearer, place.http + GET_KEYS]),
        _fixed(
            "curl, https",
            ["curl", "-gsS", "--cacert", str(place.ca_file), "-H", bearer, place.https + GET_KEYS],
        ),
        _fixed("httpie --version", [place.program("http"), "--version"]),
        _fixed("httpie, http", [*http, place.http + GET_KEYS, bearer]),
        _fixed("httpie, https", [*http, f"--verify={place.ca_file}", place.https + GET_KEYS, bearer]),
        _fixed("gh --help", ["gh", "--help"]),
    ]


def _fixed(name: str, words: list[str]) -> Case:
    return Case(name, lambda _: words)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.speed")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--entries", type=int, default=100_000, help="Of the export; 0 leaves it out.")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--json", type=Path, help="Write every single time here.")
    options = parser.parse_args(arguments)
    programs = installed(options.folder)
    with tempfile.TemporaryDirectory() as name, _served(Path(name), programs) as place:
        cases = [_fixed("python -c pass", [place.program("python"), "-c", "pass"])]
        cases += [each for each in (*ours(place), *peers(place)) if shutil.which(each.words(0)[0])]
        times = measured(cases, options.rounds, place.environ)
    print_table(cases, times)
    if options.json:
        options.json.write_text(json.dumps(times, indent=2) + "\n")
    if options.entries:
        say("")  # in a process of its own: what a child took at most is never less than its parent had
        command = [sys.executable, "-m", "tests.bench.export", "--entries", str(options.entries)]
        subprocess.run(command, cwd=ROOT, check=True)


def installed(folder: Path) -> Path:
    """Install this checkout and its peers, and return where their programs are."""
    programs = folder / "bin"
    if not programs.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(programs / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    pinned = ["-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)  # the scripts of an old one import re
    subprocess.run([*pip, *pinned, "httpie", f"{ROOT}[sandbox]"], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", str(ROOT)], check=True)
    return programs


def measured(cases: list[Case], rounds: int, environ: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds of each case in each round; one round before them warms the disk's cache."""
    times: dict[str, list[float]] = {case.name: [] for case in cases}
    for number in range(-1, rounds):
        for case in cases:
            taken = _run(case.words(number), environ)
            if number >= 0:
                times[case.name].append(taken * 1000)
    return times


def _run(words: list[str], environ: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        words,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return time.perf_counter() - started


def print_table(cases: list[Case], times: dict[str, list[float]]) -> None:
    base = median(times["python -c pass"])
    say("| | median, ms | least, ms | of `python -c pass` | wanted |\n| --- | ---: | ---: | ---: | ---: |")
    for case in cases:
        taken = times[case.name]
        ratio = median(taken) / base
        wanted = f"{case.most:g}{'' if ratio <= case.most else ', missed'}" if case.most else ""
        say(f"| {case.name} | {median(taken):.0f} | {min(taken):.0f} | {ratio:.1f} | {wanted} |")
    for way in ("http", "https"):
        share = median(times[f"keys list --json, {way}"]) / median(times[f"httpie, {way}"])
        say(f"\n`keys list --json` over {way} takes {share:.2f} of httpie's GET (wanted: 0.6).")


@contextlib.contextmanager
def _served(folder: Path, programs: Path) -> Iterator[Place]:
    database = folder / "sandbox.db"
    serve = ["sandbox", "serve", "--port", "0", "--rate-limit", "0", "--database", str(database)]
    with subprocess.Popen(
        [str(programs / "astalty"), *serve], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        authority = trustme.CA()
        ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        environ = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "ASTALTY_API_KEY": Path(f"{database}.key").read_text().strip(),
            "ASTALTY_BASE_URL": url,
        }
        entry = subprocess.run(
            [str(programs / "astalty"), "history", "list", "-L", "1", "--query", "[0].id"],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        subprocess.run(
            [str(programs / "astalty"), "keys", "list"], env=environ, capture_output=True, check=True
        )
        try:
            with in_front_of(url, authority) as secure:
                yield Place(programs, url, secure, ca_file, environ, entry)
        finally:
            server.terminate()


if __name__ == "__main__":
    main(sys.argv[1:])
