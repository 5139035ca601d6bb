"""The clipboard, by the desktop's own program; over SSH or without a desktop, the terminal's, by OSC 52."""

import hashlib
import json
import secrets
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.durations import format_seconds
from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.destinations import clearing, programs
from astalty_cli.output.tty import controlling_terminal

_SECONDS: Final = 5.0
_LOOKS: Final = 20  # xsel returns a moment before it holds the clipboard
_BETWEEN_LOOKS: Final = 0.05
_NO_DISPLAY: Final = (b"open display", b"wayland server")  # of xclip and xsel; of wl-paste
_PLAIN_TERMINALS: Final = {"", "dumb", "linux"}  # they would show what they do not understand
_BUFFER: Final = "astalty"


@dataclass(frozen=True)
class Helper:
    """A program that puts its stdin on the clipboard; without `paste`, nobody can tell what is there."""

    copy: tuple[str, ...]
    paste: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.copy[0]


_MACOS: Final = Helper(("pbcopy",), ("pbpaste",), ("pbcopy",))
_WINDOWS: Final = Helper(("clip.exe",))
_WAYLAND: Final = Helper(("wl-copy",), ("wl-paste", "--no-newline"), ("wl-copy", "--clear"))
_XCLIP: Final = Helper(
    ("xclip", "-selection", "clipboard"),
    ("xclip", "-selection", "clipboard", "-o"),
    ("xclip", "-selection", "clipboard"),
)
_XSEL: Final = Helper(
    ("xsel", "--clipboard", "--input"),
    ("xsel", "--clipboard", "--output"),
    ("xsel", "--clipboard", "--clear"),
)


def suitable(environ: Mapping[str, str], platform: str) -> list[Helper]:
    """The programs for the desktop that the user sits at, the best first; over SSH that is not this one."""
    if "SSH_CONNECTION" in environ or "SSH_TTY" in environ:
        return []
    if platform == "darwin":
        return [_MACOS]
    windows = [_WINDOWS] if platform == "win32" or "WSL_DISTRO_NAME" in environ else []
    wayland = [_WAYLAND] if environ.get("WAYLAND_DISPLAY") else []
    x11 = [_XCLIP, _XSEL] if environ.get("DISPLAY") else []
    return windows + wayland + x11


@dataclass(frozen=True)
class Clipboard:
    """`clear_after` the time it is cleared, if it still holds the secret then; zero keeps it."""

    environ: Mapping[str, str] = field(repr=False)  # it may hold a key
    clear_after: timedelta
    platform: str = sys.platform

    @property
    def spec(self) -> str:
        return "clipboard"

    @property
    def readable(self) -> bool:
        """False: something else may have been copied since, and that is not ours to read."""
        return False

    @property
    def success_message(self) -> str:
        helper, seconds = self._helper, self.clear_after.total_seconds()
        if helper is None:
            return (
                "The secret was sent to the terminal for its clipboard. Whether it took it can only be seen "
                "by pasting, and it cannot be cleared from here."
            )
        if not helper.paste:
            return f"The secret was given to {helper.name}; it cannot be read back or cleared from here."
        if not seconds:
            return "The secret is on the clipboard, and stays there."
        wait = format_seconds(seconds)
        return f"The secret is on the clipboard; it is cleared in {wait} if it is still there."

    @property
    def way(self) -> str:
        """The program that is used, or the terminal's own clipboard."""
        return self._helper.name if self._helper else "The terminal's own, by OSC 52"

    def probe(self) -> None:
        helper = self._helper
        if helper is None:
            self._ensure_terminal()
        elif helper.paste:
            said = self._run(helper.paste, b"").err
            if any(words in said.lower() for words in _NO_DISPLAY):
                raise LocalError(
                    f"{helper.name} cannot reach the desktop: {programs.first_line(said)}",
                    hint="Check DISPLAY or WAYLAND_DISPLAY, or choose another destination with --to.",
                )

    def held(self) -> Secret | None:
        return None

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        helper, text = self._helper, secret.reveal().encode()
        if helper is None:
            self._send_to_terminal(text)
            return
        self._hand_over(helper.copy, text)
        if helper.paste:
            if not self._is_there(helper, text):
                raise LocalError(
                    f"{helper.name} accepted the secret and did not give it back.",
                    hint="Choose another destination with --to.",
                )
            if self.clear_after:
                self._clear_later(helper, text)

    @property
    def _helper(self) -> Helper | None:
        there = (
            helper
            for helper in suitable(self.environ, self.platform)
            if all(programs.found(argv[0], self.environ) for argv in (helper.copy, helper.paste) if argv)
        )
        return next(there, None)

    def _run(self, argv: tuple[str, ...], given: bytes) -> programs.Finished:
        return programs.run(argv, given=given, seconds=_SECONDS, environ=self.environ)

    def _hand_over(self, argv: tuple[str, ...], text: bytes) -> None:
        done = self._run(argv, text)
        if done.code != 0:
            raise LocalError(
                f"{argv[0]} did not take the secret ({programs.failure(done)}).",
                hint="Choose another destination with --to.",
            )

    def _is_there(self, helper: Helper, text: bytes) -> bool:
        for _ in range(_LOOKS):
            if self._run(helper.paste, b"").out == text:
                return True
            time.sleep(_BETWEEN_LOOKS)
        return False

    def _clear_later(self, helper: Helper, text: bytes) -> None:
        salt = secrets.token_bytes(16)
        order = {
            "seconds": self.clear_after.total_seconds(),
            "paste": helper.paste,
            "clear": helper.clear,
            "salt": salt.hex(),
            "hash": hashlib.sha256(salt + text).hexdigest(),
        }
        try:
            self._ensure_started((sys.executable, "-I", clearing.__file__), json.dumps(order).encode())
        except LocalError:
            self._run(helper.clear, b"")  # rather not there than there for good
            raise

    def _ensure_started(self, argv: tuple[str, ...], order: bytes) -> None:
        if self._run(argv, order).code != 0:
            raise LocalError(
                "Nothing could be set up to clear the clipboard, so the secret was taken off it.",
                hint="--clear-after 0 leaves it there for good.",
            )

    # -- the terminal's ----------------------------------------------------------------------------

    def _ensure_terminal(self) -> None:
        try:
            with controlling_terminal():
                if self.environ.get("TERM", "") not in _PLAIN_TERMINALS:
                    return
        except OSError:
            pass
        raise LocalError(
            "There is no clipboard here: neither a program for it nor a terminal that has one.",
            hint="Install wl-clipboard (Wayland), or xclip or xsel (X11), or use --to.",
        )

    def _send_to_terminal(self, text: bytes) -> None:
        if "TMUX" in self.environ and programs.found("tmux", self.environ):
            # It swallows OSC 52 from a program, wrapped or not, unless it was set up otherwise; asked
            # itself, it sends the terminal its own.
            self._hand_over(("tmux", "load-buffer", "-w", "-b", _BUFFER, "-"), text)
            self._run(("tmux", "delete-buffer", "-b", _BUFFER), b"")
            return
        with controlling_terminal() as terminal:
            terminal.write(f"\033]52;c;{b64encode(text).decode()}\a")
