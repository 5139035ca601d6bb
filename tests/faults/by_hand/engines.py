"""Both engines with a person at the terminal: prompts are answered, and each wait may be interrupted."""

import io
import signal
import time
from collections.abc import Callable
from typing import Any, Final, Self

import pexpect

from astalty_cli.commands.shared import web_page
from tests.faults.by_hand.person import Leaves, Person
from tests.faults.by_hand.world import HandWorld, State
from tests.faults.by_process import LIMIT, ByProcess, environ_of
from tests.faults.home import Done, World
from tests.faults.in_process import InProcess, swap
from tests.faults.plan import At, Fault
from tests.faults.site.sitecustomize import SIGNALS
from tests.support.clock import Clock
from tests.support.shell import ASTALTY

_WIDE: Final = {"TERM": "dumb", "COLUMNS": "9000"}  # so that nothing is folded


class Sittings:
    """Who sits at the terminal, for each of the commands that run at once: a rival's comes last."""

    def __init__(self) -> None:
        self.people: list[Person] = []

    @property
    def now(self) -> Person:
        return self.people[-1]

    def begin(self, world: World, words: list[str], fault: Fault | None) -> Person:
        assert isinstance(world, HandWorld)
        state = State() if self.people else world.state
        with_somebody = world.hand.terminal or ("recover" in words and "--yes" not in words)
        terminal = with_somebody and not {"--json", "--with-token"} & set(words)
        person = Person(world, state, terminal, fault, lambda: world.service.let_rival("rotate"))
        self.people.append(person)
        return person


class _Terminal(io.StringIO):
    """A stream of a terminal; `readline` asks the person."""

    def __init__(self, ask: Callable[[], str] | None = None) -> None:
        super().__init__()
        self._ask = ask

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return "" if self._ask is None else self._ask()


class _Waiting(Clock):
    def __init__(self, engine: "HandInProcess") -> None:
        super().__init__()
        self._engine = engine

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._engine.sleeps(seconds)


class HandInProcess(InProcess):
    """In this process: `getpass`, stdin and every sleep are the person's."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = _Waiting(self)
        self.sittings = Sittings()
        self._shown: list[io.StringIO] = []

    def __enter__(self) -> Self:
        super().__enter__()
        swap(self._undo, web_page, "getpass", self._getpass)
        return self

    def streams(self) -> tuple[io.StringIO, io.StringIO]:
        terminal = self.sittings.now.terminal
        self._shown.append(_Terminal() if terminal else io.StringIO())
        stdin = _Terminal(self._answer) if terminal else io.StringIO(self._stdin)
        return stdin, self._shown[-1]

    def _execute(self, world: World, words: list[str], fault: Fault | None) -> Done:
        assert isinstance(world, HandWorld)
        with self.steps.unwatched():
            person = self.sittings.begin(world, words, fault)
            self._stdin = person.stdin(words)
        depth = len(self._shown)
        try:
            done = super()._execute(world, words, fault)
        finally:
            shown = "".join(each.getvalue() for each in self._shown[depth:])
            del self._shown[depth:]
            with self.steps.unwatched():
                person.ends(shown)
            self.sittings.people.pop()
        return _noticed(done, person)

    # -- waits -----------------------------------------------------------------------------------

    def _wait(self) -> None:
        """A wait begins: the fault may be a signal in it."""
        self.must_live()
        person = self.sittings.now
        number, fault = person.waits, person.fault
        person.waits += 1
        if fault is not None and fault.at is At.WAIT and fault.number == number:
            person.fired = True
            for signum in SIGNALS[fault.kind]:
                self._signal(signum)

    def _getpass(self, prompt: str, stream: Any = None) -> str:
        stream.write(prompt)
        self._wait()
        with self.steps.unwatched():
            typed = self.sittings.now.types_key(prompt, self._shown[-1].getvalue())
        stream.write("\n")
        if typed is None:
            raise EOFError
        return typed

    def _answer(self) -> str:
        self._wait()
        with self.steps.unwatched():
            return self.sittings.now.answers(self._shown[-1].getvalue()) + "\n"

    def sleeps(self, seconds: float) -> None:
        if not self.sittings.people or not self._shown:
            return
        self._wait()
        try:
            with self.steps.unwatched():
                self.sittings.now.waits_for_service(self._shown[-1].getvalue(), seconds)
        except Leaves:
            signal.raise_signal(signal.SIGINT)


class HandByProcess(ByProcess):
    """Each command in a process of its own, on a terminal of its own if the shape has one."""

    def __init__(self) -> None:
        super().__init__()
        self.sittings = Sittings()

    def _execute(self, world: World, words: list[str], fault: Fault | None) -> Done:
        assert isinstance(world, HandWorld)
        person = self.sittings.begin(world, words, fault)
        given = person.stdin(words)
        try:
            if person.terminal:
                done = self._on_terminal(world, words, fault, person)
            else:
                self.given = given.encode()
                done = super()._execute(world, words, fault)
            person.ends(done.err)
        finally:
            self.sittings.people.pop()
        return _noticed(done, person)

    def _on_terminal(self, world: HandWorld, words: list[str], fault: Fault | None, person: Person) -> Done:
        log = world.folder / f"steps-{len(self._children)}"
        log.unlink(missing_ok=True)
        environ: Any = {**environ_of(world, fault, log), **_WIDE}
        printed = world.folder / f"stdout-{len(self._children)}"
        child = pexpect.spawn(
            "sh", ["-c", f'exec "$0" "$@" > {printed}', str(ASTALTY), *words], env=environ,
            cwd=str(world.home), encoding="utf-8", timeout=LIMIT, dimensions=(60, 9000),
        )  # fmt: skip
        self._children.append(_Popen(child))  # type: ignore[arg-type]
        try:
            shown = _Dialogue(child, person).run()
        finally:
            child.close(force=True)
            self._children.pop()
        out = printed.read_text(errors="replace") if printed.exists() else ""
        steps = log.read_text().splitlines() if log.exists() else []
        fired = world.service.fired or any(line.startswith("!") for line in steps)
        around = fault is not None and fault.at in {At.EXEC, At.KEYRING}
        return Done(
            line=" ".join(words),
            code=child.exitstatus,
            out=out,
            err=shown.replace("\r\n", "\n"),
            fired=fired or around,
            log=tuple(world.service.log),
            steps=tuple(line[1:] for line in steps),
        )


class _Popen:
    """A pexpect child, as far as the service's signals need a `subprocess.Popen`."""

    def __init__(self, child: "pexpect.spawn[str]") -> None:
        self._child = child

    def poll(self) -> int | None:
        return None if self._child.isalive() else 0

    def send_signal(self, number: int) -> None:
        self._child.kill(number)


