"""The secret of a key that was just created on the web page: refused before delivery if it can't be it."""

from dataclasses import dataclass

from astalty_cli.base.errors import AstaltyError, ConflictError, RefusedError, UnauthorizedError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.services.keys.by_hand.checks import Same, compare_accounts, is_still_accepted
from astalty_cli.services.keys.by_hand.person import Person
from astalty_cli.services.keys.operation import LocalContext

_TRIES = 3


@dataclass(frozen=True)
class Pasting:
    """Asks for a new secret until one can be delivered.

    `old` is the secret that it replaces, if any; `known` one of the same account that works, to compare with.
    """

    context: LocalContext
    person: Person
    old: Secret | None
    known: Secret | None
    allow_other_account: bool = False

    def read(self) -> Secret | None:
        """The secret, verified; None if none was given.

        Raises what was wrong with the last try: UnauthorizedError, ConflictError, RefusedError or UsageError;
        and ServiceError if the service's answer decides nothing.
        """
        left = _TRIES if self.person.is_here else 1
        while True:
            left -= 1
            try:
                return self._read_once()
            except (RefusedError, UnauthorizedError, UsageError) as error:
                if not left:
                    raise
                self._say_why(error)

    def _read_once(self) -> Secret | None:
        secret = self.person.new_secret()
        if secret is not None:
            self._ensure_new(secret)
            self._ensure_accepted(secret)
            self._ensure_same_account(secret)
        return secret

    def _say_why(self, error: AstaltyError) -> None:
        self.context.warn(f"{error.message} Try again.")

    def _ensure_new(self, secret: Secret) -> None:
        if self.old and is_same(secret, self.old):
            raise ConflictError(
                "This is the old secret.", hint="Copy the key that you just created in the web app."
            )
        for held in self.context.holders.held():
            if is_same(secret, held.secret):
                raise ConflictError(
                    f"This is the secret of profile {held.holder!r}.",
                    hint="Copy the key that you just created in the web app.",
                )

    def _ensure_accepted(self, secret: Secret) -> None:
        if not is_still_accepted(self.context, secret):
            raise UnauthorizedError(
                "The service does not accept this key (401).",
                hint="Check that all of it was copied, and that it is a key of this account.",
            )
        self.context.say(f"Verified: the service accepts the new key (ends in {secret.last_four}).")

    def _ensure_same_account(self, secret: Secret) -> None:
        if self.known is None:
            return
        same = compare_accounts(self.context, self.known, secret)
        if same is Same.YES:
            self.context.say("Verified: it belongs to the same account.")
        elif same is Same.UNKNOWN:
            self.context.say(
                "Not compared with the account: there is no participant that both keys can read."
            )
        elif self.allow_other_account:
            self.context.say("It belongs to another account (allowed by --allow-other-account).")
        else:
            raise RefusedError(
                "This key belongs to another account.",
                hint="Create the key in the same account, or use --allow-other-account.",
            )


def is_same(one: Secret, other: Secret) -> bool:
    """Whether two texts are one secret: a service may accept the part behind a `|` alone."""
    return Secret(one.reveal().rpartition("|")[2]) == Secret(other.reveal().rpartition("|")[2])
