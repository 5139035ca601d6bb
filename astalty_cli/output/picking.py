"""What is at a path of a row: for a cell, and for `--fields`."""

from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import Raw

from astalty_cli.base.errors import UsageError
from astalty_cli.output.fields import Field


def pick(row: bytes, path: str) -> bytes:
    """Return the JSON text at `path` of a JSON object, untouched; `null` if it is absent."""
    for part in path.split("."):
        try:
            row = bytes(_members(row).get(part, b"null"))
        except msgspec.DecodeError:
            return b"null"
    return row


def _members(row: bytes) -> dict[str, Raw]:
    try:
        return msgspec.json.decode(row, type=dict[str, Raw])
    except UnicodeDecodeError:  # a name that is no text hides no other member
        return msgspec.json.decode(row.decode("utf-8", "replace").encode(), type=dict[str, Raw])


def chosen(names: str, known: Sequence[Field], model: type[msgspec.Struct]) -> list[Field]:
    """The columns that `--fields a,b.c` asks for, in that order.

    Raises UsageError for a name that `model` does not have, before anything is sent.
    """
    by_path = {field.path: field for field in known}
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if not _exists(name.split("."), model):
            raise UsageError(f"There is no field {name!r}.", hint=f"Fields are: {', '.join(_names(model))}.")
    return [by_path.get(name, Field(name, name)) for name in wanted]


def _exists(parts: list[str], model: type[msgspec.Struct]) -> bool:
    hint = get_type_hints(model).get(parts[0])
    if hint is None:
        return False
    if len(parts) == 1 or hint is Raw:  # what is inside free JSON, as a body, nobody can check
        return True
    return any(_exists(parts[1:], inner) for inner in _structs(hint))


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    for candidate in get_args(hint) or (hint,):
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            yield candidate


def _names(model: type[msgspec.Struct]) -> Iterator[str]:
    for name, hint in get_type_hints(model).items():
        inner = [f"{name}.{sub}" for struct in _structs(hint) for sub in _names(struct)]
        yield from inner or [name]
