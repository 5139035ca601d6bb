"""What `--to` says, and the journal after it, turned into the destination that it names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from astalty_cli.base.errors import UsageError
from astalty_cli.base.hiding import contains_secret

if TYPE_CHECKING:
    from astalty_cli.config.profiles import ConfigFile
    from astalty_cli.destinations.destination import Destination

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Environment:
    """What a destination needs. `origin` is where the key is for: None is the sandbox in this process."""

    environ: Mapping[str, str] = field(repr=False)  # it may hold a key
    config_file: ConfigFile
    origin: str | None


def parse(text: str, environment: Environment, *, force: bool) -> Destination:
    """The destination that `text` names, its path absolute. Raises UsageError, which repeats no secret."""
    if contains_secret(text):
        raise UsageError(
            "--to takes a destination, and this one seems to contain a secret.",
            hint="Treat it as leaked: astalty keys panic",
        )
    named = "exec:…" if text.startswith("exec:") else text  # a command may have a secret in it
    name, _, rest = text.partition(":")
    kind = next((kind for kind in KINDS if kind.name == name), None)
    if kind is None or not rest.strip() or not text.isprintable():
        guess = f"Did you mean dotenv:{text}#NAME? " if Path(text).name.startswith(".env") else ""
        raise UsageError(f"{named!r} is not a destination.", hint=f"{guess}Use one of: {FORMS}.")
    try:
        return kind.make(rest, environment, force)
    except ValueError as error:
        raise UsageError(f"--to {named!r}: {error}", hint=f"Use one of: {FORMS}.") from None


def _file(rest: str, _environment: Environment, force: bool) -> Destination:
    from astalty_cli.destinations.file import File

    return File(_absolute(rest), force)


def _dotenv(rest: str, _environment: Environment, _force: bool) -> Destination:
    from astalty_cli.destinations.dotenv import Dotenv

    path, name = _with_variable(rest, "dotenv:PATH#NAME")
    return Dotenv(_absolute(path), name)


def _keyring(rest: str, environment: Environment, force: bool) -> Destination:
    from astalty_cli.destinations.keyring import Keyring

    if environment.origin is None:
        raise ValueError("A key of the sandbox is of no use in the keyring: it needs no login.")
    return Keyring(rest, environment.origin, environment.config_file, force=force)


def _github(rest: str, environment: Environment, _force: bool) -> Destination:
    from astalty_cli.destinations.github import Github

    repository, name = _with_variable(rest, "github:OWNER/REPO#NAME")
    if _REPOSITORY.fullmatch(repository) is None:
        raise ValueError("github:OWNER/REPO#NAME names a repository as its address does: OWNER/REPO.")
    if name.upper().startswith("GITHUB_"):
        raise ValueError("GitHub keeps names that start with GITHUB_ for itself.")
    return Github(repository, name, environment.environ)


def _exec(rest: str, environment: Environment, _force: bool) -> Destination:
    from astalty_cli.destinations.command import Command

    try:
        argv = shlex.split(rest)
    except ValueError:
        raise ValueError("exec:COMMAND has quotes that do not close.") from None
    if not argv or not argv[0]:
        raise ValueError("exec:COMMAND names no program.")
    program = str(_absolute(argv[0])) if "/" in argv[0] else argv[0]  # else it is looked for on PATH
    return Command((program, *argv[1:]), environment.environ)


class Kind(NamedTuple):
    """A kind of destination: its form after `--to`, and what Tab says of it."""

    form: str
    help: str
    make: Callable[[str, Environment, bool], Destination]

    @property
    def name(self) -> str:
        return self.form.partition(":")[0]


# The only list of kinds: `--to`'s help, completion, the parser and the tests of the docs read it.
KINDS: Final = (
    Kind("file:PATH", "a new file, 0600", _file),
    Kind("dotenv:PATH#NAME", "a line of a .env file", _dotenv),
    Kind("keyring:PROFILE", "the key of a profile on this machine", _keyring),
    Kind("github:OWNER/REPO#NAME", "a secret of GitHub Actions", _github),
    Kind("exec:COMMAND", "the stdin of a command", _exec),
)
FORMS: Final = ", ".join(kind.form for kind in KINDS)


def _with_variable(rest: str, form: str) -> tuple[str, str]:
    before, _, name = rest.rpartition("#")
    if not before or _VARIABLE.fullmatch(name) is None:
        raise ValueError(f"{form} needs a NAME of letters, digits and underscores, no digit first.")
    return before, name


def _absolute(path: str) -> Path:
    try:
        whole = Path(path).expanduser().absolute()
        return whole.parent.resolve() / whole.name  # two ways to one file are one; a link at its end is not
    except RuntimeError:
        raise ValueError("The home folder that ~ stands for is not known.") from None
