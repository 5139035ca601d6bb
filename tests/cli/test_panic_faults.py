"""`astalty keys panic` where the service fails: nothing is ended too early, and nothing hidden."""

import pytest

from tests.support.hostile import ENTRY, Answer
from tests.support.leaks import NEW, SLOW, answered, report, reports, service
from tests.support.shell import Shell


def test_the_calls_of_a_panic(shell: Shell) -> None:
    """The old secret ends after delivery and proof, and what is only to be known is asked for after that."""
    with service(entries=[ENTRY]) as (app, url):
        assert answered(shell, url).out == f"{NEW}\n"
    assert app.calls[:7] == ["own", "glance", "read", "rotate", "prove", "expire_previous", "confirm"]
    assert set(app.calls[7:]) == {"read_history", "keys"}
    assert app.bodies["rotate"] == {"grace_seconds": 900, "if_rotation": 0}
    assert app.bodies["expire_previous"] == {"within_seconds": 0, "if_rotation": 1}


def test_a_new_secret_that_is_not_delivered_ends_nothing(shell: Shell) -> None:
    with service() as (app, url):
        failed = answered(shell, url, "--to 'exec:false'", 7)
    assert "expire_previous" not in app.calls
    assert "The incident report: " in failed.err
    data, _ = report(shell.home)
    assert "The rotation stopped" in data["steps"][-1]["what"]


@pytest.mark.parametrize("proof", [("500 No", {}, b"{}"), ("401 No", {}, b"{}")])
def test_without_proof_the_old_secret_is_not_ended_by_us(shell: Shell, proof: Answer) -> None:
    with service(prove=proof) as (app, url):
        failed = answered(shell, url, "--json", 7)
    assert "expire_previous" not in app.calls
    assert "The incident report: " in failed.error["hint"]


def test_somebody_who_rotates_meanwhile_is_a_conflict_and_is_reported(shell: Shell) -> None:
    with service(rotate=("409 Conflict", {}, b'{"message": "Changed."}')) as (_, url):
        assert "Someone else rotated" in answered(shell, url, code=5).err
    assert len(reports(shell.home)) == 2


@pytest.mark.parametrize("answer", [SLOW, ("404 Not Found", {}, b"{}"), ("200 OK", {}, b"<html>")])
def test_a_history_that_cannot_be_read_undoes_nothing(shell: Shell, answer: Answer) -> None:
    with service(glance=answer, read_history=answer, keys=answer) as (_, url):
        result = answered(shell, url)
    assert result.out == f"{NEW}\n"
    assert "Its recent use cannot be shown: " in result.err
    assert "The request history was not read to its end: " in result.err
    data, markdown = report(shell.home)
    assert len(data["not_known"]) == 3
    assert "was not read" in markdown


@pytest.mark.parametrize("answer", [SLOW, ("500 No", {}, b"{}"), ("403 Forbidden", {}, b"{}")])
def test_a_service_that_does_not_say_whose_it_is_is_no_dead_secret(shell: Shell, answer: Answer) -> None:
    with service(own=answer, check=answer) as (app, url):
        answered(shell, url, code=6)
    assert set(app.calls) <= {"own", "check"}
