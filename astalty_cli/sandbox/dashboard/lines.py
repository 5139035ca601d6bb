"""The command lines that make a call, to be pasted as they stand.

They take the key, the address and ids from the variables that the page tells of. `astalty endpoints show`
makes its own: it knows the address, has words in capitals for the ids, and trusts no document.
"""

import json
import re

from astalty_cli.api import contract
from astalty_cli.base.shell_words import quoted
from astalty_cli.openapi import Json

# A new secret belongs where `keys` puts it, not on whatever screen the answer of a plain call lands.
KEY_COMMANDS = {
    contract.API_KEYS: "astalty keys create ci-deploy",
    contract.rotate("{key_id}"): 'astalty keys rotate "$KEY_ID" --grace 24h',
}

_VARIABLE = re.compile(r"{(\w+)}")


def ready(method: str, path: str, body: Json) -> dict[str, str]:
    """The lines by the program they are for. `path` may have `{key_id}` and a query in it; `body` is flat."""
    if method == "POST" and path in KEY_COMMANDS:
        return {"astalty": KEY_COMMANDS[path]}
    return {"astalty": _astalty(method, path, body), "curl": _curl(method, path, body)}


def _astalty(method: str, path: str, body: Json) -> str:
    words = ["astalty api"]
    words += [] if method == "GET" else [f"-X {method}"]
    words += [_quoted(path.removeprefix(contract.PREFIX))]
    words += [_flag(name, value) for name, value in body.items()]
    return " ".join(words)


def _curl(method: str, path: str, body: Json) -> str:
    """The key comes by a pipe: every user of a machine can read the words of a command."""
    words = ["curl -s"]
    words += ["-g"] if "[" in path else []
    words += [] if method == "GET" else [f"-X {method}"]
    lines = [" ".join((*words, "-H @-")), _quoted("$ASTALTY_BASE_URL" + path)]
    lines += [f"--json {quoted(json.dumps(body))}"] if body else []
    return "printf 'Authorization: Bearer %s' \"$ASTALTY_API_KEY\" |\n  " + " \\\n    ".join(lines)


def _quoted(path: str) -> str:
    return f'"{_VARIABLE.sub(lambda name: "$" + name[1].upper(), path)}"'


def _flag(name: str, value: object) -> str:
    if isinstance(value, str):
        return f"-f {quoted(f'{name}={value}')}"
    return f"-F {name}={json.dumps(value)}"
