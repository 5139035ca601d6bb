"""One run's world by hand: a page with keys, a machine that knows them, and a person who works with both."""

import contextlib
import json
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from astalty_cli.base.secret import Secret
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import API_KEY, Storage, Surface
from astalty_cli.config.credentials import FileCredentials
from astalty_cli.config.profiles import ConfigFile, Profile
from astalty_cli.config.record import Accuracy, RecordedKey, RecordFile, new_id
from astalty_cli.sandbox.store import Store
from tests.faults import home, plan
from tests.faults.by_hand.page import Page, Row
from tests.faults.by_hand.plan import Shape
from tests.faults.by_hand.service import PageService
from tests.faults.home import NAME, VAULT, Done, Engine, World
from tests.faults.plan import At, Fault
from tests.faults.service import Service
from tests.support.serving import Clock

_PARTICIPANTS: Final = 3  # so that accounts can be compared
_OLD_SLOT: Final = "astalty old "


@cache
def _foreign() -> tuple[Service, str]:
    """Another account at the same service, and the secret of a key of it."""
    path = home.template(_PARTICIPANTS).with_name("foreign.db")
    store = Store.open(path)  # with people of its own
    with store.database.write() as connection:  # the first ones are those of the run's account
        connection.execute("DELETE FROM goals")
        connection.execute(
            f"DELETE FROM participants WHERE id IN (SELECT id FROM participants LIMIT {_PARTICIPANTS})"
        )
    secret = store.keys.create("foreign", store.owner().id).secret
    assert secret is not None
    return Service(store, Surface.DOCUMENTED), secret.reveal()


def forget_foreign() -> None:
    if _foreign.cache_info().currsize:
        _foreign()[0].close()
        _foreign.cache_clear()


@dataclass
class State:
    """What a person carries from one command to the next: the clipboard, and the name they were told."""

    clipboard: Row | None = None
    told_name: str = ""

    def delivered(self, world: "HandWorld") -> bool:
        row = self.clipboard
        return row is not None and any(secret == row.secret for secret, _ in world.places())


