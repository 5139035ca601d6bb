"""What a check is, and how several are made in order, whatever they meet."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from astalty_cli.base.errors import AstaltyError, LocalError


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


class Check(Struct, frozen=True):
    """A row of the report. `exit_code` is what the command ends with where nothing else is worse."""

    check: str
    status: Status
    found: str
    hint: str | None = None
    exit_code: int = 0


@dataclass(frozen=True)
class Result:
    """What a check returns; what it raises, as an AstaltyError, is an error of its row."""

    status: Status
    found: str
    hint: str | None = None
    exit_code: int = 0


def ok(found: str) -> Result:
    return Result(Status.OK, found)


def warning(found: str, hint: str) -> Result:
    return Result(Status.WARNING, found, hint)


def skipped(why: str) -> Result:
    return Result(Status.SKIPPED, why)


@dataclass(frozen=True)
class Step:
    """A check by name; it is skipped if one that it `needs` has failed or was skipped for that."""

    name: str
    check: Callable[[], Result]
    needs: tuple[str, ...] = ()


def checked(steps: Iterable[Step]) -> Iterator[Check]:
    """Make the checks, one after another. Nothing that one meets ends the others."""
    failed: dict[str, str] = {}  # a check that cannot be relied on -> the one at the bottom of it
    for step in steps:
        cause = next((failed[need] for need in step.needs if need in failed), None)
        result = skipped(f"Not checked: {cause} has failed.") if cause else _tried(step.check)
        if cause or result.status is Status.ERROR:
            failed[step.name] = cause or step.name
        yield Check(step.name, result.status, result.found, result.hint, result.exit_code)


def _tried(check: Callable[[], Result]) -> Result:
    try:
        return check()
    except AstaltyError as error:
        return Result(Status.ERROR, error.message, error.hint or None, error.exit_code)
    except OSError as error:
        found = f"Cannot look at {error.filename or 'it'}: {error.strerror or type(error).__name__}."
        return Result(Status.ERROR, found, "Check the folder and its permissions.", LocalError.exit_code)
    except Exception as error:  # noqa: BLE001 - a bug in one check must not hide what the others find
        found = f"This check has a bug: {type(error).__name__}."  # its text may hold anything
        return Result(Status.ERROR, found, "Please report it.", AstaltyError.exit_code)
