"""Shows on stderr what to do on the web page, and asks for the secrets that the page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from getpass import getpass
from typing import TYPE_CHECKING, Final

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.base.times import local
from astalty_cli.base.vocabulary import Access, access_name
from astalty_cli.context import Context
from astalty_cli.output.safe import visible

if TYPE_CHECKING:
    from astalty_cli.base.secret import Secret
    from astalty_cli.services.keys.by_hand.person import Deletion, PageKey

_MOST: Final = 16384  # characters of stdin: three secrets and the text around them


@dataclass
class WebPage:
    """A `Person` on the terminal; with `with_token` the secrets are lines of stdin, and no one is asked.

    `open_page`: show the web app in a browser too.
    """

    context: Context
    with_token: bool = False
    open_page: bool = False
    is_here: bool = False
    old_line: int = 1  # of stdin; the new secret is on line 0
    lines: list[str] | None = None  # of stdin, if they have been read already
    _done: int = field(default=0, init=False)  # steps before the new key is created
    _steps: int = field(default=0, init=False)

    @classmethod
    def of(cls, context: Context, *, with_token: bool, open_page: bool) -> WebPage:
        is_here = context.program.streams.can_ask and not with_token
        return cls(context, with_token, open_page, is_here)

    @property
    def can_paste(self) -> bool:
        return self.is_here or self.with_token

    def create(self, key: PageKey, replacing: PageKey | None) -> None:
        if self.with_token:  # the key exists already
            return
        level = access_name(key.access) if key.access else "the same as before" if replacing else _CHOOSE
        self._steps = self._done + (2 if replacing is None else 3)
        self._say(
            f"Step {self._done + 1} of {self._steps}: create a key in the web app",
            f"  {contract.MANAGE_KEYS} → Create API Key",
            f"  Name          {visible(key.page_name or '')}",
            f"  Access Level  {level}",
            *([] if replacing is None else ["  Keep the old key for now."]),
            f"Step {self._done + 2} of {self._steps}: copy the key that the web app shows, and paste it here",
        )
        self._open()

    def new_secret(self) -> Secret | None:
        if self.with_token:
            return self._next_line()
        return self._typed("  New key (not shown): ")

    def old_secret(self, name: str, last_four: str) -> Secret | None:
        if self.with_token:
            self.old_line += 1
            return self._next_line(self.old_line - 1)
        if not self.is_here:
            return None
        ends = f", ends in {last_four}" if last_four else ""
        self._say(f"The current secret of {name!r}{ends} is not stored here.")
        return self._typed("Current key (not shown; Enter to skip): ")

    def delete(self, deletion: Deletion) -> None:
        title = "delete the key in the web app" if deletion.new is None else "delete the old key"
        if deletion.comes_first:
            self._done = 1
            self._say(f"Step 1 of 3: {title}", *_which_one(deletion))
        else:
            self._say(self._last_step(title), *_which_one(deletion))
        self._open()

    def delete_later(self, deletion: Deletion, then: str) -> None:
        due = local(deletion.due_at)
        self._say(
            self._last_step(f"delete the old key after {due}"),
            *_which_one(deletion),
            f"  Then run      {then}",
        )

    def _last_step(self, title: str) -> str:
        return (
            f"Step {self._steps} of {self._steps}: {title}"
            if self._steps
            else f"{title[0].upper()}{title[1:]}"
        )

    def interrupted(self) -> None:
        if self.is_here:
            self.context.output.say("\n")

    def waiting(self, seen: str) -> None:
        self._say(seen)

    def _say(self, *lines: str) -> None:
        """What a person has to read to go on is said in quiet modes too."""
        if self.is_here:
            self.context.output.say("".join(f"{line}\n" for line in lines))
        else:
            self.context.output.note("\n".join(lines))

    def _open(self) -> None:
        if self.open_page and self.is_here:
            from astalty_cli.commands.shared.browser import show_web_app

            show_web_app(self.context)

    def _typed(self, prompt: str) -> Secret | None:
        from astalty_cli.config.settings import typed_secret

        if not self.is_here:
            return None
        streams = self.context.program.streams
        try:
            typed = getpass(prompt, stream=streams.stderr)
        except EOFError:
            self.context.output.say("\n")
            return None
        except KeyboardInterrupt:
            self.context.output.say("\n")
            raise
        return typed_secret(typed) if typed.strip() else None

    def _next_line(self, at: int = 0) -> Secret | None:
        """The new secret is the first line of stdin, the old one the second."""
        from astalty_cli.config.settings import typed_secret

        lines = self.read_lines()
        return typed_secret(lines[at]) if len(lines) > at else None

    def read_lines(self) -> list[str]:
        """Raises UsageError if stdin has none, before anything starts."""
        if self.lines is None:
            self.lines = stdin_lines(self.context)
            if not self.lines:
                raise UsageError("There is no key on stdin.", hint="Pipe it in: --with-token < FILE")
        return self.lines


def stdin_lines(context: Context) -> list[str]:
    """The lines of stdin that say something."""
    text = context.program.streams.stdin.read(_MOST)
    return [line for line in text.splitlines() if line.strip()]


def _which_one(deletion: Deletion) -> list[str]:
    """Where to go, and which key to delete: its name on the page, or how it differs from the new one."""
    old, new = deletion.old, deletion.new
    if old.page_name:
        which = old.page_name
    elif new is not None and new.page_name:
        which = "the older key"
    elif deletion.name is None:
        which = f"the key that ends in {old.last_four}" if old.last_four else "the leaked key"
    else:
        ends = f" (ends in {old.last_four})" if old.last_four else ""
        which = f"the key that is recorded as {deletion.name!r}{ends}"
    lines = [f"  {contract.MANAGE_KEYS}", f"  Delete        {visible(which)}"]
    return [*lines, f"  Keep          {visible(new.page_name)}"] if new and new.page_name else lines


_CHOOSE: Final = f"{access_name(Access.READ_ONLY)}, if reading is enough"
