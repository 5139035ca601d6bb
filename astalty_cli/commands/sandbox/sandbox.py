"""`astalty sandbox`: the same API on this machine, with its own data."""

from __future__ import annotations

import contextlib
import time
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from astalty_cli.base.shell_words import quoted
from astalty_cli.base.times import LONGEST
from astalty_cli.cli.options import ASK, OUTPUT, takes, whole
from astalty_cli.context import Context, require_sandbox
from astalty_cli.output import columns

_LIST = "astalty history list -p sandbox"
_DATABASE = typer.Option("--database", metavar="FILE", help="Else the sandbox profile's own.")


@takes()
def tour(context: Context) -> None:
    require_sandbox()
    from astalty_cli.commands.sandbox.tour import Tour

    Tour(context.program).run()


@takes()
def serve(
    context: Context,
    *,
    host: Annotated[str, typer.Option("--host", metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", parser=whole(0, 65535), metavar="PORT", help="0 takes a free one.")
    ] = 8787,
    database: Annotated[Path | None, _DATABASE] = None,
    rate_limit: Annotated[
        int,
        typer.Option(
            "--rate-limit",
            parser=whole(0),
            metavar="N",
            help="Requests a minute for each key; 0: no limit (told to clients as 1000000).",
        ),
    ] = 60,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen on an address that other machines reach.")
    ] = False,
) -> None:
    require_sandbox()
    from astalty_cli.api.contract import ENDPOINT_DASHBOARD
    from astalty_cli.sandbox import server
    from astalty_cli.sandbox.app import create_app
    from astalty_cli.sandbox.home import Home

    context.disable_time_limit()
    server.check_host(host, allow_remote=allow_remote)
    home = Home(database) if database else context.sandbox
    home.secret()
    store = home.open()

    def ready(base_url: str) -> None:
        context.output.write(f"{base_url}\n")
        context.program.streams.stdout.flush()
        context.output.note(
            f"Serving {store.account().name} from {home.database}; its key is in {home.key_file}. "
            f"Its endpoints, to read and search: {base_url}{ENDPOINT_DASHBOARD}. Stop with Ctrl-C."
        )

    try:
        app = create_app(store, rate_limit=rate_limit)
        server.serve(app, host, port, ready=ready)
    finally:
        store.close()


@takes()
def seed(
    context: Context,
    *,
    entries: Annotated[
        int,
        typer.Option("--entries", parser=whole(1), metavar="N", help="How many requests to add."),
    ],
    days: Annotated[
        int,
        typer.Option(
            "--days", parser=whole(1, LONGEST.days), metavar="D", help="Spread over the last D days."
        ),
    ] = 30,
    database: Annotated[Path | None, _DATABASE] = None,
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


@takes(OUTPUT)
def info(
    context: Context,
    *,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the sandbox's own key.")] = False,
) -> None:
    import msgspec

    from astalty_cli.commands.shared.records import SandboxInfo
    from astalty_cli.config.settings import SANDBOX_ORIGIN

    home, output = context.sandbox, context.output
    shown = output.columns(columns.SANDBOX, SandboxInfo)
    secret, store = home.secret(), home.open()
    owner, account = store.owner(), store.account()
    store.close()
    facts = SandboxInfo(
        account.name,
        owner.name,
        owner.email,
        str(home.database),
        str(home.key_file),
        SANDBOX_ORIGIN,
        secret.reveal() if reveal else f"…{secret.last_four}",
    )
    output.item(msgspec.json.encode(facts), shown)
    if output.result_wanted:
        return
    output.note(
        "\nIn this process:  astalty keys list -p sandbox   (or ASTALTY_PROFILE=sandbox)\n"
        "Over HTTP:        astalty sandbox serve\n"
        "  KEY=$(astalty sandbox info --reveal --query key)\n"
        "  printf 'Authorization: Bearer %s' \"$KEY\" |\n"
        "    curl --header @- http://127.0.0.1:8787/public/v1/participants\n"
        "Its endpoints, to read and search, are then at http://127.0.0.1:8787/docs."
    )


@takes(ASK)
def reset(context: Context) -> None:
    from astalty_cli.config.settings import SANDBOX_ORIGIN

    home = context.sandbox
    context.output.ensure_confirmed(f"Remove {home.database} with its keys and its history?")
    home.reset()
    for entry in context.journal.contents().entries:
        if entry.base_url == SANDBOX_ORIGIN:
            context.journal.close(entry)
    context.output.note("Removed. The next use makes a new one.")
