"""Words for tests of operations that are left open: a key, a secret, what the service was not heard of."""

import json
from datetime import timedelta
from typing import Any

from astalty_cli.sandbox.keys import KEYS
from astalty_cli.sandbox.listing import parse_query
from tests.support.accounts import Account
from tests.support.shell import Shell
from tests.support.spoilt import Fault, Spoilt

Faulty = tuple[Account, Spoilt]
CREATE, ROTATE, EXPIRE = "POST /api-keys", "POST /api-keys/.*/rotate", "POST .*/expire-previous"
FOR_GOOD = 99


def works(account: Account, secret: str, **after: float) -> bool:
    return account.status_of(secret, after=timedelta(**after)) == 200


def make(shell: Shell, name: str = "ci") -> str:
    return shell(f"keys create {name} --plain").out.strip()


def key(shell: Shell, name: str = "ci") -> dict[str, object]:
    found: dict[str, object] = shell(f"keys show {name} --json").json
    return found


def is_open(shell: Shell) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(shell("keys recover --json", code=7).out)
    return rows


def elsewhere(account: Account, name: str = "ci", grace: int = 60) -> str:
    """Another machine rotates the key."""
    store = account.store()
    try:
        page = store.keys.page(parse_query(f"filter[name]={name}", KEYS))[0]
        made = store.keys.rotate(page[0].id, grace, None).secret
        assert made is not None
        return made.reveal()
    finally:
        store.close()


def lost(account: Account, spoilt: Spoilt, line: str, call: str, **fault: Any) -> None:
    """A command whose call is never answered; the service hears later ones again."""
    spoilt.faults.append(Fault(call, times=FOR_GOOD, **fault))
    account.shell(line, code=7)
    spoilt.faults.clear()
