"""YAML as JSON has it: text, numbers, true, false, null, lists, and objects with text for keys.

The rules are those of YAML 1.2: `no` and a date are text. An alias counts as what it stands for, so a small
file can't stand for a large one, and nothing here calls itself, so a deep one can't exhaust the stack.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import yaml

MAX_TEXT: Final = 4 * 1024 * 1024  # characters, which take about 5 s at worst
_MAX_SIZE: Final = 16 * 1024 * 1024  # characters and `_COST` for each value, aliases in full
_COST: Final = 8
_MAX_DEPTH: Final = 200
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?", re.ASCII)
_MERGE: Final = "<<"  # of YAML 1.1, and still written


class YamlError(ValueError):
    """Says what is wrong, as what follows "it is not usable YAML:"."""


def load(text: str) -> Any:
    """The value of the one document in `text`. Raises YamlError."""
    if len(text) > MAX_TEXT:
        raise YamlError(f"it is larger than {MAX_TEXT >> 20} MiB")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise YamlError(f"{place}{error.problem or error.context}") from None
    except yaml.YAMLError:
        raise YamlError("it has control characters") from None
    return builder.root


class _Node(NamedTuple):
    """A value; `size` and `height` are what an alias of it adds."""

    value: Any
    size: int
    height: int


@dataclass
class _Open:
    """A list or an object that has not ended. `key` waits for its value."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    size_before: int
    height: int = 0
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    def __init__(self) -> None:
        self.root: Any = None
        self._open: list[_Open] = []
        self._anchors: dict[str, _Node] = {}
        self._size = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end()
            case yaml.AliasEvent():
                self._alias(event.anchor)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise YamlError("it holds several documents")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        size = len(event.value) + _COST
        self._count(size)
        parent = self._open[-1] if self._open else None
        if parent and isinstance(parent.value, dict) and parent.key is None:
            if event.value in parent.value:
                raise YamlError(f"the key {event.value[:40]!r} is there twice")
            parent.key = event.value
            value: Any = event.value
        else:
            value = _plain(event.value) if event.implicit[0] else event.value
            self._add(_Node(value, size, 0))
        if event.anchor:
            self._anchors[event.anchor] = _Node(value, size, 0)

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._ensure_no_key("a list or an object")
        if len(self._open) >= _MAX_DEPTH:
            raise YamlError("it is nested too deeply")
        value: list[Any] | dict[str, Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(value, event.anchor, self._size))
        self._count(_COST)

    def _end(self) -> None:
        ended = self._open.pop()
        for each in ended.merged:
            ended.value = each | ended.value  # type: ignore[operator]  # only an object has some
        node = _Node(ended.value, self._size - ended.size_before, ended.height + 1)
        if ended.anchor:
            self._anchors[ended.anchor] = node
        self._add(node)

    def _alias(self, anchor: str | None) -> None:
        self._ensure_no_key("an alias")
        node = self._anchors.get(anchor or "")
        if node is None:
            raise YamlError(f"*{str(anchor)[:40]} stands for nothing, or for what it is in")
        if len(self._open) + node.height > _MAX_DEPTH:
            raise YamlError("it is nested too deeply")
        self._count(node.size)
        self._add(node)

    def _add(self, node: _Node) -> None:
        if not self._open:
            self.root = node.value
            return
        parent = self._open[-1]
        parent.height = max(parent.height, node.height)
        if isinstance(parent.value, list):
            parent.value.append(node.value)
            return
        key, parent.key = parent.key, None
        others = node.value if isinstance(node.value, list) else [node.value]
        if key == _MERGE and all(isinstance(each, dict) for each in others):
            parent.merged += others
        else:
            parent.value[str(key)] = node.value

    def _ensure_no_key(self, kind: str) -> None:
        parent = self._open[-1] if self._open else None
        if parent and isinstance(parent.value, dict) and parent.key is None:
            raise YamlError(f"{kind} is the key of an object")

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > _MAX_SIZE:
            raise YamlError("it stands for more than can be read")


def _plain(text: str) -> Any:
    """What a word without quotes means. A number that JSON can't hold stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
