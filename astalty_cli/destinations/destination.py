"""What every destination of a new secret has in common."""

from typing import Protocol

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.secret import Secret


class Destination(Protocol):
    """Where the user asked a new secret to go: asked first, then given, then read back."""

    @property
    def spec(self) -> str:
        """How the journal and messages name it, absolute: `file:/home/ana/key`, `terminal`."""

    @property
    def readable(self) -> bool:
        """Whether `held` can tell what is there, so that a crash can be reconciled without asking."""

    @property
    def success_message(self) -> str:
        """The sentence for the user once it has the secret."""

    def probe(self) -> None:
        """Find out, before any call, whether it could take a secret. Raises LocalError or UsageError."""

    def held(self) -> Secret | None:
        """What is in the destination now, whatever it is; None if nothing is, or if it cannot be read.

        Raises LocalError if it should be readable and is not.
        """

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:
        """Hand over the secret of `key`, and read it back if that can be done.

        Returns only when it has left this process for good; raises OSError or LocalError.
        """
