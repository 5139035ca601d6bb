"""`astalty keys add`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import AstaltyError, UsageError
from astalty_cli.base.times import in_utc, parse_moment, utc_now
from astalty_cli.base.vocabulary import Access
from astalty_cli.cli.options import ACCOUNT, JSON, RECORD, takes
from astalty_cli.cli.parameters import Choice, ParameterType, option
from astalty_cli.commands.keys.arguments import Name
from astalty_cli.context import Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiKey
    from astalty_cli.base.secret import Secret


class _Past(ParameterType[datetime]):
    def __init__(self) -> None:
        super().__init__(self._read_past)

    def _read_past(self, text: str) -> datetime:
        now = utc_now()
        moment = parse_moment(text, now)
        if moment > now:
            raise ValueError(f"{text!r} is in the future")
        return in_utc(moment).replace(microsecond=0)


def _text(text: str) -> str:
    if not text.strip() or len(text) > 300:
        raise ValueError("a text for the record has 1 to 300 characters")
    return text


_TEXT = ParameterType(_text)


@takes(JSON, ACCOUNT, RECORD)
def add(
    context: Context,
    name: Name,
    *,
    with_token: Annotated[bool, option("--with-token", help="Read the key's secret from stdin.")] = False,
    access: Annotated[
        Access | None,
        option("--access", metavar="LEVEL", type=Choice(Access), help="What the key may do"),
    ] = None,
    page_name: Annotated[
        str | None,
        option("--page-name", metavar="TEXT", type=_TEXT, help="The key's name on the web page."),
    ] = None,
    owner: Annotated[
        str | None, option("--owner", metavar="TEXT", type=_TEXT, help="Who is responsible for it.")
    ] = None,
    purpose: Annotated[
        str | None, option("--purpose", metavar="TEXT", type=_TEXT, help="What it is used for.")
    ] = None,
    created: Annotated[
        datetime | None,
        option("--created", metavar="TIME", type=_Past(), help="When it was created: a date, or 90d ago."),
    ] = None,
) -> None:
    """The secret is checked with the service and not stored."""
    from astalty_cli.commands.shared import secrets
    from astalty_cli.commands.shared.record import key_columns, key_record
    from astalty_cli.config.record import UNKNOWN, Accuracy, RecordedKey, new_id
    from astalty_cli.services.keys.finder import described
    from astalty_cli.services.keys.record import ensure_holds_no_secret
    from astalty_cli.services.keys.recorded import RecordedKeys

    shown, record = key_columns(context, columns.RECORDED_KEY), key_record(context)
    if not with_token and not context.program.streams.can_ask:
        raise UsageError(
            "There is no terminal to ask for the key on.",
            hint="Give it on stdin: astalty keys add NAME --with-token < FILE",
        )
    record.ensure_free(name)
    secret = secrets.read_key(
        context, "API key (not shown): ", with_token=with_token, stopped="Nothing was recorded."
    )
    for text in (name, page_name, owner, purpose):
        ensure_holds_no_secret(text, secret)
    listed = _checked(context, secret)
    key = RecordedKey(
        name=name,
        origin=record.origin,
        id=listed.id if listed else new_id(),
        access=(listed.access if listed else None) or access or UNKNOWN,
        last_four=secret.last_four,
        page_name=page_name or (listed.name if listed else None),
        owner=owner,
        purpose=purpose,
        created_at=in_utc(listed.created_at).replace(microsecond=0) if listed else created,
        created=Accuracy.GIVEN if listed or created else Accuracy.UNKNOWN,
        last_verified_at=utc_now().replace(microsecond=0),
    )
    alike = [each for each in record.active_keys() if each.last_four and each.last_four == key.last_four]
    record.add(key)
    context.completion_cache.note_key(key.id, key.name)
    context.output.note(f"Added {described(key)} to the record. Its secret was not stored.")
    for each in alike:
        context.output.note(
            f"{described(each)} has the same ending. If it is the same key, the record now has it twice."
        )
    if context.output.result_wanted:
        row = RecordedKeys(record.file, record.origin, {}).get_key(key.id).raw
        context.output.item(row, shown)
    secrets.remind(context)


def _checked(context: Context, secret: Secret) -> ApiKey | None:
    """What the service says of an accepted key; None if it says nothing. Raises UnauthorizedError."""
    from astalty_cli.commands.shared.secrets import check_pasted_key

    client = check_pasted_key(context, secret, stopped="Nothing was recorded.")
    try:
        return client.current_key().value
    except AstaltyError:
        return None
