"""`-w`: a page of the dashboard, in the user's browser."""

import sys

from astalty_cli.api.contract import ENDPOINT_DASHBOARD
from astalty_cli.base.errors import UsageError
from astalty_cli.base.vocabulary import without_key
from astalty_cli.context import Context

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def open_dashboard(context: Context) -> None:
    """Open the Endpoint Dashboard; if there is no browser, print its address on stdout.

    Raises UsageError if a flag asks for data.
    """
    style = context.output.style
    wishes = {f"-o {style.format}": style.format, "--fields": style.fields, "--query": style.query}
    for flag, given in wishes.items():
        if given is not None:
            raise UsageError(f"--web and {flag} exclude each other.", hint="The page has no other form.")
    address = context.settings.address + ENDPOINT_DASHBOARD
    if context.settings.is_sandbox:
        context.output.note(
            "The sandbox profile has no pages of its own: start `astalty sandbox serve` first."
        )
    if _can_show(context) and _open(address, context):
        context.output.note(f"Opened {address}")
    else:
        context.output.lines(address)


def _can_show(context: Context) -> bool:
    """Whether there is a screen: without one, what the system finds is a browser that takes the terminal."""
    environ = context.program.environ
    if environ.get("BROWSER"):
        return True
    if "CI" in environ:
        return False
    return sys.platform == "darwin" or any(
        environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
    )


def _open(address: str, context: Context) -> bool:
    """In a process of its own, since a browser is not to inherit the key."""
    import subprocess

    environ = without_key(context.program.environ)
    command = [sys.executable, "-I", "-c", _OPEN, address]
    return subprocess.run(command, env=environ, check=False).returncode == 0  # noqa: S603 - our own words
