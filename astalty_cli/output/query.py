"""`--query`: a JMESPath expression, tried before anything is sent.

The library compiles what it cannot evaluate, and lets through what Python raises meanwhile. So every
exception of it is a fault of the expression.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any, Final, get_args, get_type_hints

import msgspec

from astalty_cli.base.errors import UsageError
from astalty_cli.output import machine

_LANGUAGE: Final = "The language is JMESPath: https://jmespath.org."
_EMPTY: Final[tuple[Any, ...]] = (None, [], {}, [{}])  # no type of data can be told from these


class Query:
    """A compiled expression. Raises UsageError for one that fails whatever the data is."""

    def __init__(self, expression: str) -> None:
        import jmespath
        from jmespath.exceptions import JMESPathError, JMESPathTypeError

        self._errors = JMESPathError, JMESPathTypeError
        try:
            self._compiled = jmespath.compile(expression)
        except Exception as error:  # noqa: BLE001
            raise UsageError(f"--query: {self._fault(error)}", hint=_LANGUAGE) from None
        for part in self._parts():
            self._try(part, _EMPTY, ignored=(JMESPathTypeError, TypeError))
        for sample in _EMPTY:
            self._ensure_json(self._compiled, sample)

    def try_on(self, model: type[msgspec.Struct]) -> None:
        """Raises UsageError for what fails on data of this model, be it one row or a list."""
        sample = _sample(model)
        self._try(self._compiled, (sample, [sample]), ignored=(self._errors[1],))

    def search(self, raw: bytes, rows: int = 1) -> Any:
        """Apply the expression to JSON text of so many rows. Raises UsageError if it does not fit."""
        try:
            found = self._compiled.search(machine.values(raw, rows))
            json.dumps(found, allow_nan=False)
        except Exception as error:  # noqa: BLE001
            raise UsageError(
                f"--query: {self._fault(error)} The call itself succeeded; only this failed.",
                hint="Leave out --query to see what there is, or use --json.",
            ) from None
        return found

    def _parts(self) -> Iterator[Any]:
        """The expression, and what of it may never be reached with empty data."""
        from jmespath.parser import ParsedResult

        yield self._compiled
        left = [self._compiled.parsed]
        while left:
            node = left.pop()
            left += [each for each in node["children"] if isinstance(each, dict)]
            if node["type"] in {"function_expression", "slice"}:
                yield ParsedResult(self._compiled.expression, node)

    def _try(self, part: Any, samples: tuple[Any, ...], ignored: tuple[type[Exception], ...]) -> None:
        for sample in samples:
            try:
                part.search(sample)
            except ignored:
                continue
            except Exception as error:  # noqa: BLE001
                raise UsageError(f"--query: {self._fault(error)}", hint=_LANGUAGE) from None

    def _ensure_json(self, part: Any, sample: Any) -> None:
        try:
            found = part.search(sample)
        except Exception:  # noqa: BLE001 - of this sample; it was tried before
            return
        try:
            json.dumps(found, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"--query: {self._fault(error)}", hint=_LANGUAGE) from None

    def _fault(self, error: Exception) -> str:
        """What is wrong with the expression, without the data that it was tried on."""
        any_error, type_error = self._errors
        if isinstance(error, type_error):
            expected = " or ".join(error.expected_types)
            return f"{error.function_name}() takes {expected}, not {error.actual_type}."
        if isinstance(error, RecursionError):
            return "the expression or the data is nested too deeply."
        text = " ".join(str(error).split())
        if isinstance(error, any_error):
            return text
        if "_Expression" in text:
            return "the result is an expression and no value."
        return f"{text.rstrip('.')}."


def _sample(hint: Any) -> Any:
    """A value of a type: of an optional one, the other; of a list, one of its elements."""
    if hint is msgspec.Raw or hint is Any:
        return None
    arguments = [each for each in get_args(hint) if each is not type(None)]
    if arguments:
        return [_sample(arguments[0])] if getattr(hint, "__origin__", None) is list else _sample(arguments[0])
    if isinstance(hint, type):
        if issubclass(hint, msgspec.Struct):
            return {name: _sample(each) for name, each in get_type_hints(hint).items()}
        if issubclass(hint, bool | int | float):
            return hint(1)
        if issubclass(hint, str | Enum | datetime):
            return "text"
    return None
