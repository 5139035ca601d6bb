"""Markdown with headings and tables of ours, in which no text of others can be more than a text."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

_SIGNS = re.compile(r"[\\`*_{}\[\]<>()#+!|~&$@=]|:(?=//)|(?<=www)\.", re.IGNORECASE)


class MarkdownText:
    """`visible` spells out what a reader would not see."""

    def __init__(self, visible: Callable[[str], str]) -> None:
        self._visible = visible

    def written_by(self, now: datetime, holds: str) -> str:
        return f"Written by `astalty keys panic`, {time_text(now)}. {holds}"

    def section(self, title: str, lines: list[str]) -> list[str]:
        return [f"## {title}", "", *(lines or ["None."]), ""]

    def table(self, heads: list[str], rows: list[list[str]]) -> list[str]:
        if not rows:
            return []
        cells = [heads, ["---"] * len(heads), *([self.cell(text) for text in row] for row in rows)]
        return [f"| {' | '.join(row)} |" for row in cells]

    def cell(self, text: str) -> str:
        """One line that no renderer takes for a cell's end, a link, an image or HTML."""
        return _SIGNS.sub(r"\\\g<0>", self._visible(text))


def time_text(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "–"
