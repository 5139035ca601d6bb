"""`astalty doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from astalty_cli.base.errors import AstaltyError, ChecksError
from astalty_cli.cli.options import ACCOUNT, OUTPUT, takes
from astalty_cli.context import DEFAULT_TIMEOUT, Context
from astalty_cli.output import columns

if TYPE_CHECKING:
    from astalty_cli.config.settings import Settings
    from astalty_cli.services.doctor.check import Check, Result, Step
    from astalty_cli.services.doctor.server import Server
    from astalty_cli.services.endpoints.catalogue import Reading


@takes(OUTPUT, ACCOUNT)
def doctor(context: Context) -> None:
    """It makes at most nine calls, and one for a catalogue that the profile names.

    It changes nothing but what is remembered of this server.
    """
    import msgspec

    from astalty_cli.base.hiding import hide_typed
    from astalty_cli.services.doctor.check import Check, checked

    output = context.output
    shown = output.columns(columns.DOCTOR, Check)
    made: list[Check] = []

    def rows() -> Iterator[bytes]:
        for check in checked(_steps(context)):
            made.append(check)
            found, hint = hide_typed(check.found), check.hint and hide_typed(check.hint)
            yield msgspec.json.encode(msgspec.structs.replace(check, found=found, hint=hint))

    output.checks(rows(), shown)
    _fail(made)


def _fail(made: list[Check]) -> None:
    """Raises ChecksError, as the worst of the errors."""
    errors = [each for each in made if each.status == "error"]
    if errors:
        names = ", ".join(each.check for each in errors)
        are = "check has" if len(errors) == 1 else "checks have"
        raise ChecksError(f"{len(errors)} {are} failed: {names}.", max(each.exit_code for each in errors))


def _steps(context: Context) -> Iterator[Step]:
    from astalty_cli.services.doctor import account, identity, machine, network
    from astalty_cli.services.doctor.check import Step
    from astalty_cli.services.doctor.server import Server
    from astalty_cli.services.endpoints.catalogue import Catalogue

    program = context.program
    environ, streams, folders = program.environ, program.streams, program.folders
    server = Server(
        lambda secret, seconds, hide: context.http(secret, seconds, once=True, hide=hide),
        context.timeout or DEFAULT_TIMEOUT,
    )

    def base_url() -> Result:
        settings = context.settings
        return (
            identity.sandbox(context.sandbox.database) if settings.is_sandbox else identity.base_url(settings)
        )

    def key() -> Result:
        server.secret = context.secret()
        return identity.key(context.settings, server.secret)

    def endpoints() -> Result:
        origin = context.settings.base_url.value
        catalogue = Catalogue(context.catalogue_folder, origin, server.ask_openly)
        result = account.endpoints(server, catalogue)
        _remember(context, server)
        return result

    yield Step("version", machine.version)
    yield Step("config", lambda: machine.config_file(context.config_file))
    yield Step("folders", lambda: machine.folders(folders.config, folders.data, folders.cache))
    yield Step("profile", lambda: identity.profile(_settings(context)), ("config",))
    yield Step("base-url", base_url, ("profile",))
    yield Step("key", key, ("profile",))
    yield Step("keyring", lambda: machine.keyring(context.settings), ("profile",))
    yield Step("proxy", lambda: network.proxy(context.settings, environ), ("profile",))
    yield Step("dns", lambda: network.dns(context.settings, environ, server.patience), ("proxy",))
    yield Step(
        "tls", lambda: network.tls(context.settings, server, context.account.ca_file, environ), ("dns",)
    )
    yield Step("clock", lambda: network.clock(server), ("tls",))
    yield Step("account", lambda: account.account(server), ("tls", "key"))
    yield Step("endpoints", endpoints, ("tls",))
    if name := _catalogue_name(context):
        yield Step("catalogue", lambda: account.catalogue(name, _named_catalogue(context, name)))
    yield Step("rate-limit", lambda: account.rate_limit(server), ("account",))
    yield Step("journal", lambda: machine.journal(context.journal))
    yield Step("clipboard", lambda: machine.clipboard(environ, somebody=streams.can_ask))
    yield Step("terminal", lambda: _terminal(context))


def _remember(context: Context, server: Server) -> None:
    """Remember what the server offers, for the commands that follow."""
    from astalty_cli.api.capabilities import Sign

    if context.settings.is_sandbox:
        return
    if server.catalogue is not None:
        context.capability_memory.note_catalogue(server.catalogue)
    if server.accepts_key and server.current.sign is not Sign.GATEWAY:
        context.capabilities.note(server.offers)


def _catalogue_name(context: Context) -> str | None:
    """The document that the profile names; None without one, and if the profile can't be read."""
    from astalty_cli.services.endpoints import named

    try:
        return named.of_profile(context.settings)
    except AstaltyError:
        return None


def _named_catalogue(context: Context, name: str) -> Reading:
    from astalty_cli.services.endpoints import named

    folders = (context.program.folders.config, context.catalogue_folder)
    return named.read(name, *folders, context.client_elsewhere, refresh=True)


def _settings(context: Context) -> Settings:
    """As for every command; what was set and not used is said in a row, and not beside it."""
    from astalty_cli.config.settings import resolve

    context.settings = resolve(
        context.account.profile, context.account.base_url, context.program.environ, context.config_file.read()
    )
    return context.settings


def _terminal(context: Context) -> Result:
    """What output is laid out for. A pager that is not there is no loss: then there is none."""
    from astalty_cli.output.pager import command
    from astalty_cli.services.doctor.check import ok, warning

    streams = context.program.streams
    named = {"stdin": streams.stdin, "stdout": streams.stdout, "stderr": streams.stderr}
    terminals = ", ".join(name for name, stream in named.items() if stream.isatty()) or "none"
    colour, why = streams.colour_and_reason
    found = (
        f"{terminals}; {streams.width} columns; {'colours' if colour else f'no colours ({why})'}; "
        f"{streams.stdout.encoding}; {command(streams.environ)}"
    )
    if streams.stdout.encoding.lower().replace("-", "") != "utf8":
        return warning(found, "What this cannot spell is escaped. Use UTF-8, as with LANG=C.UTF-8.")
    return ok(found)