class _Dialogue:
    """Reads the terminal of a child, and types what the person says."""

    _ASKED: Final = (
        r"not shown\): ", r"Enter to skip\): ", r"\[y/N\] ", r"\n  Delete +[^\r\n]+\r\n",
    )  # fmt: skip

    def __init__(self, child: "pexpect.spawn[str]", person: Person) -> None:
        self._child, self._person = child, person
        self._shown = ""

    def run(self) -> str:
        """Until its end; all that the terminal showed."""
        child, person = self._child, self._person
        deadline = time.monotonic() + LIMIT
        patience = time.monotonic() + 30  # until which the person waits for the program
        while True:
            try:
                found = child.expect([*self._ASKED, pexpect.EOF], timeout=0.5)
            except pexpect.TIMEOUT:
                if time.monotonic() > deadline:
                    return f"{self._shown}{child.before}(hung for {LIMIT:.0f} s)"
                if patience and time.monotonic() > patience:
                    child.sendintr()
                    patience = time.monotonic() + 10
                continue
            self._shown += (child.before or "") + (child.after if isinstance(child.after, str) else "")
            if found == len(self._ASKED):
                return self._shown
            if self._interrupted():
                continue
            if found in {0, 1}:
                child.waitnoecho(20)
                typed = person.types_key(self._shown.rpartition("\n")[2], self._shown)
                if typed is None:
                    child.sendeof()
                else:
                    child.sendline(typed)
            elif found == 2:
                child.sendline(person.answers(self._shown))
            else:
                person.waits_for_service(self._shown, 15.0)
                patience = time.monotonic() + (3 if person.is_idle else 20)

    def _interrupted(self) -> bool:
        person, fault = self._person, self._person.fault
        number = person.waits
        person.waits += 1
        if fault is None or fault.at is not At.WAIT or fault.number != number:
            return False
        person.fired = True
        for signum in SIGNALS[fault.kind]:
            self._child.kill(signum)
        return True


def _noticed(done: Done, person: Person) -> Done:
    fields = {**vars(done), "fired": done.fired or person.fired}
    return Done(**fields)
