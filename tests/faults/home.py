"""One run's world: a service with its keys, a home with a signed-in profile, and what its user holds."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from astalty_cli.base.secret import Secret
from astalty_cli.base.secret_patterns import SANDBOX_SECRET
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.credentials import FileCredentials
from astalty_cli.config.profiles import ConfigFile, Profile
from astalty_cli.sandbox.store import Store
from tests.faults.plan import FILES, At, Fault, Shape
from tests.faults.service import Made, Service
from tests.support.serving import Clock

NAME: Final = "made here"  # the key that a creation makes
_OTHER_LINES: Final = ("# of the app\nPORT=8000\n", 'GREETING="good # day"\n')
VAULT: Final = "vault"  # the profile that the sink keyring:vault stores for
_SHAPE: Final = re.compile(SANDBOX_SECRET)
_MEMORY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True)
class Done:
    """A command that has ended. `code` is None where a kill ended it; `steps` are what it did."""

    line: str
    code: int | None
    out: str
    err: str
    fired: bool
    log: tuple[str, ...]  # its requests
    steps: tuple[str, ...]  # what it did on its own machine

    @property
    def requests(self) -> int:
        return len(self.log)

    def __str__(self) -> str:
        return f"$ astalty {self.line}\n  exit {self.code}\n  stdout: {self.out!r}\n  stderr: {self.err!r}"


class Engine(Protocol):
    """How commands are run: each in a process of its own, or in this one.

    `slow`: whether each run may meet faults that cost seconds.
    """

    @property
    def slow(self) -> bool: ...

    def address(self, world: "World") -> contextlib.AbstractContextManager[str]:
        """The base URL of the world's service."""

    def run(self, world: "World", words: list[str], fault: Fault | None) -> Done:
        """Run `astalty WORDS` with one fault."""


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="astalty-faults-", dir=_MEMORY))


@cache
def template(participants: int = 0) -> Path:
    """A database with an account and without a past, to copy from."""
    path = _folder() / f"template-{participants}.db"
    store = Store.open(path)
    with store.database.write() as connection:
        for table in ("api_request_bodies", "api_requests", "goals"):
            connection.execute(f"DELETE FROM {table}")
        few = "SELECT id FROM participants LIMIT ?"
        connection.execute(f"DELETE FROM participants WHERE id NOT IN ({few})", (participants,))
        connection.execute("UPDATE api_keys SET revoked_at = created_at WHERE revoked_at IS NULL")
    store.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def forget_template() -> None:
    if _folder.cache_info().currsize:
        shutil.rmtree(_folder(), ignore_errors=True)
        _folder.cache_clear()
        template.cache_clear()


