"""Files and stdin as parts of a call: read whole, within a bound, before anything is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, TextIO

from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.services.requests.fields import RequestField

MAX_BYTES: Final = 32 * 1024 * 1024
STDIN: Final = "-"


@dataclass(frozen=True)
class Sources:
    """What `@NAME` and `--input NAME` stand for. `say` is told before a terminal is waited for."""

    stdin: TextIO
    say: Callable[[str], None]

    def ensure_readable(self, names: Sequence[str | None]) -> None:
        """Raises UsageError if stdin would have to be two things at once."""
        if names.count(STDIN) > 1:
            raise UsageError("stdin can be read once only.", hint="Put the other part into a file.")

    def resolved(self, field: RequestField) -> RequestField:
        """The field with the text of its file. Raises LocalError."""
        if field.file is None:
            return field
        try:
            return field.holding(self.read(field.file).decode())
        except UnicodeDecodeError:
            raise LocalError(
                f"{field.file} is not a text in UTF-8.", hint="Send bytes with --input FILE."
            ) from None

    def read(self, name: str) -> bytes:
        """All of a file, or of stdin. Raises LocalError."""
        try:
            if name == STDIN:
                if self.stdin.isatty():
                    self.say("Reading from this terminal; Ctrl-D on a line of its own ends it.")
                return _bounded(self.stdin.buffer, "stdin")
            with open(name, "rb") as file:  # noqa: PTH123 - also a name such as /dev/fd/63
                return _bounded(file, name)
        except OSError as error:
            raise LocalError(f"{name!r} cannot be read: {error.strerror or error}.") from None


def _bounded(file: BinaryIO, name: str) -> bytes:
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise LocalError(f"{name} holds more than 32 MiB, which no call of this API takes.")
    return data
