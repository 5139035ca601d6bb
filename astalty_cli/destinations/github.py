"""A secret of a GitHub repository, set by GitHub's own `gh`: it alone can encrypt and sign in there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.errors import LocalError
from astalty_cli.base.secret import Secret
from astalty_cli.destinations import programs

_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Github:
    """`name` among the secrets of GitHub Actions of `repository`, which is `OWNER/REPO`."""

    repository: str
    name: str
    environ: Mapping[str, str] = field(repr=False)  # it may hold a key

    @property
    def spec(self) -> str:
        return f"github:{self.repository}#{self.name}"

    @property
    def readable(self) -> bool:
        return False

    @property
    def success_message(self) -> str:
        return f"The secret is {self.name} in {self.repository} on GitHub, which does not give it back."

    def probe(self) -> None:
        if programs.found("gh", self.environ) is None:
            raise LocalError("GitHub CLI (`gh`) is not installed.", hint="Install it: https://cli.github.com")
        done = self._gh("list")
        if done.code != 0:
            raise LocalError(
                f"gh cannot reach the secrets of {self.repository}: {programs.first_line(done.err)}",
                hint=f"See what it needs: gh secret list --repo {self.repository}",
            )

    def held(self) -> Secret | None:
        return None

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        text = secret.reveal().encode()
        done = self._gh("set", self.name, given=text)
        if done.code != 0:
            raise LocalError(
                f"gh did not set {self.name} in {self.repository} ({programs.failure(done)}).",
                hint="Check that your GitHub account may write there: "
                f"gh secret set {self.name} --repo {self.repository}",
            )

    def _gh(self, verb: str, *names: str, given: bytes = b"") -> programs.Finished:
        return programs.run(
            ["gh", "secret", verb, *names, "--repo", self.repository],
            given=given,
            seconds=_SECONDS,
            environ={**self.environ, "GH_PROMPT_DISABLED": "1"},
        )
