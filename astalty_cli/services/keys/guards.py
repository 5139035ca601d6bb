"""What keeps a user from stopping the wrong key: the one in use, the last one, one that is still busy."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import msgspec

from astalty_cli.api.answers import Row
from astalty_cli.api.identity import Identified
from astalty_cli.api.models import ApiKey
from astalty_cli.base.errors import RefusedError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import quoted
from astalty_cli.base.times import local
from astalty_cli.base.vocabulary import API_KEY, KeyStatus
from astalty_cli.config.journal import JournalEntry
from astalty_cli.services.keys.finder import described, is_active
from astalty_cli.services.keys.operation import OperationContext

_ACTIVE = f"{KeyStatus.ACTIVE},{KeyStatus.EXPIRING}"


@dataclass(frozen=True)
class Guards:
    """The refusals that a command's flags leave in force.

    `variable` is the key in the environment, whether this command uses it or not; `idle` refuses a key that
    was used within that time.
    """

    operation: OperationContext
    variable: Secret | None
    allow_self: bool = False
    allow_last: bool = False
    idle: timedelta | None = None

    @classmethod
    def of(cls, operation: OperationContext, variable: Secret | None, entry: JournalEntry) -> Self:
        """Those of an interrupted revocation. A key that makes the call itself was allowed to."""
        idle = None if entry.idle is None else timedelta(seconds=entry.idle)
        return cls(operation, variable, entry.allow_self or entry.own, entry.allow_last, idle)

    def noted(self, entry: JournalEntry) -> JournalEntry:
        """The entry of a revocation, with what its recovery has to know of these."""
        idle = None if self.idle is None else int(self.idle.total_seconds())
        return msgspec.structs.replace(
            entry, allow_self=self.allow_self, allow_last=self.allow_last, idle=idle
        )

    def refuse(self, key: ApiKey, ended: Collection[str] = ()) -> None:
        """Raises RefusedError if any of them refuses, as things are now; `ended` are revoked already."""
        self.refuse_in_use(key)
        self.refuse_busy(key)
        if not self.allow_last:
            self.refuse_last(key, self._others(key, ended))

    def refuse_in_use(self, key: Identified) -> None:
        """Raises RefusedError for a key that this machine works with."""
        users = [] if self.allow_self else self.users(key)
        if users:
            raise RefusedError(
                f"{described(key)} is in use here: {', '.join(users)}. Nothing was done.",
                hint="Use --allow-self to do it anyway.",
            )

    def refuse_last(self, key: Identified, others: int) -> None:
        """Raises RefusedError for the account's last active key. `others` are those that would remain."""
        if others == 0 and not self.allow_last:
            raise RefusedError(
                f"{described(key)} is the account's last active key. Nothing was done.",
                hint="Use --allow-last to do it anyway. Without any key nothing can reach the API.",
            )

    def refuse_busy(self, key: ApiKey) -> None:
        """Raises RefusedError for a key that was used within the time of `--if-idle`."""
        if self.idle is None or key.last_used_at is None or self.operation.now - key.last_used_at > self.idle:
            return
        raise RefusedError(
            f"{described(key)} is not idle: it was last used {local(key.last_used_at)}"
            + (f" from {key.last_used_ip}" if key.last_used_ip else "")
            + ". Nothing was done.",
            hint=f"See who uses it: astalty history list --key {quoted(key.id)}",
        )

    def _others(self, key: ApiKey, ended: Collection[str]) -> int:
        """How many other active keys the first page with any shows: that there is one is enough."""
        first = self.operation.client.list_keys(status=_ACTIVE).rows
        listed = first if _others(first, key, ended) else self.operation.client.all_keys(status=_ACTIVE)
        return _others(listed, key, ended)

    def users(self, key: Identified) -> list[str]:
        """What on this machine uses a key, in words."""
        users = [f"profile {name!r}" for name in self.operation.holders.holding(key.id)]
        if self.variable is not None and self._is_variable(key, self.variable):
            users.append(API_KEY)
        if key.id == self.operation.own.id and not users:
            users.append("it makes this call")
        return users

    def _is_variable(self, key: Identified, variable: Secret) -> bool:
        """A variable that is set and not used is told by its last four: it may be of another service."""
        if variable == self.operation.secret:
            return key.id == self.operation.own.id
        return variable.last_four == key.last_four


def _others(listed: Iterable[Row[ApiKey]], key: ApiKey, ended: Collection[str]) -> int:
    ids = {row.value.id for row in listed if is_active(row.value)}
    return len(ids - {key.id, *ended})
