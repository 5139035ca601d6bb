"""The table of contents of the command line: each command, where its code is, and what it does.

It is plain data, so that help, completion and a mistyped word load no command: `app.py` makes a command of
an entry when it is asked for.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Command(NamedTuple):
    """`place` is `module:function` below `astalty_cli.commands`; `wraps`: its words are another program's.

    In the command's own help, `help` is followed by what the function's docstring says.
    """

    place: str
    help: str
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
    "Sign in, and say which account is meant.",
    {
        "login": Command("auth:login", "Check an API key with the service, and keep it under a profile."),
        "logout": Command(
            "auth:logout",
            "Forget a profile and the key it has stored here. The key itself goes on working.",
        ),
        "switch": Command("auth:switch", "Make a profile the one that is used without -p."),
        "status": Command("auth:status", "Show who you are, and whether it works."),
        "exec": Command("auth:execute", "Run a program with the key in its environment.", wraps=True),
    },
)

KEYS = Group(
    "Make, list, rename, rotate and revoke API keys.",
    {
        "list": Command(
            "keys.manage:list_keys", "List the account's keys; revoked ones only with --status.", alias="ls"
        ),
        "show": Command("keys.manage:show", "Show one key."),
        "create": Command(
            "keys.manage:create", "Make a key and show its secret, this once, or put it where --to says."
        ),
        "rename": Command("keys.manage:rename", "Give a key another name."),
        "rotate": Command("keys.manage:rotate", "Give a key a new secret, and end the old one in time."),
        "revoke": Command(
            "keys.manage:revoke", "End keys for good: every secret of theirs stops at once.", alias="rm"
        ),
        "audit": Command("keys.audit:audit", "Find keys to renew, end or ask about."),
        "recover": Command(
            "keys.recover:recover",
            "Finish what a crash, a lost answer or a failed destination has left open.",
        ),
        "panic": Command(
            "keys.panic:panic",
            "End a leaked secret at once, put a new one in its place, and report what was done with it.",
        ),
    },
)

HISTORY = Group(
    "See the requests that were made with the account's keys.",
    {
        "list": Command("history.list:list_requests", "List requests, the newest first.", alias="ls"),
        "show": Command(
            "history.show:show",
            "Show one request: who, when and from where, and both bodies. "
            "What looks like a secret is hidden.",
        ),
        "tail": Command(
            "history.tail:tail",
            "Show new requests as they are made, until Ctrl-C (or until --timeout is over).",
        ),
        "stats": Command(
            "history.stats:stats",
            "Count requests in groups, with the share that failed and how long they took.",
        ),
        "export": Command(
            "history.export:export",
            "Write the requests into a file, the oldest first, with a manifest beside it.",
        ),
        "sync": Command(
            "history.mirror:sync",
            "Bring the local mirror of the history up to date; `history list --offline` reads it.",
        ),
        "purge": Command(
            "history.mirror:purge",
            "Remove requests from the local mirror, and from the disk. The service keeps its own.",
        ),
    },
)

ENDPOINTS = Group(
    "See the calls that the API offers, what each takes and what it answers.",
    {
        "list": Command(
            "endpoints:list_endpoints", "List the calls that the API offers, by tag.", alias="ls"
        ),
        "show": Command(
            "endpoints:show",
            "Show one call: its parameters, what it takes and answers, examples, and lines to run.",
        ),
    },
)

SANDBOX = Group(
    "The same API on this machine, with its own data.",
    {
        "tour": Command("sandbox.sandbox:tour", "Do the main job for real on a throw-away sandbox."),
        "serve": Command(
            "sandbox.sandbox:serve", "Serve the API over HTTP until Ctrl-C. Prints the base URL on stdout."
        ),
        "seed": Command(
            "sandbox.sandbox:seed",
            "Add many requests to the history, to rehearse on a big account. "
            "A server may run on it meanwhile.",
        ),
        "info": Command("sandbox.sandbox:info", "Say where the data is, who owns it, and how to use it."),
        "reset": Command("sandbox.sandbox:reset", "Start afresh: remove the sandbox's database and its key."),
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
        "api": Command("api:call", "Make any call, and print the body of its answer."),
        "doctor": Command("doctor:doctor", "Find out what is wrong here, and what to do about it."),
        "completion": Command(
            "completion:completion", "Print the script that completes these words in bash, zsh or fish."
        ),
    },
    epilog="No account yet? Try it on this machine: astalty sandbox tour",
)
