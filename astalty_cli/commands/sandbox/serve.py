"""`astalty sandbox serve`: the same API over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from astalty_cli.base.vocabulary import KeyStyle, Surface
from astalty_cli.cli.options import takes
from astalty_cli.cli.parameters import Choice, Whole, option
from astalty_cli.commands.sandbox.database import DATABASE
from astalty_cli.context import Context, require_sandbox


@takes()
def serve(
    context: Context,
    *,
    host: Annotated[str, option("--host", metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int,
        option("--port", metavar="PORT", type=Whole(0, 65535), help="Port to listen on; 0: any free one."),
    ] = 8787,
    database: Annotated[Path | None, DATABASE] = None,
    rate_limit: Annotated[
        int,
        option(
            "--rate-limit", metavar="N", type=Whole(0), help="Requests a minute for each key; 0: no limit."
        ),
    ] = 60,
    surface: Annotated[
        Surface,
        option("--surface", metavar="CALLS", type=Choice(Surface), help="Which calls to offer"),
    ] = Surface.FULL,
    key_style: Annotated[
        KeyStyle,
        option("--key-style", metavar="STYLE", type=Choice(KeyStyle), help="What new secrets look like"),
    ] = KeyStyle.ASTALTY,
    allow_remote: Annotated[
        bool, option("--allow-remote", help="Allow an address that other machines can reach.")
    ] = False,
) -> None:
    require_sandbox()
    from astalty_cli.api.contract import ENDPOINT_DASHBOARD
    from astalty_cli.sandbox import server
    from astalty_cli.sandbox.app import create_app
    from astalty_cli.sandbox.home import Home
    from astalty_cli.sandbox.pages.app import Pages, with_pages

    context.disable_time_limit()
    server.check_host(host, allow_remote=allow_remote)
    home = Home(database or context.sandbox.database, key_style)
    home.secret()
    store = home.open()
    address: str | None = None

    def show_link(path: str) -> None:
        if address is not None:
            context.output.note(f"Open the API Dashboard with this link, which works once: {address}{path}")

    def ready(base_url: str) -> None:
        nonlocal address
        address = server.loopback(base_url)
        context.output.write(f"{base_url}\n")
        context.program.streams.stdout.flush()
        pages.show_link()
        context.output.note(
            f"Serving {store.account().name} from {home.database}; its key is in {home.key_file}. "
            f"Its endpoints, to read and search: {base_url}{ENDPOINT_DASHBOARD}. Stop with Ctrl-C."
        )

    pages = Pages(store, show_link)
    try:
        app = with_pages(create_app(store, rate_limit=rate_limit, surface=surface), pages, store)
        server.serve(app, host, port, ready=ready)
    finally:
        store.close()
