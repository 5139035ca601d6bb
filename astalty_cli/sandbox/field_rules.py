"""Laravel's validation messages, derived from the types of a struct's fields."""

from typing import Any

import msgspec
from msgspec import inspect


def complaints(values: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, list[str]]:
    """Say for each field of `kind` what is wrong with its value, in the order of the fields."""
    found = {}
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - it is the type's own promise
    for field in info.fields:
        name, label = field.encode_name, field.encode_name.replace("_", " ")
        if name not in values:
            if field.required:
                found[name] = [f"The {label} field is required."]
            continue
        if message := _complaint(values[name], field.type):
            found[name] = [message.format(label=label)]
    return found


def _complaint(value: object, kind: inspect.Type) -> str | None:
    if isinstance(kind, inspect.UnionType):
        if value is None and kind.includes_none:
            return None
        kind = next(option for option in kind.types if not isinstance(option, inspect.NoneType))
    match kind:
        case inspect.EnumType(cls=choices) if value not in list(choices):
            return "The selected {label} is invalid."
        case inspect.StrType() | inspect.IntType() if value is None:
            return "The {label} field is required."
        case inspect.StrType():
            return _string_complaint(value, kind)
        case inspect.IntType():
            return _integer_complaint(value, kind)
    return None


def _string_complaint(value: object, kind: inspect.StrType) -> str | None:
    if not isinstance(value, str):
        return "The {label} field must be a string."
    if len(value) < (kind.min_length or 0):
        return "The {label} field is required."
    if kind.max_length is not None and len(value) > kind.max_length:
        return f"The {{label}} field must not be greater than {kind.max_length} characters."
    return None


def _integer_complaint(value: object, kind: inspect.IntType) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "The {label} field must be an integer."
    if kind.ge is not None and value < kind.ge:
        return f"The {{label}} field must be at least {kind.ge}."
    if kind.le is not None and value > kind.le:
        return f"The {{label}} field must not be greater than {kind.le}."
    return None
