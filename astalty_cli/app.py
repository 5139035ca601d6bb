"""The table of contents of the command line."""

import typer

import astalty_cli.commands.history_export
import astalty_cli.commands.history_mirror
import astalty_cli.commands.history_show
import astalty_cli.commands.history_stats
import astalty_cli.commands.history_tail
import astalty_cli.commands.keys_audit
import astalty_cli.commands.keys_panic
import astalty_cli.commands.keys_recover  # noqa: F401 - they add their commands to groups
from astalty_cli.commands import api, auth, history, keys, sandbox
from astalty_cli.commands.group import group

app = group(
    "The API Dashboard of an Astalty account: keys, rotation and request history.",
    epilog="No account yet? Try it on this machine: astalty sandbox tour",
)
app.add_typer(auth.app, name="auth")
app.add_typer(keys.app, name="keys")
app.add_typer(history.app, name="history")
app.command("api")(api.call)
app.add_typer(sandbox.app, name="sandbox")


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and stop."),
) -> None:
    pass
