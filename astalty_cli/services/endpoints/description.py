"""All that is known of one call: what the document says, examples, and lines to run."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from astalty_cli.api.contract import PREFIX, under_prefix
from astalty_cli.openapi import Json, body, good_response, mapping, text
from astalty_cli.openapi.examples import example
from astalty_cli.openapi.references import References
from astalty_cli.services.endpoints.lines import Ready
from astalty_cli.services.endpoints.operations import Operation, Source, specification
from astalty_cli.services.endpoints.servers import is_elsewhere
from astalty_cli.services.requests.snippets import on_one_line


class Description(Struct):
    """`operation` is the document's own object, its references in place; examples are null if none is."""

    tag: str | None
    method: str
    path: str
    summary: str | None
    description: str | None
    operation_id: str | None
    deprecated: bool
    operation: Json
    request_example: Any
    response_example: Any
    astalty: str | None
    curl: str | None
    source: Source

    def for_machines(self) -> "Description":
        """The same with each line to run on a line: as the value of a field it has to run too."""
        return replace(self, curl=self.curl and on_one_line(self.curl))


def describe(
    document: Json, operation: Operation, asked_path: str, address: str, flags: Mapping[str, str]
) -> Description:
    """Put it together. The lines to run name the ids of `asked_path`, if it has some, and this address."""
    spec = specification(document, operation)
    security = {"security": document.get("security")} if "security" in document else {}
    resolved: Json = References(document).resolved(security | spec)
    request = body(mapping(resolved.get("requestBody")))
    response = body((good_response(resolved) or ("", {}))[1])
    path = operation.path if "{" in asked_path else _as_called(operation, asked_path)
    ready = (
        None if is_elsewhere(document, resolved, address) else Ready(operation.method, path, resolved, flags)
    )
    return Description(
        tag=operation.tag,
        method=operation.method,
        path=operation.path,
        summary=operation.summary,
        description=text(resolved.get("description")) or None,
        operation_id=operation.operation_id,
        deprecated=operation.deprecated,
        operation=resolved,
        request_example=example(request[1], sent=True) if request else None,
        response_example=example(response[1], sent=False) if response else None,
        astalty=ready.astalty() if ready else None,
        curl=ready.curl(address) if ready else None,
        source=operation.source,
    )


def _as_called(operation: Operation, asked_path: str) -> str:
    path = "/" + asked_path.partition("?")[0].strip("/")
    return under_prefix(path) if operation.path.startswith(PREFIX) else path
