"""`astalty sandbox seed`: a big history to rehearse on."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from astalty_cli.base.durations import LONGEST
from astalty_cli.base.shell_words import quoted
from astalty_cli.cli.options import takes
from astalty_cli.cli.parameters import Whole, option
from astalty_cli.commands.sandbox.database import DATABASE
from astalty_cli.context import Context, require_sandbox

_LIST = "astalty history list -p sandbox"


@takes()
def seed(
    context: Context,
    *,
    entries: Annotated[
        int, option("--entries", metavar="N", type=Whole(1), help="How many requests to add.")
    ],
    days: Annotated[
        int, option("--days", metavar="D", type=Whole(1, LONGEST.days), help="Spread them over D days.")
    ] = 30,
    database: Annotated[Path | None, DATABASE] = None,
) -> None:
    require_sandbox()
    from astalty_cli.sandbox.home import Home
    from astalty_cli.sandbox.seed_entries import add_entries

    home = Home(database) if database else context.sandbox
    started = time.perf_counter()
    with contextlib.closing(home.open()) as store:
        add_entries(store, entries, timedelta(days=days))
    look = f"astalty sandbox serve --database {quoted(str(database))}" if database else _LIST
    period = "day" if days == 1 else f"{days} days"
    context.output.note(
        f"Added {entries:,} requests of the last {period} to {home.database} in"
        f" {time.perf_counter() - started:.0f} s. To look at them: {look}"
    )
