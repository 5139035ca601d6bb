"""Whether the service accepts a key, by a documented call alone."""

from astalty_cli.api.client import Client
from astalty_cli.base.errors import ForbiddenError, NotFoundError, ServiceError, UnauthorizedError


def ensure_accepted(client: Client) -> None:
    """Raises UnauthorizedError for a key that is not accepted, another error if nobody can tell."""
    client.accepts_key()


def is_accepted(client: Client) -> bool | None:
    """None if the answer decides nothing."""
    try:
        ensure_accepted(client)
    except (ForbiddenError, NotFoundError, ServiceError):
        return None
    except UnauthorizedError:
        return False
    return True
