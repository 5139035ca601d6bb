"""Flags in groups: a title for `--help`, the flags, and the value that they make together."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Generic, TypeVar

T = TypeVar("T")


class Flags(Generic[T]):
    """A titled group of flags, declared by the parameters of the function that makes its value.

    A command takes groups (`@takes(FILTERS, OUTPUT, ACCOUNT)`) and reads `context.get(FILTERS)`. The
    variants that `only`, `without` and `described` return are read through the group they come from.
    """

    def __init__(
        self,
        title: str,
        make: Callable[..., T],
        *,
        omitted: frozenset[str] = frozenset(),
        help: Mapping[str, str] | None = None,  # noqa: A002
    ) -> None:
        self.title = title
        self.make = make
        self._omitted = omitted
        self._help = help or {}

    def without(self, *names: str) -> Flags[T]:
        return Flags(self.title, self.make, omitted=self._omitted | {*names}, help=self._help)

    def only(self, *names: str) -> Flags[T]:
        return self.without(*({each.name for each in self._declared()} - {*names}))

    def described(self, **texts: str) -> Flags[T]:
        """The same flags, some with a help text that fits one command better."""
        return Flags(self.title, self.make, omitted=self._omitted, help={**self._help, **texts})

    def parameters(self) -> Iterator[inspect.Parameter]:
        """What a command's signature gains by this group."""
        for each in self._declared():
            if each.name not in self._omitted:
                yield titled(each, self.title, self._help.get(each.name))

    def value(self, given: Mapping[str, Any]) -> T:
        """Make the value from a command's parsed parameters; flags that it lacks have their defaults."""
        names = {each.name for each in self._declared()} - self._omitted
        return self.make(**{name: given[name] for name in names if name in given})

    def _declared(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self.make, eval_str=True).parameters.values())


def titled(parameter: inspect.Parameter, title: str, text: str | None = None) -> inspect.Parameter:
    """The parameter under a title of `--help`, its default shown as it is typed."""
    kind, info = parameter.annotation.__origin__, copy.copy(parameter.annotation.__metadata__[0])
    info.rich_help_panel = title
    info.help = text or info.help
    spelled = getattr(info.parser, "spelled", None)
    if spelled and parameter.default not in {None, inspect.Parameter.empty}:
        info.show_default = False
        info.help = f"{info.help}  [default: {spelled(parameter.default)}]"
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, info])