@dataclass
class World:
    """Everything that a run touches. `target` is the key's id; "" until a creation has made one."""

    shape: Shape
    engine: Engine
    folder: Path
    store: Store
    clock: Clock
    service: Service
    base_url: str = ""
    target: str = ""
    own: Secret = field(default_factory=lambda: Secret(""))
    done: list[Done] = field(default_factory=list)
    printing: list[Callable[[], str]] = field(default_factory=list)  # by commands that are running
    environ: dict[str, str] = field(default_factory=dict)  # beyond what every command has

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def config(self) -> Path:
        return self.home / ".config" / "astalty"

    @property
    def journal(self) -> Path:
        return self.config / "journal"

    @property
    def keyring(self) -> Path:
        return self.folder / "keyring.json"

    def run(self, *words: str, fault: Fault | None = None) -> Done:
        if fault is not None and fault.at is At.EXEC:
            self._write_taker(fault.kind)
        done = self.engine.run(self, list(words), fault)
        self._write_taker("")
        self.done.append(done)
        return done

    def _write_taker(self, kind: str) -> None:
        """The program behind `exec:`, which takes a secret or fails in its own way."""
        take = f"cat >> {self.taken}"
        does = {"fails": "exit 3", "takes-and-fails": f"{take}; exit 3", "dies": "kill -9 $$"}
        text = f"#!/bin/sh\n{does.get(kind, take)}\n"
        taker = self.folder / "take"
        if not taker.exists() or taker.read_text() != text:
            taker.write_text(text)
            taker.chmod(0o700)

    # -- the account -----------------------------------------------------------------------------

    def key(self, name: str) -> tuple[str, Secret]:
        issued = self.store.keys.create(name, self.store.owner().id)
        assert issued.secret is not None
        self.service.made.append(Made(issued.id, 0, issued.secret.reveal(), "before"))
        return issued.id, issued.secret

    def sign_in(self, key_id: str, secret: Secret) -> None:
        """As `astalty auth login --with-token --storage file` does; by hand, since it is no part of a run."""
        account, last_four = self.store.account().name, secret.last_four
        FileCredentials(self.config / "keys").store("default", self.base_url, secret)
        profile = Profile(self.base_url, Storage.FILE, key_id, last_four, account)
        ConfigFile(self.config).save("default", profile)

    def stored(self) -> str | None:
        """The secret that the profile holds."""
        with contextlib.suppress(OSError, ValueError):
            secret: str = json.loads((self.config / "keys" / "default.json").read_text())["secret"]
            return secret
        return None

    @contextlib.contextmanager
    def locking(self, name: str) -> Iterator[None]:
        """Be another process that holds the lock of a file in the home, if it is there."""
        path = self.home / name
        if not path.is_file():
            yield
            return
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # -- what the user types ---------------------------------------------------------------------

    def words(self) -> list[str]:
        shape, destinations = self.shape, self.sink_words()
        own = ["--allow-self"] if shape.own else []
        match shape.operation:
            case "create":
                return ["keys", "create", NAME, *destinations]
            case "revoke":
                return ["keys", "revoke", self.target, "--yes", *own]
        return ["keys", "rotate", self.target, "--grace", shape.grace, "--yes", *own, *destinations]

    def rival_words(self, kind: str) -> list[str]:
        """Another command of the same user: the same rotation to a place of its own, or a recovery."""
        if kind == "recover":
            return ["keys", "recover", "--yes"]
        return ["keys", "rotate", self.target, "--yes", "--to", f"file:{self.home / 'rival.key'}"]

    def sink_words(self) -> list[str]:
        words = []
        for destination in self.shape.destinations:
            words += ["--plain"] if destination == "stdout" else ["--to", self.spec(destination)]
        return words

    def spec(self, destination: str) -> str:
        return {
            "file": f"file:{self.home / FILES['file']}",
            "dotenv": f"dotenv:{self.home / FILES['dotenv']}#ASTALTY_KEY",
            "keyring": f"keyring:{VAULT}",
            "exec": f"exec:{self.folder / 'take'}",
        }[destination]

    def lay_out(self) -> None:
        """The places where secrets go, as they are before."""
        self._write_taker("")
        if "dotenv" in self.shape.destinations:
            old = f"ASTALTY_KEY={self.own.reveal() if self.shape.own else self.old}\n"
            before, after = _OTHER_LINES
            path = self.home / "app.env"
            path.write_text(before + (old if self.shape.operation == "rotate" else "") + after)
            path.chmod(0o600)

    def dotenv_is_whole(self) -> bool:
        """Whether the lines of the .env file that are not ours are as they were."""
        if "dotenv" not in self.shape.destinations:
            return True
        text = (self.home / "app.env").read_text()
        return all(lines in text for lines in _OTHER_LINES)

    old = ""  # the target's secret before the run

    @property
    def taken(self) -> Path:
        """Where the program behind `exec:` puts what it reads; none of our files."""
        return self.folder / "taken"

    # -- what the user holds ---------------------------------------------------------------------

    def held(self) -> set[str]:
        """Every secret in the user's hands: printed, stored, or known from before."""
        places = {secret for secret, _ in self.places()}
        texts = [*(done.out for done in self.done), *(printed() for printed in self.printing)]
        printed = {found for text in texts for found in _SHAPE.findall(text)}
        return places | printed | ({self.old} if self.old else set())

    def places(self) -> Iterator[tuple[str, str]]:
        """Secrets with the place that they are in, read as their readers would read them."""
        for path in self.home.glob("*.key"):
            yield path.read_text().removesuffix("\n"), "file" if path.name == "new.key" else path.name
        with contextlib.suppress(OSError):
            for line in (self.home / "app.env").read_text().splitlines():
                if line.startswith("ASTALTY_KEY="):
                    yield line.removeprefix("ASTALTY_KEY=").strip("'\""), "dotenv"
        with contextlib.suppress(OSError):
            for text in json.loads(self.keyring.read_text()).values():
                yield text, "keyring"
        with contextlib.suppress(OSError):
            for text in _SHAPE.findall(self.taken.read_text()):
                yield text, "exec"
        if stored := self.stored():
            yield stored, "profile"

    def litter(self) -> Iterator[str]:
        """Files that hold a secret and are neither a sink nor the profile's own, and files open to others."""
        secrets = [made.secret.encode() for made in self.service.made]
        homes = {self.home / "app.env", self.config / "keys" / "default.json", *self.home.glob("*.key")}
        for path in self.home.rglob("*"):
            if path.is_symlink() or not path.is_file():
                continue
            data = path.read_bytes()
            if any(secret in data for secret in secrets):
                if path not in homes:
                    yield f"a secret is in {path.relative_to(self.home)}"
                if stat.S_IMODE(path.stat().st_mode) & 0o077:
                    yield f"{path.relative_to(self.home)} holds a secret and is open to others"


@contextlib.contextmanager
def world(shape: Shape, engine: Engine) -> Iterator[World]:
    """A fresh world in memory, signed in, with the key that the operation is about."""
    folder = Path(tempfile.mkdtemp(dir=template().parent))
    clock = Clock(utc_now())
    shutil.copy(template(), folder / "service.db")
    store = Store.open(folder / "service.db", clock=clock)
    made = World(shape, engine, folder, store, clock, Service(store))
    made.service.replica_path = folder / "replica.db"
    made.home.mkdir(mode=0o700)
    try:
        with engine.address(made) as made.base_url:
            own_id, made.own = made.key("cli")
            made.key("spare")  # so that no key is the account's last one
            made.sign_in(own_id, made.own)
            if shape.own:
                made.target, made.old = own_id, made.own.reveal()
            elif shape.operation != "create":
                made.target, secret = made.key("app")
                made.old = secret.reveal()
            made.service.target = made.target
            made.service.held = made.held
            made.lay_out()
            yield made
    finally:
        made.service.close()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)