@dataclass
class HandWorld(World):
    """`family` are the key that the operation is about and those that were created to replace it, or, for a
    creation, those that were created. `hands` are the secrets that the person keeps in mind.
    """

    service: PageService
    page: Page = field(init=False)
    family: list[Row] = field(default_factory=list)
    hands: set[str] = field(default_factory=set)
    other: str = ""  # the secret of another profile
    foreign: str = ""
    complaints: list[str] = field(default_factory=list)  # about what the program told the person to do
    environ: dict[str, str] = field(default_factory=lambda: {"COLUMNS": "9000"})  # so that nothing is folded
    state: State = field(default_factory=State)
    hand: Shape = field(default_factory=lambda: Shape("create"))

    @property
    def data(self) -> Path:
        return self.home / ".local" / "share" / "astalty"

    @property
    def slots(self) -> Path:
        return self.data / "keys" / "old"

    @property
    def record(self) -> Path:
        return self.config / "keys.toml"

    @property
    def name(self) -> str:
        """The target's, in the record."""
        operation = self.hand.operation
        return NAME if operation == "create" else "default" if self.hand.own else "app"

    # -- what is where ---------------------------------------------------------------------------

    def places(self) -> Iterator[tuple[str, str]]:
        for secret, place in super().places():
            if place != "keyring":
                yield secret, place
        with contextlib.suppress(OSError):
            for name, text in json.loads(self.keyring.read_text()).items():
                if not name.startswith(_OLD_SLOT):
                    yield text, "keyring"

    def in_hand(self) -> set[str]:
        """Secrets that are in no place because nothing asked for one: the person has put them away."""
        is_free = self.hand.operation == "create" and not self.hand.destinations
        return {row.secret for row in self.family} if is_free else set()

    def slot_files(self) -> Iterator[Path]:
        if self.slots.is_dir():
            yield from (path for path in self.slots.iterdir() if path.is_file())

    def slot_entries(self) -> Iterator[tuple[str, str]]:
        """The ids of journal entries, and the old secrets that are kept for them."""
        for path in self.slot_files():
            if path.suffix == ".json" and not path.name.startswith("."):
                yield path.stem, json.loads(path.read_text())["secret"]
        with contextlib.suppress(OSError):
            for name, text in json.loads(self.keyring.read_text()).items():
                if name.startswith(_OLD_SLOT):
                    yield name.split("\n")[1], text

    def required(self) -> set[str]:
        """The places that have to hold the new secret once it is delivered; those that can be read."""
        return {*self.hand.destinations, *(["profile"] if self.hand.own else [])}

    def entries(self) -> list[dict[str, Any]]:
        """What is open, as the journal has it."""
        found = []
        for path in self.journal.glob("*.json"):
            with contextlib.suppress(ValueError):
                found.append(json.loads(path.read_text()))
        return found

    def tidy_the_page(self) -> None:
        """What a person does who looks at the page: whatever of the family is in use nowhere is deleted."""
        in_use = {secret for secret, _ in self.places()} | self.hands | set(self.environ.values())
        for row in self.family:
            if row.secret not in in_use and any(each.secret in in_use for each in self.family):
                self.page.delete(row)

    def age(self, by: timedelta) -> None:
        """Let time pass for what is open."""
        for path in self.journal.glob("*.json"):
            entry = json.loads(path.read_text())
            for name in ("due_at", "started_at"):
                if entry.get(name):
                    moment = datetime.fromisoformat(entry[name]).astimezone(UTC) - by
                    entry[name] = moment.isoformat().replace("+00:00", "Z")
            path.write_text(json.dumps(entry))
        self.clock.move(hours=by / timedelta(hours=1))

    def litter(self) -> Iterator[str]:
        kept = {self.config / "keys" / "other.json", *self.slots.glob("*.json")}
        secrets = [row.secret.encode() for row in self.page.rows]
        for text in super().litter():
            if not any(text == f"a secret is in {path.relative_to(self.home)}" for path in kept):
                yield text
        for path in self.slot_files():
            if stat.S_IMODE(path.stat().st_mode) & 0o077 and any(
                each in path.read_bytes() for each in secrets
            ):
                yield f"the slot {path.name} is open to others"

    # -- what the user types ---------------------------------------------------------------------

    def words(self) -> list[str]:
        hand = self.hand
        how = ["--by-hand"] if hand.terminal or hand.operation == "revoke" else ["--with-token"]
        if not hand.terminal and (hand.operation == "revoke" or hand.grace == "0"):
            how.append("--yes")
        match hand.operation:
            case "create":
                return ["keys", "create", NAME, *how, *self.sink_words()]
            case "revoke":
                return ["keys", "revoke", self.name, "--allow-self", *how]
        return ["keys", "rotate", self.name, "--grace", hand.grace, *how, *self.sink_words()]

    def rival_words(self, kind: str) -> list[str]:
        if kind == "recover":
            return ["keys", "recover", "--yes"]
        return ["keys", "rotate", self.name, "--with-token", *self.sink_words()]

    # -- the machine before ----------------------------------------------------------------------

    def furnish(self) -> None:
        """Sign in with two profiles, and let the machine know the key that the run is about."""
        hand, page = self.hand, self.page
        own, other = page.create("cli", "before"), page.create("another profile", "before")
        page.create("unused", "before")
        self.own, self.other = Secret(own.secret), other.secret
        self.service.working = other.secret
        for profile, row in (("default", own), ("other", other)):
            FileCredentials(self.config / "keys").store(profile, self.base_url, Secret(row.secret))
            ConfigFile(self.config).save(
                profile,
                Profile(self.base_url, Storage.FILE, None, row.secret[-4:], self.store.account().name),
            )
        target = own
        if hand.operation != "create" and not hand.own:
            target = page.create("app", "before")
        if hand.operation != "create":
            self.family.append(target)
            self.old = target.secret
        self._record(own, other, target)
        self.lay_out()
        self._hold(target)

    def _record(self, own: Row, other: Row, target: Row) -> None:
        def edit(keys: list[RecordedKey]) -> None:
            named = {"default": own, "other": other, self.name: target}
            if self.hand.operation == "create":
                del named[self.name]
            for name, row in named.items():
                is_known = name not in {"default", "other"}  # `auth login` does not know page names
                keys.append(
                    RecordedKey(
                        name=name,
                        origin=self.base_url,
                        id=new_id(),
                        last_four=row.secret[-4:],
                        page_name=row.name if is_known else None,
                        created_at=utc_now().replace(microsecond=0),
                        created=Accuracy.APPROXIMATE,
                        destinations=self._recorded(name),
                    )
                )

        RecordFile(self.record, is_own=True).change(edit)

    def _recorded(self, name: str) -> list[str]:
        here = name == self.name and self.hand.held in {"dotenv", "keyring"}
        return [self.spec(self.hand.held)] if here else []

    def _hold(self, target: Row) -> None:
        """Put the old secret where the shape has it."""
        hand = self.hand
        path = self.home / "app.env"
        if hand.held == "dotenv" and not path.exists():  # a revocation's: it has no destinations
            path.write_text(f"ASTALTY_KEY={target.secret}\n")
            path.chmod(0o600)
        elif hand.held != "dotenv" and path.exists():
            path.write_text(path.read_text().replace(f"ASTALTY_KEY={self.old}\n", ""))
        if hand.held == "keyring":
            self.keyring.write_text(json.dumps({f"astalty {self.base_url}\n{VAULT}": target.secret}))
        if hand.held == "environment":
            self.environ[API_KEY] = target.secret
            self.hands.add(target.secret)
        if hand.held == "typed":
            self.hands.add(target.secret)

    def run_with(self, words: list[str], fault: Fault | None, *, blocked: bool = False) -> Done:
        """Run a command; `blocked`: no slot can be written meanwhile."""
        obstacle = self.slots if blocked and not self.slots.exists() else None
        if obstacle:
            obstacle.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            obstacle.write_text("")
        try:
            return self.run(*words, fault=fault)
        finally:
            if obstacle:
                obstacle.unlink()


@contextlib.contextmanager
def hand_world(shape: Shape, engine: Engine) -> Iterator[HandWorld]:
    """A fresh world in memory, with the key that the operation is about."""
    template = home.template(_PARTICIPANTS)
    folder = Path(tempfile.mkdtemp(dir=template.parent))
    clock = Clock(utc_now())
    shutil.copy(template, folder / "service.db")
    store = Store.open(folder / "service.db", clock=clock)
    foreign, secret = _foreign()
    service = PageService(store, foreign)
    service.foreign_secrets.add(secret)
    made = HandWorld(
        plan.Shape(shape.operation, shape.destinations, shape.own, shape.grace),
        engine, folder, store, clock, service, hand=shape, foreign=secret,
    )  # fmt: skip
    made.page = Page(store, service)
    made.home.mkdir(mode=0o700)
    try:
        with engine.address(made) as made.base_url:
            made.furnish()
            yield made
    finally:
        service.close()
        store.close()
        shutil.rmtree(folder, ignore_errors=True)


def is_slot_fault(fault: Fault | None) -> bool:
    return fault is not None and fault.at is At.PERSON and fault.kind == "slot-blocked"
