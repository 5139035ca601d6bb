"""`astalty api PATH`: any call, with the key in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

from astalty_cli.base.errors import AstaltyError, LeftOpenError, UnauthorizedError, UsageError
from astalty_cli.base.shell_words import command
from astalty_cli.base.vocabulary import METHODS
from astalty_cli.cli import candidates
from astalty_cli.cli.options import ACCOUNT, DRY_RUN, OUTPUT, takes
from astalty_cli.cli.parameters import FileName, argument, option
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.api.http import HttpResponse
    from astalty_cli.services.requests.fields import RequestField
    from astalty_cli.services.requests.request import Request

_OUTPUT: Final = OUTPUT.only("output", "json", "query", "no_pager").described(
    output="Output format: json or jsonl."
)
_NOTE_HIDDEN: Final = "A secret in the answer is hidden: stdout is not a terminal."


@takes(_OUTPUT, ACCOUNT, DRY_RUN)
def call(
    context: Context,
    path: Annotated[
        str,
        argument(
            "PATH", help="Such as participants or participants?page[size]=5.", completions=candidates.calls
        ),
    ],
    *,
    method: Annotated[
        str | None,
        option(
            "--method",
            "-X",
            metavar="METHOD",
            help="HTTP method.  [default: GET, or POST with fields or --input]",
            completions=candidates.in_any_case(METHODS),
        ),
    ] = None,
    raw_field: Annotated[
        list[str] | None,
        option("--raw-field", "-f", metavar="KEY=TEXT", help="Send a string, such as 'a[b]=c' or 'a[]=x'."),
    ] = None,
    field: Annotated[
        list[str] | None,
        option(
            "--field",
            "-F",
            metavar="KEY=VALUE",
            help="Send a typed value: true, false, null, a number, @FILE or @- (stdin); else a string.",
        ),
    ] = None,
    header: Annotated[
        list[str] | None, option("--header", "-H", metavar="'NAME: VALUE'", help="Send this header too.")
    ] = None,
    body: Annotated[
        str | None,
        option(
            "--input",
            metavar="FILE",
            type=FileName(),
            help="Send this file as the body; - is stdin.",
        ),
    ] = None,
    paginate: Annotated[
        bool, option("--paginate", help="Fetch all pages of a list into one JSON array.")
    ] = False,
    include: Annotated[
        bool, option("--include", "-i", help="Print the status and headers of the answer first.")
    ] = False,
) -> None:
    """Fields become a JSON body, or the query string of a GET.

    Requests other than GET are sent only once.
    """
    _check(context, paginate=paginate, include=include, body=body)
    given = (raw_field or [], field or [])
    request = _request(context, path, method, given, headers=header or [], body=body)
    if paginate and request.method != "GET":
        raise UsageError("--paginate is for a GET.", hint="With fields, say so: -X GET")
    if paginate:
        _all_pages(context, request)
    elif context.get(DRY_RUN):
        _show(context, request)
    else:
        _once(context, request, include=include)


def _check(context: Context, *, paginate: bool, include: bool, body: str | None) -> None:
    if context.output.style.format in {"table", "tsv", "csv"}:
        raise UsageError(
            f"`astalty api` prints JSON, not {context.output.style.format}.", hint="Use --query."
        )
    if include and context.output.style.query is not None:
        raise UsageError("--include and --query exclude each other.")
    if paginate and (include or body is not None):
        raise UsageError(f"--paginate and {'--include' if include else '--input'} exclude each other.")


def _request(
    context: Context,
    path: str,
    method: str | None,
    given: tuple[Sequence[str], Sequence[str]],
    *,
    headers: Sequence[str],
    body: str | None,
) -> Request:
    from astalty_cli.services.requests import fields as request_fields
    from astalty_cli.services.requests.request import request
    from astalty_cli.services.requests.sources import Sources

    fields = [request_fields.parse(text, typed=typed) for typed in (False, True) for text in given[typed]]
    streams = context.program.streams
    sources = Sources(streams.stdin, context.output.warn)
    sources.ensure_readable([body, *(field.file for field in fields)])

    def carrying(fields: Sequence[RequestField], body: bytes | None) -> Request:
        return request(path, method=method, fields=fields, headers=headers, body=body)

    # A call that is refused whatever it carries is not worth waiting for what is to be read.
    carrying([field.holding("") for field in fields], None if body is None else b"")
    return carrying(
        [sources.resolved(field) for field in fields], None if body is None else sources.read(body)
    )


def _show(context: Context, request: Request) -> None:
    from astalty_cli.commands.shared import dry_run

    dry_run.show_call(context, request)


def _all_pages(context: Context, request: Request) -> None:
    from astalty_cli.output.renderer import rendering
    from astalty_cli.services.requests import pages
    from astalty_cli.services.requests.answer import WithoutSecrets

    number, target = pages.numbered(request.target)
    if context.get(DRY_RUN):
        _show(context, request.at(target(number)))
        return
    context.disable_time_limit()
    with (
        _refusal_explained(context, request),
        rendering(context.output, "rows", beside_rows=True) as renderer,
    ):
        rows = pages.rows(context.client, request, renderer.show)
        if context.output.streams.stdout_is_terminal:
            context.output.array(rows)
            return
        safe = WithoutSecrets(rows)
        context.output.array(safe)
    if safe.hid_one:
        context.output.note(_NOTE_HIDDEN)


@contextmanager
def _refusal_explained(context: Context, request: Request) -> Iterator[None]:
    """A 401 of a path that is not there is no word about the key. Raises ForbiddenError then."""
    try:
        yield
    except UnauthorizedError as error:
        context.capabilities.ensure_refused(error, request.path)
        raise


def _once(context: Context, request: Request, *, include: bool) -> None:
    from astalty_cli.api.answers import raise_for_status
    from astalty_cli.services.requests.answer import outcome_said

    with _refusal_explained(context, request), outcome_said(request.method):
        answer = context.client.call(
            request.method, request.target, body=request.body, headers=request.headers
        )
        try:
            raise_for_status(answer, request.path)
        except AstaltyError:
            if include:
                _print(context, request, answer, include=True)
            raise
    _print(context, request, answer, include=include)


def _print(context: Context, request: Request, answer: HttpResponse, *, include: bool) -> None:
    """Raises LeftOpenError if a secret was created that must not be printed here."""
    from http import HTTPStatus

    from astalty_cli.api.answers import repaired
    from astalty_cli.services.requests.answer import key_in, without_secret

    output = context.output
    headers = "".join(f"{name}: {value}\n" for name, value in answer.headers.items()) if include else ""
    answered = headers.encode(), repaired(answer.body)
    head, body = answered
    if not output.streams.stdout_is_terminal:
        head, body = without_secret(head), without_secret(body)
    if include:
        phrase = next((each.phrase for each in HTTPStatus if each == answer.status), "")
        output.lines(f"HTTP/1.1 {answer.status} {phrase}".rstrip())
        output.lines(*head.decode().split("\n"))
    output.body(body)
    if (head, body) == answered:
        return
    refused = 400 <= answer.status < 500
    if request.method != "GET" and not refused:
        raise LeftOpenError(
            "The answer brought a new secret, which is not printed where stdout is not a terminal.",
            hint=f"Create another one: {command('astalty keys rotate --to DESTINATION', key_in(body))}",
        )
    output.note(_NOTE_HIDDEN)
