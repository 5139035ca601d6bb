"""A file of its own for the secret: 0600 from birth, and never over another one unasked."""

from dataclasses import dataclass
from pathlib import Path

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base import private_files
from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import MAX_LENGTH, Secret


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
    def success_message(self) -> str:
        return f"The secret is in {self.path}, which only you can read; it was read back."

    def probe(self) -> None:
        there = private_files.read_private(self.path) is not None
        if there and not self.force:
            raise private_files.already_there(self.path)
        private_files.ensure_one_name(self.path)
        private_files.ensure_writable(self.path, MAX_LENGTH)

    def held(self) -> Secret | None:
        private_files.clear_leftovers(self.path)
        content = (private_files.read_private(self.path) or b"").strip()
        return Secret(content.decode("utf-8", "replace")) if content else None

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        put = private_files.replace_private if self.force else private_files.create_private
        put(self.path, f"{secret.reveal()}\n".encode())
        if self.held() != secret:
            raise LocalError(
                f"{self.path} was written and does not hold the secret.", hint="Check the disk below it."
            )
