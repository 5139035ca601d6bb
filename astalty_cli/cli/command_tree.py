"""The tree of commands: where each one's code is, what it does, and examples of it.

It is plain data, so that help, completion and a mistyped word load no command: `app.py` makes a command of
an entry when it is asked for.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Command(NamedTuple):
    """`place` is `module:function` below `astalty_cli.commands`; `wraps`: its words are another program's.

    `help` is one line; in the command's own help the function's docstring follows it, and `examples` end it.
    """

    place: str
    help: str
    examples: tuple[str, ...]
    alias: str = ""
    wraps: bool = False


class Group(NamedTuple):
    help: str
    commands: Mapping[str, "Command | Group"]
    epilog: str = ""


def look_up(group: Group, name: str) -> Command | Group | None:
    """The entry of this name or alias; an entry without an alias is not what an empty word names."""
    for known, entry in group.commands.items():
        if name == known or (name and isinstance(entry, Command) and name == entry.alias):
            return entry
    return None


AUTH = Group(
    "Sign in and switch accounts.",
    {
        "login": Command(
            "auth:login",
            "Check an API key and store it in a profile.",
            ("astalty auth login", "astalty auth login -p work --with-token < key-file"),
        ),
        "logout": Command(
            "auth:logout",
            "Remove a profile and its stored key from this machine.",
            ("astalty auth logout -p work",),
        ),
        "switch": Command("auth:switch", "Set the default profile.", ("astalty auth switch work",)),
        "status": Command(
            "auth:status",
            "Show the active profile and check its key.",
            ("astalty auth status", "astalty auth status -p work --json"),
        ),
        "exec": Command(
            "auth:execute",
            "Run a program with the key in its environment.",
            ("astalty auth exec -- ./sync-rosters.sh",),
            wraps=True,
        ),
    },
)

KEYS = Group(
    "Create, list, rename, rotate and revoke API keys.",
    {
        "list": Command(
            "keys.list:list_keys",
            "List keys; without --status, revoked ones are hidden.",
            ("astalty keys list", "astalty keys list --status revoked --json"),
            alias="ls",
        ),
        "show": Command(
            "keys.show:show", "Show one key.", ("astalty keys show ci", "astalty keys show ci --json")
        ),
        "create": Command(
            "keys.create:create",
            "Create a key and show its secret once.",
            (
                "astalty keys create ci --access read-only",
                "astalty keys create ci --to dotenv:.env#ASTALTY_API_KEY",
                "KEY=$(astalty keys create ci --plain)",
            ),
        ),
        "add": Command(
            "keys.add:add",
            "Add an existing key to the record.",
            (
                "astalty keys add payroll",
                "astalty keys add payroll --with-token --access read-only --owner Ana < key-file",
            ),
        ),
        "rename": Command("keys.rename:rename", "Rename a key.", ("astalty keys rename ci ci-deploy",)),
        "rotate": Command(
            "keys.rotate:rotate",
            "Replace a secret; the old one works for a grace period.",
            (
                "astalty keys rotate ci --grace 24h",
                "astalty keys rotate ci --to dotenv:.env#ASTALTY_API_KEY",
                "astalty keys rotate ci --if-older-than 80d --to file:key --force",
            ),
        ),
        "revoke": Command(
            "keys.revoke:revoke",
            "Revoke keys: all their secrets stop working at once.",
            ("astalty keys revoke ci", "astalty keys revoke ci reports --if-idle 7d --yes"),
            alias="rm",
        ),
        "audit": Command(
            "keys.audit:audit",
            "Find old, unused or suspicious keys.",
            (
                "astalty keys audit",
                "astalty keys audit --max-age 80d --fail-on old,unused",
                "astalty keys audit --ics astalty-keys.ics",
            ),
        ),
        "recover": Command(
            "keys.recover:recover",
            "Finish key operations that were interrupted.",
            ("astalty keys recover", "astalty keys recover --yes"),
        ),
        "panic": Command(
            "keys.panic:panic",
            "Replace a leaked secret and report what was done with it.",
            ("astalty keys panic", "astalty keys panic --with-token --yes --to file:new-key < leaked-key"),
        ),
    },
)

HISTORY = Group(
    "See the requests made with the account's keys.",
    {
        "list": Command(
            "history.list:list_requests",
            "List requests, newest first.",
            (
                "astalty history list",
                "astalty history list --status 4xx,5xx --since 24h",
                "astalty history list --key ci --all -o jsonl",
            ),
            alias="ls",
        ),
        "show": Command(
            "history.show:show",
            "Show one request and its response; secrets are hidden.",
            (
                "astalty history show 9ee93c75-3f4e-4f0b-8a44-2f0f0f5d8b17",
                "astalty history show 9ee93c75-3f4e-4f0b-8a44-2f0f0f5d8b17 --as curl",
            ),
        ),
        "tail": Command(
            "history.tail:tail",
            "Show new requests until Ctrl-C or --timeout.",
            ("astalty history tail", "astalty history tail --status 5xx --timeout 600"),
        ),
        "stats": Command(
            "history.stats:stats",
            "Count requests, errors and durations by group.",
            ("astalty history stats", "astalty history stats --by path --since 7d"),
        ),
        "export": Command(
            "history.export:export",
            "Export requests to a file, oldest first, with a manifest.",
            (
                "astalty history export november.jsonl --since 2026-11-01",
                "astalty history export errors.csv --status 4xx,5xx",
            ),
        ),
        "sync": Command(
            "history.sync:sync",
            "Update the local mirror of the history.",
            ("astalty history sync", "astalty history sync --since 30d --keep 90d"),
        ),
        "purge": Command(
            "history.purge:purge",
            "Remove requests from the local mirror.",
            ("astalty history purge --older-than 90d", "astalty history purge --all --yes"),
        ),
    },
)

ENDPOINTS = Group(
    "See the API's endpoints.",
    {
        "list": Command(
            "endpoints:list_endpoints",
            "List the API's calls by tag.",
            ("astalty endpoints list", "astalty endpoints list --filter participants"),
            alias="ls",
        ),
        "show": Command(
            "endpoints:show",
            "Show a call's parameters, bodies and examples.",
            ("astalty endpoints show GET /participants", "astalty endpoints show GET /participants --json"),
        ),
    },
)

SANDBOX = Group(
    "The same API on this machine, with its own data.",
    {
        "tour": Command(
            "sandbox.tour:tour",
            "Play the main job on a temporary sandbox.",
            ("astalty sandbox tour", "astalty sandbox tour --by-hand"),
        ),
        "serve": Command(
            "sandbox.serve:serve",
            "Serve the API over HTTP until Ctrl-C.",
            ("astalty sandbox serve", "astalty sandbox serve --port 0 --database test.db"),
        ),
        "seed": Command(
            "sandbox.seed:seed",
            "Add many requests to the history.",
            ("astalty sandbox seed --entries 10000 --days 90",),
        ),
        "info": Command(
            "sandbox.info:info",
            "Show where the sandbox is and how to use it.",
            ("astalty sandbox info", "KEY=$(astalty sandbox info --reveal --query key)"),
        ),
        "reset": Command(
            "sandbox.reset:reset",
            "Delete the sandbox's data and start again.",
            ("astalty sandbox reset --yes",),
        ),
    },
)

ROOT = Group(
    "The API Dashboard of an Astalty account: keys, rotation and request history.",
    {
        "auth": AUTH,
        "keys": KEYS,
        "history": HISTORY,
        "endpoints": ENDPOINTS,
        "sandbox": SANDBOX,
        "api": Command(
            "api:call",
            "Make any API call and print the answer's body.",
            (
                "astalty api participants",
                "astalty api participants --paginate --query '[].name'",
                "astalty api participants -f name='Ana Gum' --dry-run",
            ),
        ),
        "doctor": Command(
            "doctor:doctor",
            "Find out what is wrong and how to fix it.",
            ("astalty doctor", "astalty doctor -p work --json"),
        ),
        "completion": Command(
            "completion:completion",
            "Print the completion script for a shell.",
            ("astalty completion bash", "astalty completion fish > ~/.config/fish/completions/astalty.fish"),
        ),
    },
    epilog="No account yet? Try it on this machine: astalty sandbox tour",
)
