"""TOML files that people edit too: reading them, and changing them so that comments stay."""

from collections.abc import Callable, MutableMapping, MutableSequence
from typing import Any, Final

Table = MutableMapping[str, Any]
Tables = MutableSequence[Any]
Change = Callable[[Tables], None]

MAX_BYTES: Final = 256 * 1024
_MAX_DOTS: Final = 200  # in a line: the time that a dotted key takes to read grows with their square


def load(text: str) -> dict[str, Any]:
    """What the text holds. Raises ValueError, with the reason, if it is not TOML of a usual size."""
    import tomllib

    if len(text) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} characters")
    if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
        raise ValueError(f"a line of it has more than {_MAX_DOTS} dots")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise
    except (ValueError, RecursionError):  # a number of thousands of digits, or of brackets
        raise ValueError("it has a number that is too long, or is nested too deeply") from None


def with_tables_changed(text: str, name: str, change: Change) -> str | None:
    """The text with its array of tables `name` changed, and nothing else.

    None if it cannot be changed so: what was written is read again and compared with what was meant.
    """
    import tomllib

    import tomlkit

    meant = load(text)
    change(meant.setdefault(name, []))
    try:
        document: Any = tomlkit.parse(text)
        if name not in document:
            document[name] = tomlkit.aot()
        change(document[name])
        written = tomlkit.dumps(document)
        return written if tomllib.loads(written) == meant else None
    except Exception:  # noqa: BLE001 - whatever the library makes of a text that is right
        return None


def put(table: Table, name: str, value: Any) -> None:
    """Set a value, a new one after the last value: comments at the end may be about the next table."""
    body = getattr(getattr(table, "value", None), "body", None)
    if name in table or body is None:
        table[name] = value
        return
    at_the_end: list[Any] = []
    while body and body[-1][0] is None:
        at_the_end.insert(0, body.pop())
    table[name] = value
    body.extend(at_the_end)


def append(tables: Tables, values: dict[str, Any]) -> None:
    """Add a table, with a blank line before it."""
    import tomlkit
    from tomlkit.items import AoT

    if tables and isinstance(tables, AoT):
        tables[-1].add(tomlkit.nl())
    tables.append(values)
