"""What every place for a new secret has in common."""

from typing import Protocol

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey
from astalty_cli.secret import Secret


class Sink(Protocol):
    """A place where the user asked a new secret to go."""

    def deliver(self, key: Row[ApiKey], secret: Secret) -> None:
        """Hand over the secret of `key`. Returns only when it has left this process; raises OSError."""
