"""Where a new secret goes, by the flags: destinations by name, the clipboard, or a form of stdout."""

from datetime import timedelta

from astalty_cli.base.errors import UsageError
from astalty_cli.destinations import kinds
from astalty_cli.destinations.destination import Destination
from astalty_cli.destinations.kinds import Environment
from astalty_cli.destinations.options import DestinationOptions
from astalty_cli.output.output import Output

FORMS = frozenset({"terminal", "plain", "json"})  # of stdout: the journal names them, and none can be read


def chosen(output: Output, wanted: DestinationOptions, environment: Environment) -> list[Destination]:
    """The destinations that the flags ask for.

    Raises UsageError, before any call, if stdout is not a terminal and no flag asks for the secret by
    name (so that a CI log never gets one by accident), and if a flag would drop it.
    """
    destinations = named(wanted, environment)
    if wanted.plain or not destinations:
        destinations.append(_form_of_stdout(output, plain=wanted.plain))
    _ensure_different(destinations)
    return destinations


def by_hand(wanted: DestinationOptions, environment: Environment) -> list[Destination]:
    """The destinations of a secret that was pasted, which is never shown again. Raises UsageError."""
    if wanted.plain:
        raise UsageError(
            "--plain can't show a key that is created in the web app: what is pasted is never shown.",
            hint="Leave it out. To save the key, use --to DESTINATION or --copy.",
        )
    destinations = named(wanted, environment)
    _ensure_different(destinations)
    return destinations


def _ensure_different(destinations: list[Destination]) -> None:
    specs = [destination.spec for destination in destinations]
    whole = {spec.removeprefix("file:") for spec in specs if spec.startswith("file:")}
    in_part = {spec[7:].rpartition("#")[0] for spec in specs if spec.startswith("dotenv:")}
    if len(set(specs)) < len(specs) or whole & in_part:
        raise UsageError("Two destinations are the same.", hint="Name each one once.")


def named(wanted: DestinationOptions, environment: Environment) -> list[Destination]:
    """The destinations of `--to` and `--copy`. Raises UsageError for a text that names none."""
    destinations = [kinds.parse(text, environment, force=wanted.force) for text in wanted.to]
    if wanted.copy:
        from astalty_cli.destinations.clipboard import Clipboard

        destinations.append(Clipboard(environment.environ, wanted.clear_after))
    return destinations


def again(spec: str, environment: Environment, clear_after: timedelta) -> Destination | None:
    """A destination of the journal, to be read and filled once more; None for a form of stdout."""
    if spec in FORMS:
        return None
    copied = spec == "clipboard"
    wanted = DestinationOptions(
        to=() if copied else (spec,), copy=copied, clear_after=clear_after, force=True
    )
    return named(wanted, environment)[0]


def _form_of_stdout(output: Output, *, plain: bool) -> Destination:
    from astalty_cli.destinations import terminal

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
            f"{flag} does not go with a new secret on stdout, which is shown only once.",
            hint="Use --plain, --json, --to DESTINATION, or no output flag on a terminal.",
        )
    if plain:
        if style.format is not None:
            raise UsageError(
                "--plain goes with no other output: not with --json, not with -o.",
                hint="Leave one of them out.",
            )
        return terminal.Plain(output)
    if style.format == "json":
        return terminal.Json(output)
    if not output.streams.stdout_is_terminal:
        raise UsageError(
            "stdout is not a terminal, and nothing says where the new secret should go.",
            hint="--plain prints the secret alone, --json the key with its secret; --to saves it elsewhere.",
        )
    return terminal.Panel(output)
