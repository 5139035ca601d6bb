"""A catalogue that the user names: a file that was saved, or a URL, to which no key is ever sent."""

from collections.abc import Callable
from pathlib import Path

from astalty_cli.api.client import Client
from astalty_cli.api.origin import document_address
from astalty_cli.base.errors import ServiceError, UsageError
from astalty_cli.base.private_files import read_named
from astalty_cli.config.settings import Settings
from astalty_cli.openapi import Json
from astalty_cli.services.endpoints.catalogue import Catalogue, Reading
from astalty_cli.services.endpoints.documents import MAX_DOCUMENT, NotOpenApiError, parse
from astalty_cli.services.endpoints.operations import Source


def of_profile(settings: Settings) -> str | None:
    """`catalogue` in the config file, which goes with the profile's own base URL alone."""
    stored = settings.stored
    return stored.catalogue if stored and stored.base_url == settings.base_url.value else None


def read(
    name: str, folder: Path, copies: Path, client: Callable[[str], Client], *, refresh: bool = False
) -> Reading:
    """The document; `folder` is where the name of a file starts from, and `client` reaches an origin.

    Raises UsageError for what can't be read from here, and as `Catalogue.read`.
    """
    if "://" not in name:
        return Reading(_from_file(name, folder), source=Source.FILE)
    origin, path = document_address(name)
    reading = Catalogue(copies, origin, lambda *call: client(origin).document(*call), path).read(
        refresh=refresh
    )
    if reading is None:
        raise ServiceError(f"{origin} has no endpoint catalogue.")
    return Reading(reading.document, reading.note, Source.URL)


def _from_file(name: str, folder: Path) -> Json:
    hint = "Name a file with an OpenAPI document, in JSON or YAML."
    if not name.strip():
        raise UsageError("The name of the catalogue's file is empty.", hint=hint)
    try:
        return parse(read_named(folder / Path(name).expanduser(), MAX_DOCUMENT))
    except NotOpenApiError as error:
        raise UsageError(f"{name} {error}.", hint=hint) from None
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror or error}.", hint=hint) from None
    except (ValueError, RuntimeError):  # a NUL in it, or `~` and a name that nobody has
        raise UsageError(f"{name!r} can't be the name of a file.", hint=hint) from None
