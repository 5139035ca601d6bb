"""Who am I: the profile, the base URL and the key's source, and which of the sources won.

The order is flag, environment, config file, default, with one exception: `-p` on the command line means
that account, so its URL and its stored key beat the variables.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from astalty_cli.api.contract import DEFAULT_BASE_URL
from astalty_cli.api.origin import origin
from astalty_cli.base.errors import UnauthorizedError, UsageError
from astalty_cli.base.secret import Secret
from astalty_cli.base.vocabulary import API_KEY, BASE_URL, PROFILE, SANDBOX
from astalty_cli.config.profiles import Config, Profile, checked_name

SANDBOX_ORIGIN = "http://sandbox.localhost"  # a name for messages: no request leaves the process
SERVED_SANDBOX = "http://127.0.0.1:8787"  # where `astalty sandbox serve` listens unless told otherwise
_BASE_URL_FLAG = "flag --base-url"


class Sourced(NamedTuple):
    """A value and where it came from, in words for `auth status`."""

    value: str
    source: str


class Settings(NamedTuple):
    """What holds for one command. `variable` is the key from the environment, if it is the one used.

    `stored` is the profile as configured; `notes` are what the user should be told on stderr.
    """

    profile: Sourced
    base_url: Sourced
    variable: Secret | None
    stored: Profile | None
    notes: tuple[str, ...]

    @property
    def is_sandbox(self) -> bool:
        return self.profile.value == SANDBOX

    @property
    def address(self) -> str:
        """Where other programs reach the API: the sandbox in this process has no address of its own."""
        return SERVED_SANDBOX if self.is_sandbox else self.base_url.value

    @property
    def key_source(self) -> str | None:
        if self.variable:
            return f"environment {API_KEY}"
        if self.is_sandbox:
            return "the sandbox's own file"
        return self.stored.storage if self.stored else None


def resolve(
    flag_profile: str | None,
    flag_base_url: str | None,
    environ: Mapping[str, str],
    config: Config,
    *,
    may_be_new: bool = False,
) -> Settings:
    """Decide. `may_be_new` lets `auth login` name a profile that does not exist yet.

    Raises UsageError for an empty variable, an unknown profile, a bad URL, or a contradiction.
    """
    variables = {name: _not_empty(name, environ.get(name)) for name in (API_KEY, BASE_URL, PROFILE)}
    profile = _profile(_not_empty("--profile", flag_profile), variables[PROFILE], config)
    if profile.value == SANDBOX:
        return _sandbox(profile, flag_base_url, variables, pinned=flag_profile is not None)
    stored = _normal(profile.value, config, damaged_is_new=may_be_new)
    if stored is None and not may_be_new and profile.value != "default":
        from astalty_cli.base.shell_words import quoted

        known = ", ".join([*config.profiles, SANDBOX])
        raise UsageError(
            f"There is no profile {profile.value!r} ({profile.source}).",
            hint=f"Known: {known}. To create it: astalty auth login -p {quoted(profile.value)}",
        )
    notes: list[str] = []
    pinned = flag_profile is not None and stored is not None
    base_url = _base_url(_not_empty("--base-url", flag_base_url), variables[BASE_URL], stored, pinned, notes)
    key = variables[API_KEY]
    if key and pinned and stored and stored.storage:
        notes.append(f"{API_KEY} is set and not used: -p {profile.value} uses its own key.")
        key = None
    return Settings(profile, base_url, as_secret(key) if key else None, stored, tuple(notes))


def _normal(name: str, config: Config, *, damaged_is_new: bool) -> Profile | None:
    profile = config.profiles.get(name)
    try:
        return profile and msgspec.structs.replace(profile, base_url=origin(profile.base_url))
    except UsageError as error:
        if damaged_is_new:  # signing in again fixes it
            return None
        from astalty_cli.base.shell_words import quoted

        raise UsageError(
            f"Profile {name!r} in the config file is not usable. {error.message}",
            hint=f"Sign in again: astalty auth login -p {quoted(name)} --base-url URL",
        ) from None


def _profile(flag: str | None, variable: str | None, config: Config) -> Sourced:
    if flag is not None:
        return Sourced(checked_name(flag), "flag --profile")
    if variable is not None:
        return Sourced(checked_name(variable), f"environment {PROFILE}")
    if config.default_profile is not None:
        return Sourced(checked_name(config.default_profile), "config file")
    return Sourced("default", "default")


def _base_url(
    flag: str | None, variable: str | None, stored: Profile | None, pinned: bool, notes: list[str]
) -> Sourced:
    if flag is not None:
        return Sourced(origin(flag), _BASE_URL_FLAG)
    if pinned and stored:
        if variable is not None:
            notes.append(f"{BASE_URL} is set and not used: -p uses its profile's own URL.")
        return Sourced(stored.base_url, "config file")
    if variable is not None:
        return Sourced(origin(variable), f"environment {BASE_URL}")
    if stored:
        return Sourced(stored.base_url, "config file")
    return Sourced(DEFAULT_BASE_URL, "default")


def _sandbox(
    profile: Sourced, flag_base_url: str | None, variables: dict[str, str | None], *, pinned: bool
) -> Settings:
    if flag_base_url is not None or (variables[BASE_URL] and not pinned):
        raise UsageError(
            "The sandbox profile runs inside this process and takes no base URL.",
            hint=f"Leave out --base-url and {BASE_URL}, or name another profile.",
        )
    notes = tuple(
        f"{name} is set and not used: -p sandbox is its own account."
        for name in (API_KEY, BASE_URL)
        if pinned and variables[name]
    )
    key = None if pinned else variables[API_KEY]
    base_url = Sourced(SANDBOX_ORIGIN, "built in")
    return Settings(profile, base_url, as_secret(key) if key else None, None, notes)


def _not_empty(name: str, value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise UsageError(f"{name} is set but empty.", hint="Give it a value, or leave it out.")
    return value


def as_secret(text: str) -> Secret:
    """Take a key from the environment or from a user. Raises UsageError for what cannot be one."""
    try:
        return Secret.parse(text)
    except ValueError as error:
        raise UsageError(
            f"That is not an API key: {error}.", hint="Copy it again, without quotes or line breaks."
        ) from None


def typed_secret(text: str) -> Secret:
    """Take a key as it is typed, pasted or piped. Raises UsageError as `as_secret`.

    White space, a byte order mark, quotes and `Bearer` around it are left out.
    """
    text = text.strip().strip("\ufeff").strip()
    if not text:
        raise UsageError("No key was given.", hint="Paste it, or give it on stdin with --with-token.")
    for _ in range(2):  # the quotes may be around the word, or behind it
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'`":
            text = text[1:-1].strip()
        if text[:7].lower() == "bearer ":
            text = text[7:].strip()
    return as_secret(text)


def not_signed_in(settings: Settings, argv: Sequence[str]) -> UnauthorizedError:
    """What a newcomer reads first: both ways on, with what was just typed (`argv`)."""
    from astalty_cli.base.shell_words import joined

    profile, base_url = settings.profile.value, settings.base_url
    named = [] if profile == "default" else ["-p", profile]
    there = ["--base-url", base_url.value] if base_url.source == _BASE_URL_FLAG else []
    return UnauthorizedError(
        "No API key is set up here." if not named else f"Profile {profile!r} has no key.",
        hint=f"To use your account:    {joined('astalty', 'auth', 'login', *named, *there)}\n"
        f"To try it without one:  {joined('astalty', *_on_the_sandbox(argv))}",
    )


def _on_the_sandbox(argv: Sequence[str]) -> list[str]:
    words = list(argv)
    end = words.index("--") if "--" in words else len(words)
    kept: list[str] = []
    skip = False
    for word in words[:end]:
        if skip or word in {"-p", "--profile", "--base-url"}:
            skip = not skip
        elif not word.startswith(("--profile=", "--base-url=")):
            kept.append(word)
    return [*kept, "-p", SANDBOX, *words[end:]]
