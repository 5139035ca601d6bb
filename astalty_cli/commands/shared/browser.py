"""`-w`: a page of the dashboard, in the user's browser."""

import sys

from astalty_cli.api import contract
from astalty_cli.base.errors import UsageError
from astalty_cli.base.vocabulary import without_key
from astalty_cli.context import Context

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def open_dashboard(context: Context, given: dict[str, object]) -> None:
    """Open the Endpoint Dashboard; where there is no browser, print its address on stdout.

    Raises UsageError if a flag asks for something else: `given` are the values of the command's own flags.
    """
    style = context.output.style
    for_data = {f"-o {style.format}": style.format, "--fields": style.fields, "--query": style.query}
    for flag, value in (given | for_data).items():
        if value not in {None, False}:
            raise UsageError(
                f"--web and {flag} exclude each other.", hint="Leave out --web to read the catalogue here."
            )
    address = context.settings.address + contract.ENDPOINT_DASHBOARD
    if context.settings.is_sandbox:
        context.output.note(
            "The sandbox profile has no pages of its own: start `astalty sandbox serve` first."
        )
    if _can_show(context) and _open(address, context):
        context.output.note(f"Opened {address}")
    else:
        context.output.lines(address)


def show_web_app(context: Context) -> None:
    """Open the web app, whose pages have no published addresses of their own."""
    origin = context.settings.base_url.value
    address = contract.WEB_APP if origin == contract.DEFAULT_BASE_URL else context.settings.address
    if not (_can_show(context) and _open(address, context)):
        context.output.warn(f"No browser was found. Open {address}")


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
