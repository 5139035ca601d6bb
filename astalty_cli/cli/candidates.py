"""What completion offers for the value of an argument or a flag, from this machine alone.

Each is for typer's `autocompletion`; `completion.py` calls them, with the program as the context's object.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import typer

from astalty_cli.api.contract import DOCUMENTED, PREFIX
from astalty_cli.base.vocabulary import PROFILE, SANDBOX
from astalty_cli.destinations.kinds import KINDS

if TYPE_CHECKING:
    from astalty_cli.config.completion_cache import CompletionCache
    from astalty_cli.program import Program

Candidates = list[tuple[str, str]]


def keys(ctx: typer.Context, incomplete: str) -> Candidates:
    """Names of keys, but for those that are typed already; ids for what begins as one."""
    typed = ctx.params.get("keys") or ()
    known = {key_id: name for key_id, name in _completion_cache(ctx).keys().items() if name not in typed}
    names = [(name, f"key {key_id[:8]}") for key_id, name in known.items()]
    return names + [(key_id, name) for key_id, name in known.items() if incomplete]


def calls(ctx: typer.Context, incomplete: str) -> Candidates:
    """Paths of the catalogue's calls, as they begin to be typed: of the method that is there, else of all."""
    typed = str(ctx.params.get("method") or "").upper().split(",")
    known = [(path, method) for method, path in _known_calls(ctx) if method in typed or typed == [""]]
    short = [(path.removeprefix(PREFIX), method) for path, method in known]
    if incomplete.startswith("/"):
        return known + short
    return [(path.removeprefix("/"), method) for path, method in short]


def methods(ctx: typer.Context, incomplete: str) -> list[str]:
    """Methods of the catalogue's calls."""
    return in_any_case(sorted({method for method, _ in _known_calls(ctx)}))(incomplete)


def _known_calls(ctx: typer.Context) -> Sequence[tuple[str, str]]:
    """Those of the catalogue that was listed last; before that, the documented ones."""
    return _completion_cache(ctx).calls() or DOCUMENTED


def profiles(ctx: typer.Context) -> Candidates:
    return [(name, "profile") for name in _configured(ctx)] + [(SANDBOX, "the API on this machine")]


def destinations(ctx: typer.Context, incomplete: str) -> Candidates:
    if incomplete.startswith("keyring:"):
        return [(f"keyring:{name}", "profile") for name in _configured(ctx)]
    return [(f"{kind.name}:", kind.help) for kind in KINDS]


def in_any_case(words: Collection[str]) -> Callable[[str], list[str]]:
    """For one of these words, which may be typed in lower case."""
    return lambda incomplete: [word.lower() if incomplete.islower() else word for word in words]


def _completion_cache(ctx: typer.Context) -> CompletionCache:
    from astalty_cli.config.completion_cache import CompletionCache

    program: Program = ctx.obj
    named = ctx.params.get("profile") or program.environ.get(PROFILE)
    profile = named or _config(program).get("default_profile") or "default"
    return CompletionCache(program.folders.cache, str(profile))


def _configured(ctx: typer.Context) -> list[str]:
    profiles = _config(ctx.obj).get("profiles")
    return list(profiles) if isinstance(profiles, dict) else []


def _config(program: Program) -> dict[str, object]:
    """The config file as it is; whatever is wrong with it is for a command to say."""
    from astalty_cli.base import private_files
    from astalty_cli.config import toml_edit

    try:
        return toml_edit.load(private_files.read_text(program.folders.config / "config.toml"))
    except (OSError, ValueError):
        return {}
