"""The person at the terminal and at the web page: reads what the program says, and does it, or does not.

Whatever the program tells them to delete is judged by what holds at that moment.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from astalty_cli.base.vocabulary import API_KEY
from tests.faults.by_hand.page import Row
from tests.faults.by_hand.plan import DRESSED, PASTES
from tests.faults.by_hand.world import HandWorld, State
from tests.faults.plan import At, Fault

_NAME: Final = re.compile(r"^  Name +(.+?)\r?$", re.MULTILINE)
_DELETE: Final = re.compile(
    r"[dD]elete the (?:old key|key in the web app)(?P<later> after .+?)?\r?\n"
    r".+?\r?\n  Delete +(?P<which>.+?)\r?\n"
    r"(?:  Keep +(?P<keep>.+?)\r?\n)?"
)
_LATER: Final = re.compile(r"is due for deletion on ")
_DELETE_NEW: Final = "still exists in the web app. Delete it there"
_SET_AGAIN: Final = "still holds the old secret: set it again"
_WAITING: Final = re.compile(r"The service still accepts the key that ends in \S{4}")
_LAST_FOUR: Final = re.compile(r"ends in (\S{4})\b")
_A_LOOK: Final = 10.0  # seconds: shorter waits are not for a person
_PATIENCE: Final = 12  # looks at a key that is not deleted, before the person leaves


class Leaves(Exception):  # noqa: N818 - nothing is wrong
    """The person presses Ctrl-C, since there is nothing that they want to do."""


@dataclass
class Person:
    """One person, for the length of one command. `terminal`: where they can be asked.

    `fault` is what they, or others at the page, do wrong. `state` is what outlives a command.
    """

    world: HandWorld
    state: State
    terminal: bool
    fault: Fault | None = None
    rival: Callable[[], None] = lambda: None
    waits: int = 0
    fired: bool = False
    _read: int = 0
    _pasted: int = 0
    _looks: int = 0
    _to_delete: Row | None = None

    def __post_init__(self) -> None:
        page = self.world.page
        kind = self._kind
        page.lag_new = int(kind[8:]) if kind.startswith("lag-new-") else 0
        page.lag_old = int(kind[8:]) if kind.startswith("lag-old-") else 0

    @property
    def _kind(self) -> str:
        return self.fault.kind if self.fault is not None and self.fault.at is At.PERSON else ""

    def _once(self, *kinds: str) -> str:
        """The fault, if it is one of these and has not happened yet in this command."""
        if self._kind not in kinds or self.fired:
            return ""
        self.fired = True
        return self._kind

    # -- what is read ----------------------------------------------------------------------------

    def reads(self, text: str) -> None:
        """All that stderr has shown so far."""
        new, self._read = text[self._read :], len(text)
        world, page = self.world, self.world.page
        for match in _NAME.finditer(new):
            self.state.told_name = match[1]
        for match in _DELETE.finditer(new):
            if match["later"]:
                self.judge(self._found(match["which"], match["keep"]), "said when to delete the old key")
            else:
                self._told_to_delete(match["which"], match["keep"])
        if _LATER.search(new):
            self.judge(next(iter(world.family), None), "said when to delete the old key")
        if _DELETE_NEW in new and self.state.clipboard:
            row, self.state.clipboard = self.state.clipboard, None
            if any(secret == row.secret for secret, _ in world.places()):
                world.complaints.append(f"it said that {row.name!r} should be deleted, which is in use")
            page.delete(row)
        if waiting := _WAITING.search(new):  # said where nobody can be waited for
            self._to_delete = self._found(waiting[0])
            self.judge(self._to_delete, "said that it waits for a deletion")
        if _SET_AGAIN in new:
            self._set_again()

    def _set_again(self) -> None:
        for secret, place in self.world.places():
            if place in {"file", "exec"}:
                self.world.environ[API_KEY] = secret

    def _told_to_delete(self, which: str, keep: str | None) -> None:
        row, family = self._found(which, keep), self.world.family
        if row is None:
            if family and self.world.page.works(family[0].secret) and len(family) < 3:
                self.world.complaints.append(f"it said to delete {which}, which is not on the page")
        else:
            self.judge(row, f"said to delete {which}")
        self._to_delete = row

    def _found(self, which: str, keep: str | None = None) -> Row | None:
        world = self.world
        active = world.page.active()
        if which == "the older key":
            return next((row for row in world.family if row in active and row.name != keep), None)
        if match := _LAST_FOUR.search(which):
            return next((row for row in active if row.secret[-4:] == match[1]), None)
        return world.page.named(which)

    def _oldest(self) -> Row | None:
        """The oldest key of the family that is on the page."""
        active = self.world.page.active()
        return next((row for row in self.world.family if row in active), None)

    def judge(self, row: Row | None, what: str) -> None:
        """A deletion was asked for: is it of an old key, and is a newer one verified and delivered?"""
        world = self.world
        if row is None or world.hand.operation == "revoke":
            return
        if row not in world.family:
            world.complaints.append(f"{what}, which is another key")
            return
        newer = {each.secret for each in world.family[world.family.index(row) + 1 :]}
        places: dict[str, set[str]] = {}
        for secret, place in world.places():
            places.setdefault(place, set()).add(secret)
        for place in world.required():
            if not places.get(place, set()) & newer:
                world.complaints.append(f"{what} while {place} has no newer secret")
        if not newer & world.service.accepted:
            world.complaints.append(f"{what} before the new key was verified")

    # -- what is done ----------------------------------------------------------------------------

    def types_key(self, prompt: str, shown: str) -> str | None:
        """What is pasted at a hidden prompt; None is the end of input."""
        self.reads(shown)
        self._meanwhile()
        if prompt.lstrip().startswith("Current"):
            return self._known_old(shown)
        return self._pastes()

    def _known_old(self, shown: str) -> str:
        ends = _LAST_FOUR.findall(shown)
        found = [secret for secret in self.world.hands if ends and secret[-4:] == ends[-1]]
        return found[0] if found else ""

    def _pastes(self) -> str | None:
        if self._once("deletes-before-paste") and self.world.family:
            self.world.page.delete(self.world.family[0])
        self._pasted += 1
        row = self.created()
        if self._kind in PASTES and (self._pasted == 1 or (self.fault and self.fault.number == 1)):
            self.fired = True
            return self._wrong(row)
        if self._once("deletes-before-delivery") and self.world.family:
            old = self.world.family[0]
            self.world.service.later(2, lambda: self.world.page.delete(old))
        return self._dressed(row.secret)

    def _dressed(self, secret: str) -> str:
        forms = {"quoted": f'"{secret}"', "bearer": f"Bearer {secret}", "spaced": f" \t{secret} "}
        return forms[self._once(*DRESSED)] if self._kind in DRESSED and not self.fired else secret

    def _wrong(self, row: Row) -> str | None:
        world = self.world
        return {
            "garbage": "this is what was on the clipboard",
            "truncated": row.secret[:-6],
            "foreign": world.foreign,
            "profile": world.other,
            "old": world.old or world.own.reveal(),
            "empty": "",
            "end-of-input": None,
        }[self._kind]

    def created(self) -> Row:
        """The key that was just created on the page: the one on the clipboard, or another one."""
        world, state = self.world, self.state
        if state.clipboard is not None and world.page.works(state.clipboard.secret):
            return state.clipboard
        seen = {secret for secret, place in world.places() if place != "exec"}  # which keeps all it ever got
        for row in world.page.active():  # created before, and its secret is nowhere: of no use any more
            if row.whose == "person" and row.secret not in seen:
                world.page.delete(row)
        state.clipboard = world.page.create(state.told_name or self._usual_name(), "person")
        world.family.append(state.clipboard)
        return state.clipboard

    def _usual_name(self) -> str:
        """What a person calls a key who was not told a name; the documentation says how."""
        name = self.world.name
        return name if self.world.hand.operation == "create" else f"{name} {datetime.now(UTC).date()}"

    def answers(self, question: str) -> str:
        self.reads(question)
        self._meanwhile()
        return "n" if self._kind == "declines" else "y"

    def waits_for_service(self, shown: str, seconds: float) -> None:
        """The program sleeps; whoever reads that a key is to be deleted does it now. May raise Leaves."""
        self.reads(shown)
        self._looks += seconds >= _A_LOOK
        if self._looks > _PATIENCE:
            raise Leaves
        if self._to_delete is not None and self.terminal:
            self._meanwhile()
            self._deletes(self._to_delete)

    def _deletes(self, row: Row) -> None:
        world = self.world
        newest = world.family[-1] if world.family else row
        if self._kind == "never":
            self.fired = True
        elif newest != row and self._once("deletes-new"):
            world.page.delete(newest)
            world.hands.add(world.old)  # says how to go back
        elif newest != row and self._once("deletes-both"):
            world.page.delete(newest)
            world.page.delete(row)
        elif self._kind not in {"deletes-new", "deletes-both"} or not self.fired:
            world.page.delete(row)

    @property
    def is_idle(self) -> bool:
        """Whether they will not do what the program waits for."""
        return self._kind == "never"

    def _meanwhile(self) -> None:
        """What others do at the page, or on this machine."""
        page = self.world.page
        match self._once("stranger-creates", "stranger-deletes", "rival-rotate"):
            case "stranger-creates":
                page.create(f"{self.world.name} of a colleague", "stranger")
            case "stranger-deletes":
                if row := page.named("unused"):
                    page.delete(row)
            case "rival-rotate":
                self.rival()

    # -- without a terminal ----------------------------------------------------------------------

    def stdin(self, words: list[str]) -> str:
        """What is piped to `--with-token`: the new secret, and the old one on the line behind it."""
        if "--with-token" not in words:
            return ""
        world = self.world
        old = next(iter(world.hands), "")
        if words[1] == "revoke":
            return f"{old}\n" if old else "\n"
        entry = next(
            (each for each in world.entries() if words[1] == "recover" and each["id"] in words), None
        )
        if entry is not None and entry["phase"] == "awaiting_deletion":
            return f"{old}\n"
        if entry is not None and entry["phase"] != "awaiting_secret" and self.state.clipboard is None:
            return f"\n{old}\n"  # nothing has asked for a new key
        self._meanwhile()
        pasted = self._pastes() or ""
        return f"{pasted}\n{old}\n" if old else f"{pasted}\n"

    def ends(self, shown: str) -> None:
        """After the command: what has to be deleted is, and the clipboard is used for other things."""
        self.reads(shown)
        if self._to_delete is not None:
            self._deletes(self._to_delete)
        if self._once("forgets") or self.state.delivered(self.world):
            self.state.clipboard = None
