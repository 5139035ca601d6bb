"""Stdout as the destination of a new secret: a panel, the secret alone, or in its JSON object."""

from dataclasses import dataclass
from typing import ClassVar

import msgspec
from msgspec import Raw

from astalty_cli.api.identity import KeyIdentity
from astalty_cli.base.secret import Secret
from astalty_cli.output.output import Output


@dataclass(frozen=True)
class _Stdout:
    """What the forms of stdout share: nothing can be asked of it, and nothing read back."""

    output: Output
    readable: ClassVar[bool] = False
    success_message: ClassVar[str] = ""  # it can be seen

    def probe(self) -> None:
        """Nothing to ask: what stdout is was looked at when this form was chosen."""

    def held(self) -> None:
        return None


@dataclass(frozen=True)
class Panel(_Stdout):
    """On a terminal: a panel that says it will not be shown again."""

    spec: ClassVar[str] = "terminal"

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:
        from astalty_cli.output.human import secret_panel

        panel = secret_panel(secret.reveal(), key.name, key.access, self.output.streams)
        _put(self.output, secret, panel)


@dataclass(frozen=True)
class Plain(_Stdout):
    """The secret and a newline, for `KEY=$(astalty keys create ci --plain)`."""

    spec: ClassVar[str] = "plain"

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        _put(self.output, secret, f"{secret.reveal()}\n", exactly=True)


@dataclass(frozen=True)
class Json(_Stdout):
    """The key's own object with `secret` in it."""

    spec: ClassVar[str] = "json"

    def deliver(self, key: KeyIdentity, secret: Secret) -> None:
        members = msgspec.json.decode(key.row, type=dict[str, Raw])
        members["secret"] = Raw(msgspec.json.encode(secret.reveal()))
        _put(self.output, secret, self.output.json_text(msgspec.json.encode(members)) + "\n")


def _put(output: Output, secret: Secret, text: str, *, exactly: bool = False) -> None:
    if output.streams.runs_workflow_commands:
        output.mask_in_workflow_log(secret.reveal())
    if exactly:  # no character of a secret is changed, whoever reads the log
        output.streams.stdout.write(text)
    else:
        output.write(text)
    output.streams.stdout.flush()
