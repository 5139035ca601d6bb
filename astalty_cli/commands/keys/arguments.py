"""What the commands on keys take: a key, the name of one, and the guards that can be lifted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from astalty_cli.base.errors import RefusedError
from astalty_cli.base.hiding import contains_secret
from astalty_cli.base.times import local
from astalty_cli.cli import candidates
from astalty_cli.cli.parameters import Offer, ParameterType, argument, option
from astalty_cli.context import Context

if TYPE_CHECKING:
    from astalty_cli.api.models import ApiKey


class KeyType(ParameterType[str]):
    """A key by id, name or start of the id; the account's keys are offered to a person who names none."""

    def __init__(self) -> None:
        super().__init__(str)

    def offers(self, context: Context) -> list[Offer]:
        keys = [row.value for row in context.client.all_keys(status="active,expiring")]
        return [(key.id, f"{key.name}  ({key.id[:8]}, ends in {key.last_four})") for key in keys]


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


def last_use(key: ApiKey, own_id: str) -> str:
    """When and from where a key was last used, for a question about it."""
    if key.id == own_id:
        return "the key that you are using now"
    if key.last_used_at is None:
        return "never used"
    return f"last used {local(key.last_used_at)}" + (f" from {key.last_used_ip}" if key.last_used_ip else "")
