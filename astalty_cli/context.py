"""What a command may touch. Cheap to make; the expensive parts are built when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from astalty_cli.base import garbage
from astalty_cli.base.errors import LocalError, UsageError
from astalty_cli.output.style import Style
from astalty_cli.program import Program

if TYPE_CHECKING:
    from astalty_cli.api.capabilities import Capabilities
    from astalty_cli.api.capability_memory import Capability, CapabilityMemory, Offers
    from astalty_cli.api.client import Client
    from astalty_cli.api.http import Connection, Http
    from astalty_cli.base.secret import Secret
    from astalty_cli.cli.flags import Flags
    from astalty_cli.config.completion_cache import CompletionCache
    from astalty_cli.config.journal import Journal
    from astalty_cli.config.profiles import ConfigFile
    from astalty_cli.config.settings import Settings
    from astalty_cli.output.output import Output
    from astalty_cli.sandbox.home import Home

T = TypeVar("T")

DEFAULT_TIMEOUT = 60.0  # seconds for a whole command, waiting included


class Account(NamedTuple):
    """The flags that say who and where. `timeout` is in seconds; None if no flag named one."""

    profile: str | None = None
    base_url: str | None = None
    timeout: float | None = None
    ca_file: Path | None = None


@dataclass
class Context:
    """One command's view: its flags, and the client, settings and output made from them."""

    program: Program
    account: Account = field(default_factory=Account)
    style: Style = field(default_factory=Style)
    verbose: bool = False
    default_timeout: float | None = DEFAULT_TIMEOUT
    values: Mapping[Callable[..., Any], Any] = field(default_factory=dict)
    _closing: ExitStack = field(default_factory=ExitStack)

    def get(self, flags: Flags[T]) -> T:
        """The value of a group of flags; of one that the command doesn't take, the value without any flag."""
        return self.values[flags.make] if flags.make in self.values else flags.make()

    @cached_property
    def output(self) -> Output:
        from astalty_cli.output.output import Output

        return Output(self.program.streams, self.style)

    @cached_property
    def config_file(self) -> ConfigFile:
        from astalty_cli.config.profiles import ConfigFile

        return ConfigFile(self.program.folders.config)

    @cached_property
    def journal(self) -> Journal:
        """What key operations have left open on this machine."""
        from astalty_cli.config.journal import Journal

        return Journal(self.journal_folder)

    @property
    def journal_folder(self) -> Path:
        """It is made with the first entry: without it nothing has ever been left open."""
        return self.program.folders.config / "journal"

    @property
    def catalogue_folder(self) -> Path:
        """Copies of endpoint catalogues."""
        return self.program.folders.cache / "catalogue"

    @cached_property
    def completion_cache(self) -> CompletionCache:
        """What completion will offer for this profile."""
        from astalty_cli.config.completion_cache import CompletionCache

        return CompletionCache(self.program.folders.cache, self.settings.profile.value)

    @cached_property
    def settings(self) -> Settings:
        """Who this command speaks as. Raises UsageError; says on stderr what was set and not used."""
        return self.resolve()

    def resolve(self, *, may_be_new: bool = False) -> Settings:
        from astalty_cli.config.settings import resolve

        settings = resolve(
            self.account.profile,
            self.account.base_url,
            self.program.environ,
            self.config_file.read(),
            may_be_new=may_be_new,
        )
        for note in settings.notes:
            self.output.note(note)
        return settings

    @cached_property
    def sandbox(self) -> Home:
        """The profile `sandbox`: its database and its key."""
        require_sandbox()
        from astalty_cli.sandbox.home import Home

        return Home(self.program.folders.data / "sandbox" / "sandbox.db")

    @cached_property
    def client(self) -> Client:
        """The account's API, with the key in force. Raises UnauthorizedError if there is none."""
        return self.client_with(self.secret(), self.timeout)

    @cached_property
    def keyless_client(self) -> Client:
        """The same API for what needs no key: none is looked for, and none is sent."""
        return self.client_with(None, self.timeout)

    @property
    def timeout(self) -> float | None:
        """Seconds for the whole command; None: as long as it takes."""
        return self.default_timeout if self.account.timeout is None else self.account.timeout

    def disable_time_limit(self) -> None:
        """Let the command go on as long as it takes."""
        self.default_timeout = None
        garbage.collect_normally()

    def client_with(
        self, secret: Secret | None, timeout: float | None, known: Offers | None = None
    ) -> Client:
        """The same API with another key, or with none, and with seconds of its own.

        `known` is what the server is known to offer to that key.
        """
        from astalty_cli.api.client import Client

        http = self.http(secret, timeout)
        return Client(http, self._capabilities_of(http, known))

    @property
    def capabilities(self) -> Capabilities:
        """What the server offers to the key in force."""
        return self.client.capabilities

    @cached_property
    def capability_memory(self) -> CapabilityMemory:
        """What this origin was seen to offer lately."""
        from astalty_cli.api.capability_memory import CapabilityMemory

        folder = self.program.folders.cache / "capabilities"
        return CapabilityMemory(folder, self.settings.base_url.value)

    def _capabilities_of(self, http: Http, known: Offers | None) -> Capabilities:
        from astalty_cli.api.capabilities import Capabilities
        from astalty_cli.api.capability_memory import Capability, Offer

        if self.settings.is_sandbox:  # which has all of it, whatever it answers
            return Capabilities(http, known=dict.fromkeys(Capability, Offer.FULL))
        return Capabilities(http, memory=self.capability_memory, known=known, on_none=self._forget_names)

    def _forget_names(self, capability: Capability) -> None:
        """Completion must not offer names that no command can use."""
        if capability == "keys":
            self.completion_cache.set_keys({})

    def client_elsewhere(self, origin: str) -> Client:
        """Another host, for what it has for everybody: no key is ever sent there."""
        from astalty_cli.api.client import Client
        from astalty_cli.api.http import Connection

        ca_file, environ = self.account.ca_file, self.program.environ
        return Client(self._http(Connection(origin, None, self.timeout, ca_file, environ)))

    def http(
        self, secret: Secret | None, timeout: float | None, *, once: bool = False, hide: Secret | None = None
    ) -> Http:
        """Requests to the same origin; without a secret they carry no key. `once`: a GET is not repeated."""
        from astalty_cli.api.http import Connection

        connection = Connection(
            origin=self.settings.base_url.value,
            secret=secret,
            timeout=timeout,
            ca_file=self.account.ca_file,
            environ=self.program.environ,
            app=self._sandbox_app if self.settings.is_sandbox else None,
            pace_folder=self._pace_folder,
            once=once,
            hide=hide,
        )
        return self._http(connection)

    def _http(self, connection: Connection) -> Http:
        from astalty_cli.api.http import Http

        log = self._log if self.verbose else lambda _: None
        http = Http(connection, log=log, notice=self.output.note)
        self._closing.callback(http.close)
        return http

    def secret(self) -> Secret:
        """The key in force. A stored one goes only to the origin that it was stored for.

        Raises UnauthorizedError if there is none, UsageError if it belongs to another origin.
        """
        settings, stored = self.settings, self.settings.stored
        if settings.variable:
            return settings.variable
        if settings.is_sandbox:
            return self.sandbox.secret()
        from astalty_cli.config import credentials
        from astalty_cli.config.settings import not_signed_in

        if stored is None or stored.storage is None:
            raise not_signed_in(settings, self.program.argv)
        if settings.base_url.value != stored.base_url:
            from astalty_cli.base.shell_words import quoted

            raise UsageError(
                f"The key of profile {settings.profile.value!r} was stored for {stored.base_url} "
                f"and is not sent to {settings.base_url.value}.",
                hint="Sign in there under another name: "
                f"astalty auth login -p NAME --base-url {quoted(settings.base_url.value)}",
            )
        place = credentials.stored_in(stored.storage, self.program.folders.config)
        secret = place.load(settings.profile.value, stored.base_url)
        if secret is None:
            raise not_signed_in(settings, self.program.argv)
        return secret

    def close(self) -> None:
        self._closing.close()

    @property
    def _pace_folder(self) -> Path:
        """It need not be there; if it is created, it and the cache folder are this user's alone."""
        folder = self.program.folders.cache / "pace"
        if not folder.exists():
            from astalty_cli.base.private_files import private_folder

            with suppress(LocalError):
                private_folder(folder)
        return folder

    @cached_property
    def _sandbox_app(self) -> Any:
        home = self.sandbox  # first: it says what to do if the extra is not installed
        from astalty_cli.sandbox.app import create_app

        store = home.open()
        self._closing.callback(store.close)
        return create_app(store, rate_limit=0)  # only `sandbox serve` limits its callers

    def _log(self, line: str) -> None:
        self.output.say(f"{line}\n")


def require_sandbox() -> None:
    """Raises LocalError, with the command that helps, if the extra is not installed."""
    from astalty_cli.base.extras import install_command, is_installed

    if not is_installed("sandbox"):
        raise LocalError(
            "The sandbox is an extra that is not installed.",
            hint=f"Install it: {install_command('sandbox')}",
        )
