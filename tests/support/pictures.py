"""Draws the pictures of the documentation: `python -m tests.support.pictures` writes docs/pictures/*.svg.

Each is what the real command prints on a terminal, in a new sandbox. No test compares them byte for byte:
ids, secrets and times are new each time.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tests.support.pages import DOCS
from tests.support.shell import Shell
from tests.support.terminal import Terminal

FOLDER = DOCS / "pictures"
COLUMNS = 100

_THEME = TerminalTheme(
    (27, 31, 36),
    (222, 226, 230),
    [
        *[(27, 31, 36), (240, 113, 120), (126, 200, 120), (230, 190, 100)],
        *[(110, 170, 245), (200, 150, 235), (95, 200, 205), (222, 226, 230)],
    ],
    [
        *[(130, 138, 146), (250, 140, 145), (150, 220, 145), (245, 210, 130)],
        *[(140, 190, 250), (215, 175, 245), (130, 220, 225), (250, 250, 250)],
    ],
)

# As rich's own, without the font that it would fetch.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{
    font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
    font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
<rect fill="#1b1f24" width="100%" height="100%" rx="8"/>
<g transform="translate(26, 22)" fill="#4a525a">
<circle r="7"/><circle cx="22" r="7"/><circle cx="44" r="7"/>
</g>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def pictures(shell: Shell) -> Iterator[tuple[str, str]]:
    """Each picture's name, and its SVG."""
    shell.environ["ASTALTY_PROFILE"] = "sandbox"
    for name, line in [
        ("keys", "keys list"),
        ("audit", "keys audit"),
        ("stats", "history stats --since 7d --by key"),
        ("new-secret", "keys create ci-deploy"),
        ("rotation", "keys rotate 'Payroll export' --grace 48h --to dotenv:payroll.env#ASTALTY_API_KEY"),
    ]:
        yield name, drawn(name, line, printed(shell, line))
    entry = shell("history list --status 422 -L 1 --query [0].id").out.strip()
    line = f"history show {entry}"
    yield "request", drawn("request", line, printed(shell, line))


def printed(shell: Shell, line: str) -> str:
    terminal = Terminal(shell, line, columns=COLUMNS, lines=70)
    terminal.ends()
    return terminal.raw.replace("\r\n", "\n").replace(str(shell.home), "/home/you")


def drawn(name: str, line: str, output: str) -> str:
    console = Console(
        width=COLUMNS, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(Text(f"$ astalty {line}", style="bold"), soft_wrap=True)
    console.print(Text.from_ansi(output.rstrip("\n")), soft_wrap=True)
    return console.export_svg(theme=_THEME, code_format=_FORMAT, unique_id=name)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for name, svg in pictures(Shell(Path(folder))):
            (FOLDER / f"{name}.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
