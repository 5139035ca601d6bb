"""Checks of this machine: the program, its files, the keyring, the journal, the clipboard."""

import os
import platform
import stat
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from astalty_cli import __version__
from astalty_cli.base.errors import LeftOpenError, LocalError
from astalty_cli.base.extras import PARTS, is_installed
from astalty_cli.base.shell_words import command
from astalty_cli.base.times import utc_now
from astalty_cli.base.vocabulary import Storage
from astalty_cli.config.credentials import KeyringCredentials
from astalty_cli.config.journal import Journal
from astalty_cli.config.profiles import ConfigFile
from astalty_cli.config.settings import Settings
from astalty_cli.destinations.clipboard import Clipboard
from astalty_cli.services.doctor.check import Result, ok, skipped, warning
from astalty_cli.services.keys.awaiting_deletion import awaited, reminder, upcoming


def version() -> Result:
    extras = [extra for extra in PARTS if is_installed(extra)]
    ours = f"astalty {__version__}" + (f" [{', '.join(extras)}]" if extras else "")
    return ok(f"{ours}, Python {platform.python_version()}, {platform.system()}")


def config_file(file: ConfigFile) -> Result:
    """Read it. Raises LocalError for one that is open to others, somebody else's, or broken."""
    profiles = file.read().profiles
    if not file.path.exists():
        return ok(f"None yet: {file.path}. auth login creates it.")
    folder = file.path.parent
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return warning(
            f"The folder {folder} is open to others.", f"Close it: {command('chmod 700', str(folder))}"
        )
    return ok(f"{file.path}, profiles: {', '.join(profiles) or 'none'}")


def folders(*wanted: Path) -> Result:
    """Whether files of ours can be created there; the folders themselves are created at their first use."""
    closed = [str(folder) for folder in wanted if not _takes_files(folder)]
    if closed:
        return warning(
            f"Nothing can be written to {', '.join(closed)}.",
            "Check the permissions, or whether HOME is right. Signing in, rotating and mirrors need them; "
            "reading with ASTALTY_API_KEY does not.",
        )
    return ok("Configuration, data and cache can be written.")


def _takes_files(folder: Path) -> bool:
    while not os.access(folder, os.F_OK) and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def keyring(settings: Settings) -> Result:
    """Name it, without opening it. It is an error only for a key that is kept in it."""
    try:
        return ok(KeyringCredentials().name())
    except LocalError as error:
        if settings.key_source == Storage.KEYRING:
            raise
        if settings.key_source:
            return ok("None here that can be used, and none is needed for this key.")
        return warning(error.message, error.hint)


def journal(open_operations: Journal) -> Result:
    """A key to delete is a warning once it is due. Raises LeftOpenError for what was interrupted."""
    found, now = open_operations.contents(), utc_now()
    abandoned = open_operations.abandoned(found)
    left = [f"{each.operation} {each.name!r}" for each in abandoned if not each.awaits_deletion]
    left += [f"{path} (cannot be read)" for path in found.damaged]
    if left:
        are = "operation is" if len(left) == 1 else "operations are"
        raise LeftOpenError(f"{len(left)} key {are} open: {', '.join(left)}.", hint="astalty keys recover")
    deletions = [awaited(each, now) for each in abandoned if each.awaits_deletion]
    if due := [reminder(each) for each in deletions if each.is_due(now)]:
        return warning(" ".join(due), "Delete it on the web page, then: astalty keys recover")
    if deletions:
        return ok(upcoming(deletions, now))
    if found.entries:
        return ok("Another astalty is at work on a key just now.")
    return ok("No key operation is open.")


def clipboard(environ: Mapping[str, str], *, somebody: bool) -> Result:
    """What `--copy` would use; without a desktop session, none is expected."""
    place = Clipboard(environ, timedelta())
    try:
        place.probe()
    except LocalError as error:
        return warning(error.message, error.hint) if somebody else skipped(error.message)
    return ok(place.way)
