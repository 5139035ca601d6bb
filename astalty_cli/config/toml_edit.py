"""Changing a TOML file that people edit too: their comments and fields of their own stay."""

from collections.abc import Callable, MutableMapping, MutableSequence
from typing import Any

Table = MutableMapping[str, Any]
Tables = MutableSequence[Any]
Change = Callable[[Tables], None]


def with_tables_changed(text: str, name: str, change: Change) -> str | None:
    """The text with its array of tables `name` changed, and nothing else.

    None where it cannot be changed so: what was written is read again and compared with what was meant.
    """
    import tomllib

    import tomlkit

    meant = tomllib.loads(text)
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
