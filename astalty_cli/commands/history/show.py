"""`astalty history show`: one request, with what was sent and what was answered; or how to make it again."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from astalty_cli.api import contract
from astalty_cli.base.errors import NotFoundError, UsageError
from astalty_cli.base.times import local
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.cli.parameters import Choice, Offer, ParameterType, argument, option
from astalty_cli.commands.history.filters import OFFLINE
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.output.output import Output
    from astalty_cli.output.style import Style


_OFFERED = 10  # entries, to a person who names none


class Language(StrEnum):
    CURL = "curl"
    HTTPIE = "httpie"
    PYTHON = "python"


def _entry_id(text: str) -> str:
    if not contract.is_uuid(text):
        raise ValueError(f"{text!r} is not the id of an entry; `astalty history list` shows full ids")
    return text.lower()


class EntryType(ParameterType[str]):
    """The id of an entry; the latest ones are offered to a person who names none."""

    def offers(self, context: Context) -> list[Offer]:
        page = context.client.list_requests(1, _OFFERED, filters={}, sort="-created_at")
        entries = [row.value for row in page.rows]
        return [
            (entry.id, f"{local(entry.created_at)}  {entry.status}  {entry.method} {entry.path}")
            for entry in entries
        ]


@takes(OUTPUT, ACCOUNT)
def show(
    context: Context,
    entry_id: Annotated[str, argument("ID", type=EntryType(_entry_id), help="The full id of an entry.")],
    *,
    request: Annotated[bool, option("--request", help="Show only the request.")] = False,
    response: Annotated[bool, option("--response", help="Show only the response.")] = False,
    reveal: Annotated[bool, option("--reveal", help="Show hidden values, secrets too.")] = False,
    language: Annotated[
        Language | None,
        option("--as", metavar="LANGUAGE", type=Choice(Language), help="Print a command that repeats it"),
    ] = None,
    offline: Annotated[bool, OFFLINE] = False,
) -> None:
    from astalty_cli.api.models import ApiRequest

    output = context.output
    sides = [side for side, wanted in (("request", request), ("response", response)) if wanted]
    if sides and output.style.fields is not None:
        raise UsageError("--fields does not go with --request or --response.", hint="Use one of them.")
    if language and (sides or _picks(output.style)):
        raise UsageError(
            "--as goes with no other choice of output.",
            hint="Leave out --request, --response, --fields, --query and -o.",
        )
    shown = output.columns(columns.REQUEST, ApiRequest)
    row = _mirrored(context, entry_id) if offline else context.client.get_request(entry_id).raw
    safe = row if reveal else _redacted(row)
    if language:
        _repeat(context, row, safe, language)
        return
    if output.is_laid_out:
        _panes(output, safe, sides)
    elif sides:
        output.sides(safe, sides)
    else:
        output.item(safe, shown if output.style.fields is not None else (*shown, *columns.SIDES))
    paths = sides or ([field.path for field in shown] if output.style.fields is not None else [])
    _note_hidden(output, [(_text(row, path), _text(safe, path)) for path in paths or [""]])


def _mirrored(context: Context, entry_id: str) -> bytes:
    from astalty_cli.commands.shared.mirror import open_mirror

    with open_mirror(context) as mirror:
        row = mirror.get(entry_id)
        if row is None:
            raise NotFoundError(
                f"There is no entry {entry_id} in the mirror.",
                hint=f"Bring it up to date: {mirror.place.command('sync')}",
            )
    return row


def _picks(style: Style) -> bool:
    return any(flag is not None for flag in (style.format, style.fields, style.query))


def _redacted(row: bytes) -> bytes:
    from astalty_cli.services.history.redaction import redacted

    return redacted(row)


def _text(row: bytes, path: str) -> str:
    from astalty_cli.output.picking import pick

    return (pick(row, path) if path else row).decode("utf-8", "replace")


def _note_hidden(output: Output, texts: list[tuple[str, str]]) -> None:
    from astalty_cli.services.history.redaction import hidden

    count = sum(hidden(before, after) for before, after in texts)
    if count:
        output.note(
            f"{count} values are hidden; --reveal shows them."
            if count > 1
            else "1 value is hidden; --reveal shows it."
        )


def _panes(output: Output, row: bytes, sides: list[str]) -> None:
    from astalty_cli.output import human

    fields = () if sides else columns.REQUEST
    output.page(human.entry(row, fields, sides or ["request", "response"], output.streams))


def _repeat(context: Context, row: bytes, safe: bytes, language: Language) -> None:
    from astalty_cli.services.requests import snippets

    write = {
        Language.CURL: snippets.curl,
        Language.HTTPIE: snippets.httpie,
        Language.PYTHON: snippets.python,
    }[language]
    settings, output = context.settings, context.output
    base_url = settings.address
    command = write(snippets.call_of(safe, base_url))
    output.lines(*command.split("\n"))
    _note_hidden(output, [(write(snippets.call_of(row, base_url)), command)] if safe != row else [])
    if settings.is_sandbox:
        output.note("The sandbox profile has no address of its own: start `astalty sandbox serve` first.")
