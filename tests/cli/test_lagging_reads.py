"""Reads that lag behind writes: an older answer is "not yet", never a rival and never an end."""

from typing import Any

import pytest

from tests.cli import test_rotation as rotation
from tests.support.accounts import Account
from tests.support.hostile import ACCOUNT, KEY, Answer, one
from tests.support.open_operations import (
    CREATE,
    EXPIRE,
    FOR_GOOD,
    ROTATE,
    Faulty,
    elsewhere,
    is_open,
    key,
    lost,
    make,
    works,
)
from tests.support.shell import Shell
from tests.support.spoilt import Fault

ROTATED, ENDED = rotation.ROTATED, rotation.ENDED
BEFORE: dict[str, Any] = {**KEY, "account": ACCOUNT}


class InTurn(dict[str, Answer]):
    """The answers to one step, one after the other, the last one for ever."""

    def __init__(self, answers: dict[str, Answer], step: str, *turns: Answer) -> None:
        super().__init__(answers)
        self._step, self._turns = step, list(turns)

    def __getitem__(self, step: str) -> Answer:
        if step != self._step:
            return super().__getitem__(step)
        return self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]


UNKNOWN: Answer = ("401 No", {}, b'{"message": "Unauthenticated."}')


@pytest.mark.parametrize(
    ("step", "older", "newer"),
    [
        ("prove", rotation.ok(BEFORE), rotation.ok({**ROTATED, "account": ACCOUNT})),
        ("prove", UNKNOWN, rotation.ok({**ROTATED, "account": ACCOUNT})),
        ("confirm", rotation.ok(KEY), rotation.ok(ENDED)),
        ("confirm", rotation.ok(ROTATED), rotation.ok(ENDED)),
        ("confirm", ("404 No", {}, b"{}"), rotation.ok(ENDED)),
    ],
    ids=["proof of before", "secret not known yet", "key of before", "end of before", "no such key yet"],
)
def test_an_older_answer_is_asked_for_again(shell: Shell, step: str, older: Answer, newer: Answer) -> None:
    with rotation.service() as (app, url):
        app.answers = InTurn(app.answers, step, older, newer)
        assert rotation.rotate(shell, url).out == f"{rotation.NEW}\n"
        assert app.calls.count(step) >= 2
        assert shell("keys recover --json").json == []


@pytest.mark.parametrize("proof", [rotation.ok(BEFORE), UNKNOWN], ids=["of before", "not known yet"])
def test_a_proof_that_stays_behind_leaves_the_rotation_open(shell: Shell, proof: Answer) -> None:
    with rotation.service(prove=proof, own=rotation.ok(BEFORE)) as (app, url):
        result = rotation.rotate(shell, url, code=7)
        assert "the old one was not set to expire" in result.err
        assert "else rotated" not in result.err.replace("someone else may have rotated", "")
        assert "expire-previous" not in app.calls
        assert len(is_open(shell)) == 1


def test_an_end_that_is_refused_is_no_rival_until_the_key_shows_one(shell: Shell) -> None:
    conflict: Answer = ("409 Conflict", {}, b'{"message": "Nothing changed."}')
    with rotation.service(expire_previous=conflict) as (_, url):
        assert "nobody rotated the key" in rotation.rotate(shell, url, code=7).err
        assert len(is_open(shell)) == 1


def test_a_repeat_that_is_refused_is_no_rival_until_the_key_shows_one(shell: Shell) -> None:
    """The first answer was lost, and to the repeat the service says 409: it may be busy with the first."""
    lost_answer: Answer = ("502 Bad Gateway", {}, b"")
    conflict: Answer = ("409 Conflict", {}, b'{"message": "Still running."}')
    with rotation.service() as (app, url):
        app.answers = InTurn(app.answers, "rotate", lost_answer, conflict)
        assert "nobody rotated the key" in rotation.rotate(shell, url, code=7).err
        assert len(is_open(shell)) == 1


