"""Stdout as the place for a new secret: a panel, the secret alone, or in its JSON object."""

from dataclasses import dataclass

import msgspec
from msgspec import Raw

from astalty_cli.api.answers import Row
from astalty_cli.api.models import ApiKey
from astalty_cli.errors import UsageError
from astalty_cli.output.output import Output
from astalty_cli.secret import Secret
from astalty_cli.sinks.sink import Sink


def chosen(output: Output, *, plain: bool) -> Sink:
    """The form that the flags ask for.

    Raises UsageError, before any call, where stdout is not a terminal and no flag asks for the secret
    by name (so that a CI log never gets one by accident), and where a flag would drop it.
    """
    style = output.style
    dropping = {
        "--fields": style.fields is not None,
        "--query": style.query is not None,
        "--quiet": style.quiet and not (plain or style.format == "json"),
        f"-o {style.format}": style.format in {"tsv", "jsonl", "csv"},
        "-o table": style.format == "table" and not output.streams.stdout_is_terminal,
    }
    if any(dropping.values()):
        flag = next(flag for flag, drops in dropping.items() if drops)
        raise UsageError(
            f"{flag} does not go with a new secret, which is shown only once.",
            hint="Use --plain, --json, or no output flag on a terminal.",
        )
    if plain:
        if style.format is not None:
            raise UsageError("--plain goes with no other output: not with --json, not with -o.")
        return Plain(output)
    if style.format == "json":
        return Json(output)
    if not output.streams.stdout_is_terminal:
        raise UsageError(
            "stdout is not a terminal, and nothing says where the new secret should go.",
            hint="--plain prints the secret alone, --json the key with its secret.",
        )
    return Panel(output)


@dataclass(frozen=True)
class Panel:
    """On a terminal: a panel that says it will not be shown again."""

    output: Output

    def deliver(self, key: Row[ApiKey], secret: Secret) -> None:
        from astalty_cli.output.human import secret_panel

        _put(self.output, secret, secret_panel(secret.reveal(), key.value.name, self.output.streams))


@dataclass(frozen=True)
class Plain:
    """The secret and a newline, for `KEY=$(astalty keys create ci --plain)`."""

    output: Output

    def deliver(self, key: Row[ApiKey], secret: Secret) -> None:  # noqa: ARG002 - the secret alone
        _put(self.output, secret, f"{secret.reveal()}\n")


@dataclass(frozen=True)
class Json:
    """The key's own object with `secret` in it."""

    output: Output

    def deliver(self, key: Row[ApiKey], secret: Secret) -> None:
        members = msgspec.json.decode(key.raw, type=dict[str, Raw])
        members["secret"] = Raw(msgspec.json.encode(secret.reveal()))
        _put(self.output, secret, self.output.json_text(msgspec.json.encode(members)) + "\n")


def _put(output: Output, secret: Secret, text: str) -> None:
    if output.streams.runs_workflow_commands:
        output.mask_in_workflow_log(secret.reveal())
    output.write(text)
    output.streams.stdout.flush()
