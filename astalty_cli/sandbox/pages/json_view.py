"""A logged body for reading: coloured by its kinds of value, and folded where it has parts."""

import re

import msgspec

from astalty_cli.sandbox.dashboard.markup import Html, join, tag

_LINES = 3000  # of more, a browser makes heavy weather: those come as plain text
_DEPTH = 40  # of folds within folds
_LINE = re.compile(r'(?P<indent> *)(?:(?P<name>"(?:[^"\\]|\\.)*+")(?P<colon>: ))?(?P<value>.*)', re.DOTALL)
_KINDS = {'"': "text", "t": "word", "f": "word", "n": "word"}


def pretty(body: msgspec.Raw) -> str:
    """The body as text: JSON in lines, anything else as it came."""
    data = bytes(body)
    if data.startswith(b'"'):  # what was no JSON was kept as a string
        return str(msgspec.json.decode(data))
    try:
        return msgspec.json.format(data, indent=2).decode()
    except (msgspec.DecodeError, RecursionError):
        return data.decode("utf-8", "replace")


def view(body: msgspec.Raw) -> Html:
    text = pretty(body)
    lines = text.split("\n")
    if not bytes(body).startswith((b"{", b"[")) or len(lines) > _LINES:
        return tag("pre", tag("code", text))
    return tag("div", _folded(lines), class_="json")


def _folded(lines: list[str]) -> Html:
    """Without recursion, since a body may be as deep as it is long."""
    written: list[str] = []
    depth = 0
    for line in lines:
        shown = _coloured(line)
        opens, closes = line.endswith(("{", "[")), line.lstrip().startswith(("}", "]"))
        if closes:
            depth -= 1
            written.append(shown)
            if depth < _DEPTH:
                written.append("</details>")
        elif opens:
            if depth < _DEPTH:
                written.append(f'<details open=""><summary>{shown}</summary>')
            else:
                written.append(shown)
            depth += 1
        else:
            written.append(shown)
    return Html("".join(written))


def _coloured(line: str) -> Html:
    parts = _LINE.fullmatch(line)
    assert parts is not None  # noqa: S101 - the pattern takes any line
    value, comma = parts["value"].removesuffix(","), "," if parts["value"].endswith(",") else ""
    kind = _KINDS.get(value[:1], "number" if value[:1].isdigit() or value[:1] == "-" else "")
    name = join(tag("span", parts["name"], class_="name"), parts["colon"]) if parts["name"] else join()
    shown = tag("span", value, class_=kind) if kind else join(value)
    return tag("span", parts["indent"], name, shown, comma, class_="line")