@pytest.mark.parametrize("proof", [rotation.ok(BEFORE), UNKNOWN], ids=["of before", "not known yet"])
def test_a_recovery_asks_again_about_the_secret_that_it_finds(shell: Shell, proof: Answer) -> None:
    """Else it would take it for an older one, and make another."""
    row = {**ROTATED, "last_four": rotation.NEW[-4:], "secret": rotation.NEW}
    made: Answer = ("201 Created", {}, one(row))
    with rotation.service(prove=proof, own=rotation.ok(BEFORE), rotate=made) as (app, url):
        env = {"ASTALTY_API_KEY": rotation.OLD, "ASTALTY_BASE_URL": url}
        shell(f"keys rotate {KEY['id']} --to file:new", env=env, code=7)
        app.answers["read"] = rotation.ok(ROTATED)
        newest = rotation.ok({**ROTATED, "account": ACCOUNT})
        app.answers = InTurn(app.answers, "prove", proof, newest)
        shell("keys recover --yes", env=env)
        assert app.calls.count("rotate") == 1
        assert shell("keys recover --json").json == []


@pytest.mark.parametrize("grace", ["24h", "0"])
@pytest.mark.parametrize("at", [ROTATE, EXPIRE, "GET /api-keys/.*-.*"])
def test_a_rotation_of_the_own_key_on_a_service_that_is_behind(faulty: Faulty, at: str, grace: str) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(at, "", lag=2))
    line = f"keys rotate 'sandbox cli' --to file:new --grace {grace} --yes --allow-self"
    account.shell(line)
    spoilt.lag(0)
    assert works(account, (account.shell.home / "new").read_text().strip(), days=8)
    account.shell("keys list")
    assert account.shell("keys recover --json").json == []


def test_a_service_that_stays_behind_locks_nobody_out(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(ROTATE, "", lag=FOR_GOOD))
    line = "keys rotate 'sandbox cli' --to file:new --grace 0 --yes --allow-self"
    account.shell(line, code=7)
    account.shell("keys recover --yes", code=7)  # it is still behind
    spoilt.lag(0)
    account.shell("keys recover --yes")
    account.clock.move(days=8)
    assert key(account.shell, "'sandbox cli'")["rotation"] == 1
    assert account.shell("keys recover --json").json == []


@pytest.mark.parametrize(("line", "call"), [("keys create ci", CREATE), ("keys rotate ci", ROTATE)])
def test_a_lost_answer_and_a_read_of_before(faulty: Faulty, line: str, call: str) -> None:
    """The service says that the secret was shown, and then does not know the key, or not its rotation."""
    account, spoilt = faulty
    if call == ROTATE:
        make(account.shell)
    spoilt.faults.append(Fault(call, lag=2))
    secret = account.shell(f"{line} --plain").out.strip()
    assert works(account, secret, days=8)
    assert account.shell("keys recover --json").json == []


@pytest.mark.parametrize("reads", [2, 3, FOR_GOOD])
def test_a_recovery_takes_no_older_answer_for_a_decision(faulty: Faulty, reads: int) -> None:
    account, spoilt = faulty
    shell = account.shell
    old = make(shell)
    lost(account, spoilt, "keys rotate ci --to file:new --grace 0 --yes", EXPIRE, acts=False)
    (shell.home / "new").rename(shell.home / "moved")  # so that the key has to be looked at
    spoilt.replica, current = _before_the_rotation(account, spoilt.replica), spoilt.replica
    spoilt.lag(reads)
    told = shell("keys recover --yes", code=7 if reads == FOR_GOOD else 0)
    assert "omeone else" not in told.err
    spoilt.replica = current
    spoilt.lag(0)
    shell("keys recover --yes")
    assert not works(account, old)
    assert works(account, (shell.home / "moved").read_text().strip(), days=8)


def _before_the_rotation(account: Account, replica: Any) -> Any:
    """A copy of the service that has not seen the rotation yet."""
    with_rotation = account.store()
    try:
        row = {"rotation": 0, "rotated_at": None}
        made = replica()
        with made.store.database.write() as connection:
            ids = connection.execute("SELECT id FROM api_keys WHERE name = 'ci'").fetchone()["id"]
            connection.execute("DELETE FROM key_secrets WHERE key_id = ? AND rotation > 0", (ids,))
            connection.execute("UPDATE key_secrets SET expires_at = NULL WHERE key_id = ?", (ids,))
            connection.execute(
                "UPDATE api_keys SET rotation = :rotation, rotated_at = :rotated_at WHERE id = :id",
                {**row, "id": ids},
            )
    finally:
        with_rotation.close()
    return lambda: made


