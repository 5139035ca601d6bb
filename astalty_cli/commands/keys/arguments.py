"""What the commands on keys take: a key, the name of one, and the guards that can be lifted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import AstaltyError, RefusedError, SeveralError
from astalty_cli.base.hiding import contains_secret
from astalty_cli.base.times import local
from astalty_cli.cli import candidates
from astalty_cli.cli.parameters import Offer, ParameterType, argument, option
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.api.client import Client
    from astalty_cli.api.identity import Identified
    from astalty_cli.api.models import ApiKey
    from astalty_cli.services.keys.record import KeyRecord


class KeyType(ParameterType[str]):
    """A key by id, name or start of the id; the account's keys are offered to a person who names none."""

    def __init__(self) -> None:
        super().__init__(str)

    def offers(self, context: Context) -> list[Offer]:
        from astalty_cli.commands.shared.record import service_or_record
        from astalty_cli.services.keys.recorded import RecordedKeys

        def by_service(client: Client) -> list[Identified]:
            return [row.value for row in client.all_keys(status="active,expiring")]

        def by_record(record: KeyRecord) -> list[Identified]:
            keys = RecordedKeys(record.file, record.origin, {})
            return [row.value for row in keys.all_keys(status="active,expiring")]

        keys = service_or_record(context, by_service, by_record)
        return [(key.id, f"{key.name}  ({key.id[:8]}, ends in {key.last_four or '?'})") for key in keys]


def _name(text: str) -> str:
    if not text.strip() or len(text) > 100:
        raise ValueError("a name has 1 to 100 characters")
    if contains_secret(text):
        raise ValueError("this looks like a secret, and everybody can read a name")
    return text


KEY_TYPE = KeyType()
NAME_TYPE = ParameterType(_name)
Key = Annotated[
    str,
    argument(
        "KEY", type=KEY_TYPE, help="Name, id or first characters of the id.", completions=candidates.keys
    ),
]
Name = Annotated[str, argument("NAME", type=NAME_TYPE, help="Name of the key, 1 to 100 characters.")]
Verify = Annotated[bool, option("--verify", help="Ask whether the keys that are stored here still work.")]
AllowLast = Annotated[bool, option("--allow-last", help="Allow the account's last active key.")]
AllowSelf = Annotated[bool, option("--allow-self", help="Allow a key that is in use on this machine.")]


@contextmanager
def hint_for_refused_name(hint: str) -> Iterator[None]:
    """Say what to do if the service refuses the name of a key."""
    try:
        yield
    except RefusedError as error:
        if "name" in error.errors:
            error.hint = hint
        raise


def raise_for_failures(failures: dict[str, AstaltyError], revoked: int) -> None:
    """Raise what has kept keys from being revoked, by what was typed."""
    if len(failures) == 1 and not revoked:
        raise next(iter(failures.values()))
    if failures:
        raise SeveralError(f"Not revoked: {len(failures)} of {len(failures) + revoked}.", failures)


def last_use(key: ApiKey, own_id: str) -> str:
    """When and from where a key was last used, for a question about it."""
    if key.id == own_id:
        return "the key that you are using now"
    if key.last_used_at is None:
        return "never used"
    return f"last used {local(key.last_used_at)}" + (f" from {key.last_used_ip}" if key.last_used_ip else "")
