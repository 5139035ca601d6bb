"""`astalty endpoints`: the Endpoint Dashboard, from the service's own OpenAPI document."""

from typing import Annotated

from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import ParameterType, argument, option
from astalty_cli.commands.shared.browser import open_dashboard
from astalty_cli.context import Context
from astalty_cli.openapi import METHODS, Json

REFRESH = option("--refresh", help="Fetch the catalogue again instead of using the local copy.")
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
    refresh: Annotated[bool, REFRESH] = False,
    web: Annotated[bool, WEB] = False,
) -> None:
    import msgspec

    from astalty_cli.output import columns
    from astalty_cli.services.endpoints.operations import Operation, matching, operations

    output = context.output
    shown = output.columns(columns.ENDPOINTS, Operation)
    if web:
        open_dashboard(context)
        return
    found = operations(_document(context, refresh=refresh))
    context.completion_cache.set_calls((each.method, each.path) for each in found)
    rows = [msgspec.json.encode(each) for each in (matching(found, wanted) if wanted else found)]
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
        open_dashboard(context)
        return
    document = _document(context, refresh=refresh)
    operation = find(operations(document), method, path)
    description = describe(document, operation, path, context.settings.address, _account_flags(context))
    if output.is_laid_out:
        from astalty_cli.output import human_operation

        output.page(human_operation.operation(msgspec.json.encode(description), output.streams))
        if context.settings.is_sandbox:
            output.note("For curl, the sandbox has to be served: astalty sandbox serve")
    else:
        output.item(msgspec.json.encode(description.for_machines()), shown)


def _document(context: Context, *, refresh: bool) -> Json:
    from astalty_cli.services.endpoints.catalogue import Catalogue

    folder = context.program.folders.cache / "catalogue"
    origin = context.settings.base_url.value
    reading = Catalogue(folder, origin, lambda: context.keyless_client).read(refresh=refresh)
    if reading.note:
        context.output.note(reading.note)
    return reading.document


def _account_flags(context: Context) -> dict[str, str]:
    """What a line to run has to say for the same account."""
    account = context.account
    flags = {"-p": account.profile, "--base-url": account.base_url, "--ca-file": account.ca_file}
    return {flag: str(value) for flag, value in flags.items() if value}