def test_a_revocation_whose_read_still_says_active_is_one(faulty: Faulty) -> None:
    account, spoilt = faulty
    secret = make(account.shell)
    spoilt.faults.append(Fault("DELETE .*", lag=2))
    told = account.shell("keys revoke ci --yes --json")
    assert [row["status"] for row in told.json] == ["revoked"]
    assert not works(account, secret)
    assert account.shell("keys recover --json").json == []


def test_a_revocation_of_the_own_key_whose_read_still_says_active_is_one(faulty: Faulty) -> None:
    """The answer is lost, the repeat is refused, and the service still knows the key as active."""
    account, spoilt = faulty
    make(account.shell)
    own = key(account.shell, "'sandbox cli'")["id"]
    spoilt.faults.append(Fault("DELETE .*", lag=2))
    told = account.shell(f"keys revoke {own} --yes --allow-self")
    assert "it is revoked" in told.err
    assert account.shell("keys recover --json").json == []


def test_a_revocation_is_never_shown_as_an_active_key(faulty: Faulty) -> None:
    account, spoilt = faulty
    make(account.shell)
    spoilt.faults.append(Fault("DELETE .*", "", lag=FOR_GOOD))
    told = account.shell("keys revoke ci --yes --json")
    assert told.json == []
    assert "Revoked 'ci'" in told.err


def test_a_rotation_seen_a_moment_ago_is_not_undone_by_an_older_read(faulty: Faulty) -> None:
    """The key was found at rotation 1; the look before the DELETE is of before that."""
    account, spoilt = faulty
    make(account.shell)
    spoilt.lag(1)  # of now: rotation 0
    behind = spoilt.behind
    spoilt.behind = None
    theirs = elsewhere(account)
    spoilt.behind, spoilt._lag = behind, 0
    spoilt.faults.append(Fault("GET /api-keys/.*-.*", "", first=lambda: setattr(spoilt, "_lag", 1)))
    account.shell(f"keys revoke {key_id(account)} --yes")
    assert not works(account, theirs)


def key_id(account: Account) -> str:
    from astalty_cli.sandbox.keys import KEYS
    from astalty_cli.sandbox.listing import parse_query

    store = account.store()
    try:
        return store.keys.page(parse_query("filter[name]=ci", KEYS))[0][0].id
    finally:
        store.close()


def test_a_key_that_is_not_listed_yet_is_not_taken_for_one_that_was_never_made(faulty: Faulty) -> None:
    """This machine's clock is two days ahead: the creation seems old, and the key was made just now."""
    account, spoilt = faulty
    account.clock.move(days=-2)
    spoilt.lag(FOR_GOOD)
    lost(account, spoilt, "keys create ci --plain", CREATE)
    account.shell("keys recover --yes", code=7)
    assert len(is_open(account.shell)) == 1


def test_a_creation_that_is_a_day_old_by_this_machines_clock_is_not_sent_again(faulty: Faulty) -> None:
    """The service's clock is two days behind, and by it no time has passed."""
    account, spoilt = faulty
    account.clock.move(days=-2)
    lost(account, spoilt, "keys create ci --plain", CREATE, acts=False)
    spoilt.calls.clear()
    account.shell("keys recover --yes", code=7)
    assert not [call for call in spoilt.calls if call.startswith("POST")]


def test_what_is_there_for_the_tests_works(faulty: Faulty) -> None:
    """The lever itself: a read is of before the change, and the one after those is not."""
    account, spoilt = faulty
    spoilt.lag(3)
    account.shell("keys create ci --plain")
    names = [[row[1] for row in account.shell("keys list").rows] for _ in range(3)]
    assert ["ci" in each for each in names] == [False, False, True]
