"""Types of parameters: how a word becomes a value, which words there are, and how help names them.

Each is given to typer as a `parser`, so that help, completion and the command tree read the choices from
the same place as the parser does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import typer

from astalty_cli.base.durations import parse_duration, typed

if TYPE_CHECKING:
    from astalty_cli.context import Context

V = TypeVar("V")
E = TypeVar("E", bound=StrEnum)
Offer = tuple[str, str]  # a value that can be chosen, and the line that people choose it by
_MAX_SECONDS: Final = 86_400.0


class ParameterType(Generic[V]):
    """Turns a word into a value by `read`, which raises ValueError with a sentence for the user.

    `words` are all the words there are, if they can be listed.
    """

    words: Collection[str] = ()
    is_file = False

    def __init__(self, read: Callable[[str], V]) -> None:
        self._read = read

    def __call__(self, given: V | str) -> V:
        """Parse what was typed; typer also passes defaults through this."""
        if not isinstance(given, str):
            return given
        try:
            return self._read(given)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    def described(self, text: str) -> str:
        """A help text, with the words that can be typed."""
        return text

    def spelled(self, value: Any) -> str:
        """A value as it is typed, for the default in help."""
        return str(value)

    def completions(self, incomplete: str) -> Iterable[str]:  # noqa: ARG002 - typer picks those that fit
        return self.words

    def offers(self, context: Context) -> list[Offer]:  # noqa: ARG002 - for those that have to ask
        """What a person without a value can choose from."""
        return [(word, "") for word in self.words]


class FileName(ParameterType[str]):
    """A file, or `-`: the shell completes it."""

    is_file = True

    def __init__(self) -> None:
        super().__init__(str)


class Choice(ParameterType[E]):
    """One word of an enumeration, typed with hyphens for underscores."""

    def __init__(self, words: type[E]) -> None:
        self._members = {self.spelled(word): word for word in words}
        self.words = tuple(self._members)
        super().__init__(self._member)

    def spelled(self, value: Any) -> str:
        return str(value).replace("_", "-")

    def _member(self, text: str) -> E:
        if text not in self.words:
            raise ValueError(f"{text!r} is not one of {', '.join(self.words)}")
        return self._members[text]

    def described(self, text: str) -> str:
        return f"{text.rstrip('.')}: {_listed(self.words)}."


class Choices(ParameterType[str]):
    """One or more words, separated by commas."""

    def __init__(self, words: Collection[str], fold: Callable[[str], str] = str) -> None:
        self.words, self._fold = tuple(words), fold
        super().__init__(self._joined)

    def _joined(self, text: str) -> str:
        wanted = [self._fold(each.strip()) for each in text.split(",")]
        if unknown := [each for each in wanted if each not in self.words]:
            raise ValueError(f"{unknown[0]!r} is not one of {', '.join(self.words)}")
        return ",".join(wanted)

    def described(self, text: str) -> str:
        return f"{text.rstrip('.')}, comma-separated: {', '.join(self.words)}."

    def completions(self, incomplete: str) -> Iterable[str]:
        return some_of(self.words, incomplete)


class Sort(ParameterType[str]):
    """Fields to sort by, each with `-` before it for descending order."""

    def __init__(self, fields: Collection[str]) -> None:
        self.words = tuple(fields)
        super().__init__(self._checked)

    def _checked(self, text: str) -> str:
        for each in text.split(","):
            if each.removeprefix("-") not in self.words:
                raise ValueError(
                    f"{each!r} is not one of {', '.join(self.words)}, or one of these after a '-'"
                )
        return text

    def described(self, text: str) -> str:
        return f"{text.rstrip('.')}: {_listed(self.words)}; - reverses."

    def completions(self, incomplete: str) -> Iterable[str]:
        return some_of(self.words, incomplete)


class Whole(ParameterType[int]):
    """A whole number within bounds."""

    def __init__(self, least: int, most: int | None = None) -> None:
        self._least, self._most = least, most
        super().__init__(self._checked)

    def _checked(self, text: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", text) and self._least <= int(text) <= (self._most or int(text)):
            return int(text)
        bounds = f"from {self._least} up" if self._most is None else f"from {self._least} to {self._most}"
        raise ValueError(f"{text!r} is not a whole number {bounds}")


class Duration(ParameterType[timedelta]):
    """A duration such as 24h. `bare_seconds`: a number without a unit is seconds."""

    def __init__(
        self, read: Callable[[str], timedelta] = parse_duration, *, bare_seconds: bool = False
    ) -> None:
        def seconds(text: str) -> timedelta:
            return read(f"{text}s" if text.isascii() and text.isdigit() else text)

        super().__init__(seconds if bare_seconds else read)

    def spelled(self, value: Any) -> str:
        return typed(value)


class Seconds(ParameterType[float]):
    """Seconds for a whole command, a fraction allowed."""

    def __init__(self) -> None:
        super().__init__(self._checked)

    def _checked(self, text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= _MAX_SECONDS:
            raise ValueError(f"{text!r} is not a number of seconds from above 0 to {_MAX_SECONDS:.0f}")
        return seconds


def option(
    *names: str,
    help: str,  # noqa: A002
    type: ParameterType[Any] | None = None,  # noqa: A002
    metavar: str | None = None,
    completions: Callable[..., Any] | None = None,
    **settings: Any,
) -> Any:
    """Declare an option; its type lists the choices in help and on Tab."""
    return typer.Option(
        *names,
        parser=type,
        metavar=metavar,
        help=type.described(help) if type else help,
        autocompletion=completions or (type.completions if type and type.words else None),
        **settings,
    )


def argument(
    metavar: str,
    *,
    help: str = "",  # noqa: A002
    type: ParameterType[Any] | None = None,  # noqa: A002
    completions: Callable[..., Any] | None = None,
) -> Any:
    """Declare an argument; see `option`."""
    return typer.Argument(
        metavar=metavar,
        parser=type,
        help=(type.described(help) if type else help) or None,
        autocompletion=completions or (type.completions if type and type.words else None),
    )


def some_of(words: Collection[str], incomplete: str) -> list[str]:
    """Completions of the last of several words with commas between them."""
    before = incomplete[: incomplete.rfind(",") + 1]
    taken = before.split(",")
    return [before + word for word in words if word not in taken]


def _listed(words: Collection[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
