"""The profiles on this machine that hold a key, brought along when the key is rotated."""

from pathlib import Path

import msgspec

from astalty_cli.api.models import ApiKey
from astalty_cli.api.origin import origin
from astalty_cli.config import credentials
from astalty_cli.config.profiles import ConfigFile
from astalty_cli.secret import Secret


def switch(config_file: ConfigFile, folder: Path, here: str, key: ApiKey, secret: Secret) -> list[str]:
    """Store the new secret in every profile that holds `key` of the origin `here`; return their names.

    `folder` is where file credentials lie. Raises LocalError at the first profile that cannot take it.
    """
    switched = []
    for name, profile in config_file.read().profiles.items():
        if profile.storage is None or profile.key_id != key.id or origin(profile.base_url) != here:
            continue
        credentials.stored_in(profile.storage, folder).store(name, here, secret)
        config_file.save(name, msgspec.structs.replace(profile, last_four=key.last_four))
        switched.append(name)
    return switched
