"""Checks of who one is: the profile, the base URL and the key, and which of the sources won."""

from pathlib import Path

from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.settings import Settings
from astalty_cli.services.doctor.check import Result, ok, warning


def profile(settings: Settings) -> Result:
    found = f"{settings.profile.value} ({settings.profile.source})"
    if settings.notes:
        return warning(f"{found}. {' '.join(settings.notes)}", "If the variable is meant, leave out -p.")
    return ok(found)


def base_url(settings: Settings) -> Result:
    return ok(f"{settings.base_url.value} ({settings.base_url.source})")


def sandbox(database: Path) -> Result:
    """What stands in for the base URL under the profile `sandbox`."""
    size = f"{database.stat().st_size / 1e6:.1f} MB" if database.exists() else "created at its first use"
    return ok(f"In this process, on {database} ({size})")


def key(settings: Settings, secret: Secret) -> Result:
    """Where the key in force comes from; whether it works is for the server to say."""
    unencrypted = ", unencrypted" if settings.key_source == Storage.FILE else ""
    return ok(f"…{secret.last_four} ({settings.key_source}{unencrypted})")
