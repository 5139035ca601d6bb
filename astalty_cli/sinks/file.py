"""A file of its own for the secret: 0600 from birth, and never over another one unasked."""

from dataclasses import dataclass
from pathlib import Path

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey
from astalty_cli.config import files
from astalty_cli.errors import LocalError
from astalty_cli.secret import Secret


@dataclass(frozen=True)
class File:
    """The secret and a newline. With `force`, a file that is there is replaced in one step."""

    path: Path
    force: bool = False

    @property
    def spec(self) -> str:
        return f"file:{self.path}"

    @property
    def readable(self) -> bool:
        return True

    @property
    def told(self) -> str:
        return f"The secret is in {self.path}, which only you can read; it was read back."

    def probe(self) -> None:
        there = files.read_private(self.path) is not None
        if there and not self.force:
            raise files.already_there(self.path)
        files.must_be_writable(self.path.parent)

    def held(self) -> Secret | None:
        files.clear_leftovers(self.path)
        content = (files.read_private(self.path) or b"").strip()
        return Secret(content.decode("utf-8", "replace")) if content else None

    def deliver(self, key: Row[ApiKey], secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        put = files.replace_private if self.force else files.create_private
        put(self.path, f"{secret.reveal()}\n".encode())
        if self.held() != secret:
            raise LocalError(
                f"{self.path} was written and does not hold the secret.", hint="Check the disk below it."
            )
