"""A program of the user's own, which gets the secret on its stdin: the way to every other place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.base.shell_words import joined
from astalty_cli.destinations import programs

_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Command:
    """It gets the secret alone, without a newline, and says by its exit code whether it took it."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)  # it may hold a key
    seconds: float = _SECONDS

    @property
    def spec(self) -> str:
        return f"exec:{joined(*self.argv)}"

    @property
    def readable(self) -> bool:
        return False

    @property
    def success_message(self) -> str:
        return f"{joined(*self.argv)} was given the secret and reported success."

    def probe(self) -> None:
        if programs.found(self.argv[0], self.environ) is None:
            raise LocalError(
                f"There is no program {self.argv[0]} here that can be run.",
                hint="Give its full path, and make it executable.",
            )

    def held(self) -> Secret | None:
        return None

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        text = secret.reveal().encode()
        done = programs.run(self.argv, given=text, seconds=self.seconds, environ=self.environ)
        if done.code != 0:
            raise LocalError(
                f"{self.argv[0]} did not take the secret ({programs.failure(done)}).",
                hint="What it said is not shown: the secret may be in it. It must exit 0 once it has it.",
            )
