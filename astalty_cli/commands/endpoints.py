"""`astalty endpoints`: the Endpoint Dashboard, from the service's own OpenAPI document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.hiding import hide_bytes
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import FileName, ParameterType, argument, option
from astalty_cli.commands.shared.browser import open_dashboard
from astalty_cli.context import Context
from astalty_cli.openapi import METHODS

if TYPE_CHECKING:
    from astalty_cli.services.endpoints.catalogue import Reading

REFRESH = option("--refresh", help="Fetch the catalogue again instead of using the local copy.")
FROM = option(
    "--from",
    metavar="FILE|URL",
    type=FileName(),
    help="Read this OpenAPI document, in JSON or YAML; no key is sent for it.",
)
WEB = option("--web", "-w", help="Open the Endpoint Dashboard in a browser.")


def _method(text: str) -> str:
    if text.lower() not in METHODS:
        raise ValueError(f"{text!r} is not one of {', '.join(METHODS).upper()}")
    return text.upper()


def _path(text: str) -> str:
    if not text.strip():
        raise ValueError("a path is not empty, such as /participants")
    return text


@takes(OUTPUT, ACCOUNT)
def list_endpoints(
    context: Context,
    *,
    wanted: Annotated[
        str | None,
        option("--filter", metavar="TEXT", help="Only calls with this in path, method, summary or tag."),
    ] = None,
    source: Annotated[str | None, FROM] = None,
    refresh: Annotated[bool, REFRESH] = False,
    web: Annotated[bool, WEB] = False,
) -> None:
    import msgspec

    from astalty_cli.output import columns
    from astalty_cli.services.endpoints.operations import Operation, Source, matching, operations

    output = context.output
    shown = output.columns(columns.ENDPOINTS, Operation)
    if web:
        open_dashboard(context, {"--from": source, "--filter": wanted, "--refresh": refresh})
        return
    reading = _catalogue(context, source, refresh=refresh)
    found = operations(reading.document, reading.source)
    if reading.source is not Source.BUILT_IN:  # completion has that one anyway
        context.completion_cache.set_calls((each.method, each.path) for each in found)
    rows = [hide_bytes(msgspec.json.encode(each)) for each in (matching(found, wanted) if wanted else found)]
    if output.is_laid_out and rows:
        from astalty_cli.output import human_catalogue

        output.page(human_catalogue.catalogue(rows, output.streams))
    else:
        output.rows(rows, shown, none="No endpoint matches." if wanted else "The catalogue is empty.")


@takes(OUTPUT, ACCOUNT)
def show(
    context: Context,
    method: Annotated[
        str,
        argument("METHOD", type=ParameterType(_method), help="Such as GET.", completions=candidates.methods),
    ],
    path: Annotated[
        str,
        argument(
            "PATH",
            type=ParameterType(_path),
            help="As in the list, or with real ids.",
            completions=candidates.calls,
        ),
    ],
    *,
    source: Annotated[str | None, FROM] = None,
    refresh: Annotated[bool, REFRESH] = False,
    web: Annotated[bool, WEB] = False,
) -> None:
    import msgspec

    from astalty_cli.output import columns
    from astalty_cli.services.endpoints.description import Description, describe
    from astalty_cli.services.endpoints.operations import find, operations

    output = context.output
    shown = output.columns(columns.ENDPOINT, Description)
    if web:
        open_dashboard(context, {"--from": source, "--refresh": refresh})
        return
    reading = _catalogue(context, source, refresh=refresh)
    operation = find(operations(reading.document, reading.source), method, path)
    flags, address = _account_flags(context), context.settings.address
    description = describe(reading.document, operation, path, address, flags)
    if output.is_laid_out:
        from astalty_cli.output import human_operation

        output.page(human_operation.operation(hide_bytes(msgspec.json.encode(description)), output.streams))
        if context.settings.is_sandbox:
            output.note("For curl, the sandbox has to be served: astalty sandbox serve")
    else:
        output.item(hide_bytes(msgspec.json.encode(description.for_machines())), shown)


def _catalogue(context: Context, source: str | None, *, refresh: bool) -> Reading:
    """What the flag or the profile names, else what the service publishes, else what is built in."""
    reading = _named(context, source, refresh=refresh) or _published(context, refresh=refresh)
    if reading.note:
        context.output.note(reading.note)
    return reading


def _named(context: Context, source: str | None, *, refresh: bool) -> Reading | None:
    from astalty_cli.services.endpoints import named

    folder = Path()
    if source is None:
        source, folder = named.of_profile(context.settings), context.program.folders.config
    if source is None:
        return None
    return named.read(source, folder, context.catalogue_folder, context.client_elsewhere, refresh=refresh)


def _published(context: Context, *, refresh: bool) -> Reading:
    from astalty_cli.commands.shared import offering
    from astalty_cli.services.endpoints import built_in

    return offering.published(context, refresh=refresh) or built_in.reading(context.settings.base_url.value)


def _account_flags(context: Context) -> dict[str, str]:
    """What a line to run has to say for the same account."""
    account = context.account
    flags = {"-p": account.profile, "--base-url": account.base_url, "--ca-file": account.ca_file}
    return {flag: str(value) for flag, value in flags.items() if value}
