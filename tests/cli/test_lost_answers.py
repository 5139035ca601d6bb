"""Answers that are lost: the same request again, and never a second key or a second secret to nobody."""

import pytest

from tests.support.open_operations import CREATE, EXPIRE, ROTATE, Faulty, elsewhere, key, make, works
from tests.support.spoilt import Fault


def test_a_creation_that_never_arrived_is_asked_for_again(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE, acts=False))
    made = account.shell("keys create ci --plain")
    assert works(account, made.out.strip())
    assert spoilt.posts() == [CREATE, CREATE]
    assert "Asking again, with the same Idempotency-Key." in made.err
    assert key(account.shell)["rotation"] == 0


def test_a_created_key_whose_secret_was_lost_on_the_way_is_rotated_for_another(faulty: Faulty) -> None:
    account, spoilt = faulty
    spoilt.faults.append(Fault(CREATE))
    made = account.shell("keys create ci --plain")
    assert works(account, made.out.strip())
    assert [row[1] for row in account.shell("keys list").rows].count("ci") == 1
    assert key(account.shell)["rotation"] == 1
    assert account.shell("keys recover --json").json == []


def test_a_rotation_whose_answer_was_lost_is_made_once_more(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults.append(Fault(ROTATE))
    new = account.shell("keys rotate ci --plain --grace 1h").out.strip()
    assert key(account.shell)["rotation"] == 2
    assert works(account, new)
    assert works(account, old)
    assert not works(account, old, hours=2)
    assert works(account, new)


def test_the_first_request_may_still_be_running(faulty: Faulty) -> None:
    account, spoilt = faulty
    running = Fault(ROTATE, "409 Conflict", {"Retry-After": "1"}, acts=False)
    make(account.shell)
    spoilt.faults.append(running)
    spoilt.calls.clear()
    assert works(account, account.shell("keys rotate ci --plain").out.strip())
    assert [call.rpartition("/")[2] for call in spoilt.posts()] == ["rotate", "rotate", "expire-previous"]


def test_someone_else_who_rotates_meanwhile_keeps_a_secret_that_works(faulty: Faulty) -> None:
    """The answer is lost, and before the replay another machine rotates: nothing of theirs is ended."""
    account, spoilt = faulty
    make(account.shell)
    theirs: list[str] = []
    meanwhile = Fault(ROTATE, acts=False, first=lambda: theirs.append(elsewhere(account)))
    spoilt.faults += [Fault(ROTATE), meanwhile]
    refused = account.shell("keys rotate ci --plain --grace 0 --yes", code=5)
    assert "Someone else rotated 'ci'" in refused.err
    assert works(account, theirs[0], days=8)
    assert account.shell("keys recover --json").json == []


def test_the_end_of_the_old_secret_may_be_asked_for_again(faulty: Faulty) -> None:
    account, spoilt = faulty
    old = make(account.shell)
    spoilt.faults += [Fault(EXPIRE), Fault(EXPIRE, "429 Slow", {"Retry-After": "1"}, acts=False)]
    account.shell("keys rotate ci --plain --grace 0 --yes")
    assert spoilt.faults == []
    assert not works(account, old)


@pytest.mark.parametrize("line", ["keys create ci --plain", "keys rotate ci --plain"])
def test_a_rate_limit_that_is_over_soon_is_waited_out(faulty: Faulty, line: str) -> None:
    account, spoilt = faulty
    if "rotate" in line:
        make(account.shell)
    spoilt.faults.append(Fault("POST .*", "429 Slow", {"Retry-After": "1"}, acts=False))
    assert works(account, account.shell(line).out.strip())
    spoilt.faults.append(Fault("POST .*", "429 Slow", {"Retry-After": "60"}, acts=False))
    limited = account.shell(line.replace("create ci", "create other"), code=6)
    assert "Rate limited" in limited.err
    assert account.shell("keys recover --json").json == []
